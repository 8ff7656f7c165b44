// SPDX-License-Identifier: Apache-2.0

import OfflineModel
import SaturatingArithmetic

extension DumpSettings {
    /// Checks a configuration in the original's order; throws 100009 for what it refuses and 207000 for what only an
    /// NPU can find out.
    /// - root: the whole file; nil settings come out when it asks for no dump of models.
    /// - file: names the file in messages.
    static func read(_ root: JSONValue, file: String) throws(Failure) -> DumpSettings? {
        guard let value = root["dump"] else { return nil }
        guard case .object(let members) = value else {
            throw DumpReader.item("dump", file, "it must be an object")
        }
        return try DumpReader(members: members, file: file).settings()
    }
}

/// Reads one section `dump`.
private struct DumpReader {
    let members: [String: JSONValue]
    let file: String

    private static let pathLimit = 512
    private static let listLimit = 100
    private static let exceptionScenes = [
        "lite_exception", "aic_err_brief_dump", "aic_err_norm_dump", "aic_err_detail_dump",
    ]

    func settings() throws(Failure) -> DumpSettings? {
        let scene = try choice("dump_scene", Self.exceptionScenes + ["watcher"])
        if let scene {
            try refuseSwitchedOn("dump_debug", because: "dump_scene is set to \(scene)")
            try refuseSwitchedOn("dump_op_switch", because: "dump_scene is set to \(scene)")
        }
        let mode = try choice("dump_mode", DumpSettings.Mode.allCases.map(\.rawValue)).flatMap {
            DumpSettings.Mode(rawValue: $0)
        }
        if scene == "watcher", let mode, mode != .output {
            throw conflict("When dump_scene is set to watcher, dump_mode cannot be set to \(mode.rawValue)")
        }
        // Written when an AI Core reports an error, which a CPU has none of.
        if let scene, scene != "watcher" { return nil }

        let path = try dumpPath()
        if try choice("dump_debug", ["on", "off"]) == "on" {
            try refuseSwitchedOn("dump_op_switch", because: "dump_debug is set to on")
            throw unsupported("Finding operators that overflow (dump_debug) takes the NPU's overflow status")
        }
        let data = try choice("dump_data", ["tensor", "stats"]) ?? "tensor"
        for kind in try text("dump_kernel_data").map({ Self.split($0, ",") }) ?? [] {
            guard ["all", "printf", "tensor", "assert", "timestamp"].contains(kind) else {
                throw wrong(
                    "dump_kernel_data", kind, "it must be one of all, printf, tensor, assert, timestamp", code: "EP0002"
                )
            }
        }
        let level = try choice("dump_level", ["op", "kernel", "all"]) ?? "all"
        let operatorSwitch = try choice("dump_op_switch", ["on", "off"]) ?? "off"
        let steps = try steps()
        let models = try list(level: level, isOperatorSwitchOn: operatorSwitch == "on", scene: scene)
        let items = try statistics(data)
        if scene == "watcher" {
            throw unsupported(
                "Watching for operators that overwrite each other (dump_scene watcher) takes the memory of an NPU")
        }
        guard !models.isEmpty else { return nil }
        return DumpSettings(
            path: path, mode: mode ?? .output, content: data == "stats" ? .statistics(items) : .tensor, steps: steps,
            models: models)
    }

    // MARK: The folder

