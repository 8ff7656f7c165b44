// SPDX-License-Identifier: Apache-2.0

/// What the exception callbacks of the program are told about a task that failed.
final class TaskFailure: Sendable {
    /// Handles are valid during the callback only.
    static let table = HandleTable<TaskFailure>(.exceptionInfo)

    let task: UInt32
    let stream: UInt32
    let thread: UInt32
    let device: UInt32
    let code: Int32

    init(task: UInt32, stream: UInt32, thread: UInt32, device: UInt32, code: Int32) {
        self.task = task
        self.stream = stream
        self.thread = thread
        self.device = device
        self.code = code
    }

    typealias Callback = @Sendable (Handle) -> Void

    private static let listeners = Protected(Listeners())

    private struct Listeners: Sendable {
        /// The one of `aclrtSetExceptionInfoCallback`.
        var single: Callback?
        /// Those of `aclrtExceptionInfoCallbackRegister`, told apart by their addresses.
        var registered: [(function: UInt, callback: Callback)] = []
    }

    static func setCallback(_ callback: Callback?) { listeners.withLock { $0.single = callback } }

    static func register(_ function: UInt, _ callback: @escaping Callback) {
        listeners.withLock { $0.registered.append((function, callback)) }
    }

    static func unregister(_ function: UInt) {
        listeners.withLock { $0.registered.removeAll { $0.function == function } }
    }

    /// Tells everybody, on the calling thread.
    func announce() {
        let callbacks = Self.listeners.withLock { ($0.single.map { [$0] } ?? []) + $0.registered.map(\.callback) }
        guard !callbacks.isEmpty, let handle = Self.table.insert(self) else { return }
        for callback in callbacks { callback(handle) }
        _ = Self.table.remove(handle)
    }
}
