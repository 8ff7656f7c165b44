// SPDX-License-Identifier: Apache-2.0

import Files
import Glibc
import SaturatingArithmetic

/// What the configuration file of `aclInit` says.
struct Configuration: Sendable, Equatable {
    /// The text of the file; empty without a file.
    var text: [UInt8] = []
    /// Messages go to one queue of the whole process.
    var hasProcessWideMessages = false
    var defaultDevice: Int32?
    /// What models dump; nil for nothing.
    var dump: DumpSettings?
    /// What the file asks for in vain, in sentences.
    var notices: [String] = []

    static let sizeLimit = 10 << 20
    /// Brackets of one kind that may be open at a time.
    static let nestingLimit = 10

    init() {}

    /// Reads the file at `path`; throws 100003 when there is no such file, 100006 when it is not JSON, and the codes
    /// of the entries that cannot be used.
    init(path: String) throws(Failure) {
        try self.init(text: Self.read(path), path: path)
    }

    /// - `path`: names the file in messages.
    init(text: [UInt8], path: String) throws(Failure) {
        self.text = text
        guard let root = try Self.root(of: text, path: path) else { return }
        try readMessageMode(root)
        try readDefaultDevice(root)
        dump = try DumpSettings.read(root, file: path)
        try Self.checkSections(root, path)
        notices = ConfigurationNotices.list(root, file: path)
    }

    /// What the file at `path` says; nil for an empty one.
    static func root(ofFile path: String) throws(Failure) -> JSONValue? { try root(of: read(path), path: path) }

    private static func root(of text: [UInt8], path: String) throws(Failure) -> JSONValue? {
        guard !text.isEmpty else { return nil }
        guard nesting(of: text) <= nestingLimit, let root = JSONValue(text) else {
            throw Failure(
                ErrorCode.parseFile,
                .badFile(path, reason: "it is not JSON, or nested more than \(nestingLimit) levels deep"))
        }
        return root
    }

    /// The deepest nesting of `{` or of `[`, those inside strings included.
    static func nesting(of text: [UInt8]) -> Int {
        var open = (braces: 0, brackets: 0)
        var deepest = 0
        for byte in text {
            switch byte {
            case UInt8(ascii: "{"): open.braces += 1
            case UInt8(ascii: "}"): open.braces -= 1
            case UInt8(ascii: "["): open.brackets += 1
            case UInt8(ascii: "]"): open.brackets -= 1
            default: continue
            }
            deepest = max(deepest, open.braces, open.brackets)
        }
        return deepest
    }

    private mutating func readMessageMode(_ root: JSONValue) throws(Failure) {
        switch root["err_msg_mode"] {
        case nil, .string("0"): hasProcessWideMessages = false
        case .string("1"): hasProcessWideMessages = true
        case let other?:
            throw Self.wrong(ErrorCode.invalidParam, "err_msg_mode", other, expected: "\"0\" or \"1\"")
        }
    }

    private mutating func readDefaultDevice(_ root: JSONValue) throws(Failure) {
        guard let section = root["defaultDevice"] else { return }
        guard case .string(let digits)? = section["default_device"], let device = Int32(digits),
            device >= 0, String(device) == digits
        else {
            throw Self.wrong(
                ErrorCode.failure, "defaultDevice", section,
                expected: "{\"default_device\": \"N\"} with a device number")
        }
        defaultDevice = device
    }

    /// Sections for parts that a CPU does not have are checked and otherwise without effect.
    private static func checkSections(_ root: JSONValue, _ path: String) throws(Failure) {
        if let value = root["profiler"] {
            guard case .object = value else {
                throw wrong(ErrorCode.invalidProfilingConfig, "profiler", value, expected: "an object")
            }
        }
        for name in ["aicore_stack_size", "simt_stack_size", "simt_divergence_stack_size"] {
            if let value = root["StackSize"]?[name] { try checkCount(value, name) }
        }
        for name in ["simt_printf_fifo_size", "simd_printf_fifo_size_per_core"] {
            if let value = root[name] { try checkCount(value, name) }
        }
        if let mode = root["acl_graph"]?["event_mode"], mode != .string("0"), mode != .string("1") {
            throw wrong(ErrorCode.invalidParam, "event_mode", mode, expected: "\"0\" or \"1\"")
        }
        if let limit = root["max_opqueue_num"] {
            guard case .string(let digits) = limit, let count = UInt64(digits), count > 0 else {
                throw wrong(
                    ErrorCode.invalidMaxOpqueueNumConfig, "max_opqueue_num", limit,
                    expected: "a positive number as text")
            }
        }
    }

    private static func checkCount(_ value: JSONValue, _ name: String) throws(Failure) {
        guard case .number(let digits) = value, let count = UInt64(digits), count > 0 else {
            throw wrong(ErrorCode.failure, name, value, expected: "a positive whole number")
        }
    }

    private static func wrong(_ code: Int32, _ name: String, _ value: JSONValue, expected: String) -> Failure {
        Failure(code, .unexpected(argument: name, value: "\(value)", expected: expected))
    }

    private static func read(_ path: String) throws(Failure) -> [UInt8] {
        do throws(FileError) {
            return try FileContent.text(of: path, limit: sizeLimit)
        } catch {
            if case .system = error { throw Failure(ErrorCode.invalidFile, .badPath(path, reason: "\(error)")) }
            throw Failure(ErrorCode.invalidFile, .badFile(path, reason: "\(error)"))
        }
    }
}

/// The latest error of the system, in words.
func systemError() -> String { unsafe String(cString: strerror(errno)) }
