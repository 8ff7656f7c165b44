// SPDX-License-Identifier: Apache-2.0

import Settings

/// What a configuration file asks for and does not get: said on standard error, as it is no failure.
enum ConfigurationNotices {
    private static let items = [
        "err_msg_mode", "defaultDevice", "StackSize", "simt_printf_fifo_size", "simd_printf_fifo_size_per_core",
        "acl_graph", "dump", "profiler", "max_opqueue_num",
    ]
    /// Items that are checked and have nothing to change on a CPU.
    private static let withoutEffect = [
        "StackSize", "simt_printf_fifo_size", "simd_printf_fifo_size_per_core", "acl_graph", "max_opqueue_num",
    ]
    private static let dumpItems = [
        "dump_path", "dump_list", "dump_mode", "dump_data", "dump_stats", "dump_step", "dump_level", "dump_op_switch",
        "dump_scene", "dump_debug", "dump_kernel_data",
    ]
    private static let modelItems = [
        "model_name", "layer", "optype_blacklist", "opname_blacklist", "opname_range", "watcher_nodes",
    ]

    /// - root: of a file that has been read without a failure.
    static func list(_ root: JSONValue, file: String) -> [String] {
        let start = "The configuration \(file): "
        var notices = unknown(in: root, of: items, "").map { start + $0 }
        for item in withoutEffect where root[item] != nil {
            notices.append(start + "\"\(item)\" has no effect on a CPU.")
        }
        if let profiler = root["profiler"], profiler["switch"] != .string("off") {
            notices.append(
                start + "\"profiler\" has no effect: there is no profiler for a CPU, and nothing will be written.")
        }
        if let dump = root["dump"] { notices += dumpNotices(dump).map { start + $0 } }
        return notices
    }

    private static func dumpNotices(_ dump: JSONValue) -> [String] {
        var notices = unknown(in: dump, of: dumpItems, " in \"dump\"")
        if case .array(let models)? = dump["dump_list"] {
            for model in models { notices += unknown(in: model, of: modelItems, " in \"dump_list\"") }
        }
        if dump["dump_scene"] != nil {
            notices.append("\"dump_scene\" waits for errors that only an NPU has: nothing will be written.")
        } else if dump["dump_list"] ?? .array([]) == .array([]) {
            notices.append("\"dump\" has no \"dump_list\": no model is dumped.")
        }
        if dump["dump_op_switch"] == .string("on") {
            notices.append("\"dump_op_switch\" has no effect: no operators run outside a model.")
        }
        return notices
    }

    private static func unknown(in section: JSONValue, of known: [String], _ place: String) -> [String] {
        guard case .object(let members) = section else { return [] }
        return members.keys.sorted().filter { !known.contains($0) }.map { name in
            "\"\(name)\"\(place) is not known and has no effect. "
                + "The closest known name is \"\(Settings.closest(to: name, among: known))\"."
        }
    }
}