    private func dumpPath() throws(Failure) -> String {
        guard var path = try text("dump_path") else { throw Self.item("dump_path", file, "it is missing") }
        guard !path.isEmpty else { throw Self.item("dump_path", file, "it is empty") }
        guard path.utf8.count <= Self.pathLimit else {
            throw wrong("dump_path", path, "it has \(path.utf8.count) bytes, expected at most \(Self.pathLimit)")
        }
        // An address of a host before the path: here that is always this host.
        let parts = path.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false)
            if numbers.count == 4, numbers.allSatisfy({ UInt8($0) != nil }) { path = String(parts[1]) }
        }
        if let problem = DumpFolder.problem(with: path) { throw wrong("dump_path", path, problem) }
        return path
    }

    // MARK: Steps

    private func steps() throws(Failure) -> [ClosedRange<Int>]? {
        guard let text = try text("dump_step"), !text.isEmpty else { return nil }
        let parts = Self.split(text, "|")
        guard parts.count <= Self.listLimit else {
            throw wrong("dump_step", text, "it names \(parts.count) ranges, expected at most \(Self.listLimit)")
        }
        var ranges: [ClosedRange<Int>] = []
        for part in parts {
            let ends = Self.split(part, "-")
            let numbers = ends.compactMap { $0.allSatisfy(\.isASCIIDigit) ? Int($0) : nil }
            guard ends.count <= 2, numbers.count == ends.count, let first = numbers.first, let last = numbers.last
            else {
                throw wrong("dump_step", text, "'\(part)' is neither a number nor a range such as 5-10")
            }
            guard first <= last else { throw wrong("dump_step", text, "the range \(part) starts after its end") }
            ranges.append(first...last)
        }
        return ranges
    }

    // MARK: Models

    private func list(
        level: String, isOperatorSwitchOn: Bool, scene: String?
    ) throws(Failure) -> [DumpSettings.ModelFilter] {
        guard let value = members["dump_list"] else { return [] }
        guard case .array(let entries) = value else { throw Self.item("dump_list", file, "it must be an array") }
        var filters: [DumpSettings.ModelFilter] = []
        for entry in entries {
            guard case .object(let entry) = entry else {
                throw Self.item("dump_list", file, "its elements must be objects")
            }
            filters.append(try filter(DumpReader(members: entry, file: file), level: level, scene: scene))
        }
        let usable = filters.filter { $0.modelName != "" && $0.layers != [] }
        guard !usable.isEmpty || entries.isEmpty || isOperatorSwitchOn else {
            throw Self.item("dump_list", file, "none of its elements names a model or an operator")
        }
        return usable
    }

    private func filter(
        _ entry: DumpReader, level: String, scene: String?
    ) throws(Failure) -> DumpSettings.ModelFilter {
        let name = try entry.text("model_name")
        let watched = try entry.texts("watcher_nodes") ?? []
        if scene == "watcher" {
            guard !watched.isEmpty else {
                throw Self.item("watcher_nodes", file, "it is missing, and dump_scene is watcher")
            }
            guard name ?? "" == "" else {
                throw conflict("When dump_scene is set to watcher, model_name cannot be set")
            }
        } else if !watched.isEmpty {
            throw conflict("When dump_scene is not set to watcher, watcher_nodes cannot be set")
        }
        var filter = DumpSettings.ModelFilter(modelName: name, layers: try entry.texts("layer"))
        filter.typeBlacklist = try entry.blacklist("optype_blacklist")
        filter.nameBlacklist = try entry.blacklist("opname_blacklist")
        filter.ranges = try entry.ranges()
        for (item, isSet) in [
            ("optype_blacklist", !filter.typeBlacklist.isEmpty), ("opname_blacklist", !filter.nameBlacklist.isEmpty),
            ("opname_range", !filter.ranges.isEmpty),
        ] where isSet && level != "op" {
            throw conflict("When dump_level is not set to op, \(item) cannot be set")
        }
        if !filter.ranges.isEmpty, name ?? "" == "" { throw conflict("Without model_name, opname_range cannot be set") }
        return filter
    }

    private func blacklist(_ key: String) throws(Failure) -> [DumpSettings.Exclusion] {
        let entries = try objects(key)
        guard entries.count <= Self.listLimit else {
            throw wrong(key, "\(entries.count) elements", "expected at most \(Self.listLimit)")
        }
        var exclusions: [DumpSettings.Exclusion] = []
        for entry in entries {
            let positions = try entry.texts("pos") ?? []
            for position in positions {
                let digits = ["input", "output"].first { position.hasPrefix($0) }.map { position.dropFirst($0.count) }
                guard let digits, !digits.isEmpty, digits.allSatisfy(\.isASCIIDigit) else {
                    throw wrong("pos", position, "expected input or output with a number, such as input1")
                }
            }
            exclusions.append(DumpSettings.Exclusion(name: try entry.text("name") ?? "", positions: positions))
        }
        return exclusions
    }

    private func ranges() throws(Failure) -> [DumpSettings.NameRange] {
        try objects("opname_range").map { entry throws(Failure) in
            guard let begin = try entry.text("begin"), let end = try entry.text("end"), !begin.isEmpty, !end.isEmpty
            else {
                throw Self.item("opname_range", file, "begin and end must both be set")
            }
            return DumpSettings.NameRange(begin: begin, end: end)
        }
    }

    // MARK: Statistics

    private func statistics(_ data: String) throws(Failure) -> [DumpStatistics.Item] {
        guard let names = try texts("dump_stats") else { return [] }
        guard !names.isEmpty else { throw Self.item("dump_stats", file, "it is empty") }
        guard data == "stats" else { throw conflict("When dump_data is not set to stats, dump_stats cannot be set") }
        return try names.map { name throws(Failure) in
            guard let item = DumpStatistics.Item(rawValue: name) else {
                let expected = DumpStatistics.Item.allCases.map(\.rawValue).joined(separator: ", ")
                throw wrong("dump_stats", name, "it must be one of \(expected)", code: "EP0002")
            }
            return item
        }
    }

    // MARK: Values

    private func text(_ key: String) throws(Failure) -> String? {
        guard let value = members[key] else { return nil }
        guard case .string(let text) = value else { throw Self.item(key, file, "it must be a text") }
        return text
    }

    private func texts(_ key: String) throws(Failure) -> [String]? {
        guard let value = members[key] else { return nil }
        guard case .array(let elements) = value else { throw Self.item(key, file, "it must be an array") }
        return try elements.map { element throws(Failure) in
            guard case .string(let text) = element else { throw Self.item(key, file, "its elements must be texts") }
            return text
        }
    }

    private func objects(_ key: String) throws(Failure) -> [DumpReader] {
        guard let value = members[key] else { return [] }
        guard case .array(let elements) = value else { throw Self.item(key, file, "it must be an array") }
        return try elements.map { element throws(Failure) in
            guard case .object(let members) = element else {
                throw Self.item(key, file, "its elements must be objects")
            }
            return DumpReader(members: members, file: file)
        }
    }

    private func choice(_ key: String, _ allowed: [String]) throws(Failure) -> String? {
        guard let value = try text(key) else { return nil }
        guard !value.isEmpty else { throw Self.item(key, file, "it is empty") }
        guard allowed.contains(value) else {
            throw wrong(key, value, "it must be one of \(allowed.joined(separator: ", "))", code: "EP0002")
        }
        return value
    }

    private func refuseSwitchedOn(_ key: String, because reason: String) throws(Failure) {
        if members[key] == .string("on") { throw conflict("When \(reason), \(key) cannot be set to on") }
    }

    private static func split(_ text: String, _ separator: Character) -> [String] {
        text.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }

    // MARK: Messages

    /// EP0001: an item is missing or not what it must be.
    static func item(_ item: String, _ file: String, _ reason: String) -> Failure {
        failure("EP0001", "The configuration item \(item) in \(file) is invalid. Reason: \(reason).")
    }

    /// EP0002 and EP0003: a value is wrong.
    private func wrong(_ item: String, _ value: String, _ reason: String, code: String = "EP0003") -> Failure {
        Self.failure(
            code, "The value \(value) of the configuration item \(item) in \(file) is invalid. Reason: \(reason).")
    }

    /// EP0005: items that exclude each other.
    private func conflict(_ reason: String) -> Failure {
        Self.failure("EP0005", "The dump configuration in \(file) contradicts itself. Reason: \(reason).")
    }

    private static func failure(_ code: String, _ text: String) -> Failure {
        Failure(
            ErrorCode.invalidDumpConfig,
            .coded(code, title: "Config_Error", text: text, solution: "Correct the section \"dump\" of the file."))
    }

    private func unsupported(_ what: String) -> Failure {
        Failure(ErrorCode.rtFeatureNotSupport, .unsupported("\(what), which a CPU does not have"))
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
