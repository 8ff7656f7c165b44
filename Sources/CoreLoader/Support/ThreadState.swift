// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What the library remembers for one thread. Only that thread touches it.
@safe
final class ThreadState {
    /// Set by creating a context or making one current; nil after `aclrtSetDevice`.
    var explicitContext: Context?
    /// The primary context of the device that was set; it may have been destroyed since.
    var deviceContext: Context?
    /// The number of the latest failure in the runtime layer.
    var lastRuntimeError: Int32 = 0
    /// The number of the latest task that this thread submitted.
    var lastTask: UInt32 = 0
    /// The stream whose core limits the thread uses.
    var limitingStream: Handle?
    /// How the thread wants captures of streams to behave.
    var captureMode: UInt32 = 0
    var messages = MessageQueue()
    /// The text handed out last; valid until the next call.
    private var deliveredText: UnsafeMutablePointer<CChar>?
    /// The stream whose worker this thread is.
    let workerOf: Stream?
    /// The streams that wait for the callbacks that this thread is running, the innermost last.
    var heldStreams: [Stream] = []
    /// The model whose queued execution this thread is running.
    var executing: LoadedModel?

    init(workerOf stream: Stream? = nil) { workerOf = stream }

    deinit { unsafe deliveredText?.deallocate() }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        unsafe pthread_key_create(&key) { state in
            // Balances `passRetained` when a thread ends.
            if let state = unsafe state { unsafe Unmanaged<ThreadState>.fromOpaque(state).release() }
        }
        return key
    }()

    /// The calling thread's state, made at the first use.
    static var current: ThreadState {
        if let state = unsafe pthread_getspecific(key) {
            return unsafe Unmanaged<ThreadState>.fromOpaque(state).takeUnretainedValue()
        }
        return install(ThreadState())
    }

    @discardableResult
    static func install(_ state: ThreadState) -> ThreadState {
        unsafe pthread_setspecific(key, Unmanaged.passRetained(state).toOpaque())
        return state
    }

    /// Keeps `text` for the caller until the thread's next call; nil stands for "nothing".
    func deliver(_ text: String?) -> UnsafePointer<CChar>? {
        unsafe deliveredText?.deallocate()
        unsafe deliveredText = nil
        guard let text else { return nil }
        let bytes = Array(text.utf8)
        let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
        for (index, byte) in bytes.enumerated() { unsafe buffer[index] = CChar(bitPattern: byte) }
        unsafe buffer[bytes.count] = 0
        unsafe deliveredText = buffer
        return unsafe UnsafePointer(buffer)
    }
}
