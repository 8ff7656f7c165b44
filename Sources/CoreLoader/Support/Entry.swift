// SPDX-License-Identifier: Apache-2.0

import CAscendCL
import SystemMemory

/// Where messages go: the thread that failed, or one queue for the whole process (`err_msg_mode` "1").
enum ErrorMessages {
    private static let shared = Protected(Shared())

    private struct Shared {
        var isProcessWide = false
        var queue = MessageQueue()
    }

    static func setProcessWide(_ processWide: Bool) { shared.withLock { $0.isProcessWide = processWide } }

    static func append(_ message: MessageText) {
        let isDone = shared.withLock { shared in
            guard shared.isProcessWide else { return false }
            shared.queue.append(message, suffix: "[THREAD:\(pyaclmdlThreadNumber())]")
            return true
        }
        if !isDone { ThreadState.current.messages.append(message) }
    }

    /// Everything queued for the caller, which is then forgotten.
    static func take() -> String? {
        let processWide = shared.withLock { $0.queue.take() }
        return processWide ?? ThreadState.current.messages.take()
    }
}

/// Queues the message of `failure` under the name of the entry point and returns its code.
func report(_ failure: Failure, function: StaticString = #function) -> Int32 {
    ForkGate.uncut {
        let name = String(describing: function)
        ErrorMessages.append(failure.message.rendered(function: String(name.prefix { $0 != "(" })))
        let layer = failure.code / 1000
        if layer == 107 || layer == 207 || layer == 507 { ThreadState.current.lastRuntimeError = failure.code }
        return failure.code
    }
}

/// Reports a failure that an entry point finds itself: `return fail(code, .nullPointer(argument: "devPtr"))`.
func fail(_ code: Int32, _ message: Message, function: StaticString = #function) -> Int32 {
    report(Failure(code, message), function: function)
}

/// The answer to a null argument in the AscendCL layer.
func failNull(_ argument: String, function: StaticString = #function) -> Int32 {
    fail(ErrorCode.invalidParam, .nullPointer(argument: argument), function: function)
}

/// The body of an entry point: 0, or the code of what it threw, with the message queued.
@inline(__always)
func status(function: StaticString = #function, _ body: () throws(Failure) -> Void) -> Int32 {
    ForkGate.uncut {
        SystemMemory.beginCall()
        do throws(Failure) {
            try body()
            return ErrorCode.success
        } catch {
            return report(error, function: function)
        }
    }
}

/// The answer to a handle of the AscendCL layer that is not live: 100000, and what the handle is.
func failHandle<Object>(
    _ handle: Handle, _ table: HandleTable<Object>, _ argument: String, function: StaticString = #function
) -> Int32 {
    fail(
        ErrorCode.invalidParam,
        .unexpected(
            argument: argument, value: hexadecimal(handle.bits),
            expected: "a live \(table.kind.name); this is \(table.describe(handle))"), function: function)
}
