// SPDX-License-Identifier: Apache-2.0

extension Failure {
    /// EH0002: a pointer argument of the model interface is null.
    static func null(_ argument: String) -> Failure {
        Failure(
            ErrorCode.invalidParam,
            .coded(
                "EH0002", title: "Invalid_Argument_Null_Pointer", text: "The pointer \(argument) is null.",
                solution: "Pass a valid pointer."))
    }

    /// EH0001: an argument of the model interface has a wrong value.
    static func argument(
        _ argument: String, value: String, reason: String, code: Int32 = ErrorCode.invalidParam
    ) -> Failure {
        Failure(
            code,
            .coded(
                "EH0001", title: "Invalid_Argument",
                text: "The value \(value) of \(argument) is invalid. Reason: \(reason)."))
    }

    /// A handle that is not one, or not of the kind that is wanted. EH0001, or EH0002 for null.
    static func handle<Object>(_ handle: Handle, _ argument: String, in table: HandleTable<Object>) -> Failure {
        if handle.isNull { return .null(argument) }
        return .argument(
            argument, value: "0x\(String(handle.bits, radix: 16))", reason: "it is \(table.describe(handle))")
    }

    /// EH0005: an argument of an AIPP function is wrong.
    static func aipp(_ argument: String, reason: String) -> Failure {
        Failure(
            ErrorCode.invalidParam,
            .coded("EH0005", title: "Invalid_Argument", text: "\(argument) is invalid. Reason: \(reason)."))
    }

    /// E10001: a value that the model file or the caller gives to the engine is wrong.
    static func model(_ code: Int32, value: String, parameter: String, reason: String) -> Failure {
        Failure(
            code,
            .coded(
                "E10001", title: "Invalid_Argument",
                text: "The value \(value) of \(parameter) is invalid. Reason: \(reason)."))
    }

    /// E13025: something is wrong with the memory, inputs or outputs that the caller passes.
    static func userMemory(_ code: Int32, _ reason: String) -> Failure {
        Failure(code, .coded("E13025", title: "Invalid_Argument", text: reason))
    }

    /// E13031: an output of a model of unknown shape does not fit into its buffer.
    static func outputTooSmall(_ reason: String) -> Failure {
        Failure(ErrorCode.geFailure, .coded("E13031", title: "Invalid_Argument", text: reason))
    }

    /// E13000: a path that does not lead to a file.
    static func path(_ path: String, reason: String) -> Failure {
        Failure(
            ErrorCode.geExecModelPathInvalid,
            .coded(
                "E13000", title: "File_Operation_Error_Invalid_Path",
                text: "The path \(path) is invalid. Reason: \(reason).",
                solution: "Check that the file exists and may be read."))
    }

    /// E19999: the engine cannot do what was asked.
    static func engine(_ code: Int32, _ text: String) -> Failure { Failure(code, .inner("E19999", text: text)) }

    /// The answer to calls before `aclInit` and after `aclFinalize`.
    static var engineNotInitialized: Failure {
        .engine(ErrorCode.geExecNotInit, "The model engine is not initialised: call aclInit first.")
    }

    static func unknownModel(_ id: UInt32) -> Failure {
        .engine(
            ErrorCode.geExecModelIdInvalid,
            "No model with the id \(id) is loaded: it was never loaded, or it has been unloaded.")
    }
}

extension ErrorCode {
    static let rtModelContext: Int32 = 107_004
    static let rtModelRunning: Int32 = 107_037
    static let rtModelAbortNormal: Int32 = 507_023
    static let geExecModelAddrInvalid: Int32 = 145_007
}
