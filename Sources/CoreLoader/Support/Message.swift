// SPDX-License-Identifier: Apache-2.0

import Files

/// What is said about a failure, under one of the documented message codes.
///
/// The name of the called function is added by the entry point. Codes: EH the AscendCL layer, EE the runtime,
/// E and EP the model engine.
enum Message: Sendable {
    /// EH0008 in the AscendCL layer, EE1004 in the runtime: a pointer is null.
    case nullPointer(argument: String, layer: Layer = .interface)
    /// EH0007 / EE1003: a value is not one of those expected.
    case unexpected(argument: String, value: String, expected: String, layer: Layer = .interface)
    /// EH0009 / EE1017: a value is wrong for the reason given.
    case invalid(argument: String, value: String, reason: String, layer: Layer = .interface)
    /// EH0012: a reserved argument is used.
    case reserved(argument: String, reason: String)
    /// EH0003: a path that leads nowhere.
    case badPath(String, reason: String)
    /// EH0004: a file that cannot be used.
    case badFile(String, reason: String)
    /// EE1006: nothing that a CPU can do.
    case unsupported(String)
    /// EE1013: something has run out.
    case resources(String)
    /// EE1010: an object of another context.
    case wrongContext(object: String, detail: String)
    /// EE1002: a wait took too long.
    case timeout(String)
    /// EE1018: calls in an order that makes no sense.
    case wrongOrder(String)
    /// EE2002: an environment variable that cannot be used.
    case environment(variable: String, value: String, expected: String)
    /// Any other documented code, with its title and a finished text.
    case coded(String, title: String, text: String, solution: String? = nil)
    /// EH9999, E19999 and the like: an internal failure, told under "Internal error!".
    case inner(String, text: String)

    enum Layer: Sendable { case interface, runtime }
}

/// A message made ready for the queue.
struct MessageText: Hashable, Sendable {
    let code: String
    let title: String
    let text: String
    let solution: String?

    /// Names out of files and paths are in these texts: nothing in them is to steer a terminal, or to fill the memory.
    init(code: String, title: String, text: String, solution: String?) {
        self.code = code
        self.title = title
        self.text = Self.shown(text)
        self.solution = solution.map(Self.shown)
    }

    private static let limit = 16_384

    private static func shown(_ text: String) -> String {
        let bytes = text.utf8.count
        guard bytes > limit else { return printable(text) }
        return printable(String(decoding: text.utf8.prefix(limit), as: UTF8.self) + " … (\(bytes) bytes)")
    }

    var isInner: Bool { code.hasSuffix("9999") || code.hasSuffix("8888") }
}

extension Message {
    /// The text under the name of the function that the caller used.
    func rendered(function: String) -> MessageText {
        let call = "Failed to call \(function)."
        switch self {
        case .nullPointer(let argument, let layer):
            return MessageText(
                code: layer == .interface ? "EH0008" : "EE1004", title: "Invalid_Argument_Null_Pointer",
                text: "\(call) The pointer \(argument) is null.", solution: "Pass a valid pointer.")
        case .unexpected(let argument, let value, let expected, let layer):
            return MessageText(
                code: layer == .interface ? "EH0007" : "EE1003", title: "Invalid_Argument",
                text: "\(call) The value \(value) of \(argument) is invalid. Expected: \(expected).", solution: nil)
        case .invalid(let argument, let value, let reason, let layer):
            return MessageText(
                code: layer == .interface ? "EH0009" : "EE1017", title: "Invalid_Argument",
                text: "\(call) The value \(value) of \(argument) is invalid. Reason: \(reason).", solution: nil)
        case .reserved(let argument, let reason):
            return MessageText(
                code: "EH0012", title: "Invalid_Argument", text: "\(call) \(argument) is invalid. Reason: \(reason).",
                solution: nil)
        case .badPath(let path, let reason):
            return MessageText(
                code: "EH0003", title: "File_Operation_Error_Invalid_Path",
                text: "\(call) The path \(path) is invalid. Reason: \(reason).",
                solution: "Check that the path exists and may be read.")
        case .badFile(let path, let reason):
            return MessageText(
                code: "EH0004", title: "File_Operation_Error",
                text: "\(call) The file \(path) cannot be used. Reason: \(reason).", solution: nil)
        case .unsupported(let reason):
            return MessageText(code: "EE1006", title: "Not_Supported", text: "\(call) \(reason).", solution: nil)
        case .resources(let reason):
            return MessageText(code: "EE1013", title: "Resource_Error", text: "\(call) \(reason).", solution: nil)
        case .wrongContext(let object, let detail):
            return MessageText(
                code: "EE1010", title: "Execution_Error_Invalid_Context",
                text: "\(call) The \(object) does not belong to the current context. \(detail).",
                solution: "Use the objects of a context while that context is current.")
        case .timeout(let detail):
            return MessageText(
                code: "EE1002", title: "Execution_Error_Stream_Synchronize_Timeout", text: "\(call) \(detail).",
                solution: nil)
        case .wrongOrder(let reason):
            return MessageText(
                code: "EE1018", title: "Invalid_Argument_API_Call_Sequence", text: "\(call) \(reason).", solution: nil)
        case .environment(let variable, let value, let expected):
            return MessageText(
                code: "EE2002", title: "Config_Error_Invalid_Environment_Variable",
                text: "\(call) The value \(value) of the environment variable \(variable) is invalid. "
                    + "Expected: \(expected).", solution: nil)
        case .coded(let code, let title, let text, let solution):
            return MessageText(code: code, title: title, text: "\(call) \(text)", solution: solution)
        case .inner(let code, let text):
            return MessageText(code: code, title: "Inner_Error", text: "\(text) [FUNC:\(function)]", solution: nil)
        }
    }
}

/// A failure on its way to the entry point, which adds the function's name and queues the message.
struct Failure: Error {
    let code: Int32
    let message: Message

    init(_ code: Int32, _ message: Message) {
        self.code = code
        self.message = message
    }
}
