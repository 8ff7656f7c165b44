// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What a thread works in: a device, a default stream, the streams made in it.
///
/// The primary context of a device is made by `aclrtSetDevice`, the others by `aclrtCreateContext`.
final class Context: Sendable {
    let device: Device
    let isPrimary: Bool
    private let alive = Atomic<Bool>(true)
    private let state = Protected(State())

    private struct State {
        var handle: Handle?
        var defaultStream: Stream?
        var streams: [Stream] = []
        var options: [UInt32: Int64] = [:]
        var peers: Set<Int32> = []
    }

    init(device: Device, isPrimary: Bool) {
        self.device = device
        self.isPrimary = isPrimary
    }

    static let table = HandleTable<Context>(.context)

    /// False once it is destroyed; threads find out at their next call.
    var isAlive: Bool { alive.load(ordering: .acquiring) }

    var handle: Handle? { state.withLock { $0.handle } }

    /// A context ready for use; throws 207005 when there are too many handles.
    static func make(on device: Device, isPrimary: Bool) throws(Failure) -> Context {
        let context = Context(device: device, isPrimary: isPrimary)
        guard let handle = table.insert(context) else {
            throw Failure(ErrorCode.rtResourceAllocFail, .resources("There are too many contexts"))
        }
        context.state.withLock { $0.handle = handle }
        let stream = Stream(context: context, priority: 0, flags: 0, isDefault: true)
        context.state.withLock { $0.defaultStream = stream }
        do throws(Failure) {
            try stream.publish()
        } catch {
            context.tearDown()
            throw error
        }
        return context
    }

    /// Tells the stream callbacks of the program about the default stream.
    func announce() {
        if let stream = state.withLock({ $0.defaultStream }) { StreamCallbacks.shared.notify(stream, .created) }
    }

    /// The stream that a null handle stands for.
    func defaultStream() throws(Failure) -> Stream {
        guard let stream = state.withLock({ $0.defaultStream }) else { throw Context.noContext }
        return stream
    }

    static let noContext = Failure(
        ErrorCode.rtContextNull,
        .wrongOrder("The calling thread has no current context: call aclrtSetDevice or aclrtSetCurrentContext first"))

    func add(_ stream: Stream) { state.withLock { $0.streams.append(stream) } }
    func remove(_ stream: Stream) { state.withLock { $0.streams.removeAll { $0 === stream } } }

    /// The created streams, the default stream last.
    var allStreams: [Stream] { state.withLock { $0.streams + ($0.defaultStream.map { [$0] } ?? []) } }

    /// Waits until all work is done; throws 107037 for a stream that stands still.
    /// - what: what cannot be ended then, at the start of a sentence.
    func settle(_ what: @autoclosure () -> String) throws(Failure) {
        for stream in allStreams { try stream.settle(what()) }
    }

    /// Ends the context and drops queued work; of several threads that try, one succeeds.
    @discardableResult
    func tearDown() -> Bool {
        guard alive.exchange(false, ordering: .acquiringAndReleasing) else { return false }
        for stream in allStreams { stream.close() }
        let handle = state.withLock { state -> Handle? in
            state.streams.removeAll()
            state.defaultStream = nil
            return state.handle
        }
        if let handle { _ = Self.table.remove(handle) }
        return true
    }

    /// System parameters of this context.
    func option(_ option: UInt32) -> Int64? { state.withLock { $0.options[option] } }
    func setOption(_ option: UInt32, _ value: Int64) { state.withLock { $0.options[option] = value } }
}

// MARK: - The calling thread's context

extension Context {
    /// The calling thread's context; throws 107002 when it has none.
    ///
    /// A thread that has neither a context nor a device gets the default device of `aclInit`'s configuration.
    static func current() throws(Failure) -> Context {
        let thread = ThreadState.current
        if let context = try currentOrNil(thread) { return context }
        guard let device = Initialization.shared.defaultDevice else { throw noContext }
        try Device.set(device)
        guard let context = try currentOrNil(thread) else { throw noContext }
        return context
    }

    /// As `current`, without setting a default device.
    static func currentOrNil(_ thread: ThreadState = .current) throws(Failure) -> Context? {
        if let context = thread.explicitContext {
            if context.isAlive { return context }
            // A destroyed context is noticed once, then the thread has none.
            thread.explicitContext = nil
            throw Failure(
                ErrorCode.rtContextNull, .wrongOrder("The current context of the calling thread has been destroyed"))
        }
        if let context = thread.deviceContext {
            if context.isAlive { return context }
            throw Failure(
                ErrorCode.rtContextNull,
                .wrongOrder(
                    "Device \(context.device.id) of the calling thread has been reset: call aclrtSetDevice again"))
        }
        return nil
    }

    /// Makes this the calling thread's context.
    func makeCurrent() {
        let thread = ThreadState.current
        thread.explicitContext = self
        thread.deviceContext = nil
    }

    /// Looks up a handle; throws `code` for everything but a live context.
    static func find(_ handle: Handle, code: Int32) throws(Failure) -> Context {
        guard let context = table.find(handle), context.isAlive else {
            throw Failure(
                code,
                .unexpected(
                    argument: "context", value: hexadecimal(handle.bits),
                    expected: "a live context; this is \(table.describe(handle))", layer: .runtime))
        }
        return context
    }

    /// `aclrtDestroyContext`.
    static func destroy(_ handle: Handle) throws(Failure) {
        let context = try find(handle, code: ErrorCode.rtContextNull)
        guard !context.isPrimary else {
            throw Failure(
                ErrorCode.rtContextNull,
                .wrongOrder("The default context of a device is ended by aclrtResetDevice, not by destroying it"))
        }
        LeakReport.sayAtEnd(of: context, "aclrtDestroyContext")
        guard context.tearDown() else {
            throw Failure(
                ErrorCode.rtContextReleaseError, .wrongOrder("The context is being destroyed by another thread"))
        }
        let thread = ThreadState.current
        if thread.explicitContext === context { thread.explicitContext = nil }
        context.device.contextDestroyed()
    }
}
