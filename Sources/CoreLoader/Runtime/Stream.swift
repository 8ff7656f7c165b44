// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A queue of tasks that run one after the other, in the order of submission, on a thread of its own.
final class Stream: Sendable {
    let context: Context
    /// 0 (highest) to 7.
    let priority: UInt32
    let flags: UInt32
    let isDefault: Bool
    /// Small number, unique among the live streams.
    let id: Int32
    let queue = Monitor(Queue())
    private let handleBits = Atomic<UInt>(0)
    /// Who runs the program's functions.
    let callbackMode = Protected(CallbackMode.none)
    /// The program's own allocator for executions on this stream.
    let allocator = Protected<CustomAllocator.Registration?>(nil)
    private let attributes = Protected(Attributes())

    static let table = HandleTable<Stream>(.stream)
    /// The streams that have a worker.
    static let working = Protected<[ObjectIdentifier: Stream]>([:])
    /// Streams that may exist at a time, default streams included.
    static let limit = 1984

    private static let ids = Protected(SmallNumbers())

    struct Attributes: Sendable {
        var overflowSwitch: UInt32 = 0
        var customTag: UInt32 = 0
        var cachesOperatorInfo: UInt32 = 0
        var priority: UInt32 = 0
    }

    init(context: Context, priority: UInt32, flags: UInt32, isDefault: Bool) {
        self.context = context
        self.priority = priority
        self.flags = flags
        self.isDefault = isDefault
        id = Self.ids.withLock { $0.take() }
        attributes.withLock { $0.priority = priority }
    }

    deinit { Self.ids.withLock { $0.giveBack(id) } }

    var handle: Handle { Handle(bits: handleBits.load(ordering: .relaxed)) }

    /// Gives the stream a handle; throws 207008 when there are too many streams.
    func publish() throws(Failure) {
        guard Self.table.count < Self.limit, let handle = Self.table.insert(self) else {
            throw Failure(
                ErrorCode.rtNoStreamResource, .resources("All \(Self.limit) streams of the device are in use"))
        }
        handleBits.store(handle.bits, ordering: .relaxed)
    }

    /// Flags that mean something; others are ignored.
    static let knownFlags: UInt32 = 0x3f

    /// Streams whose tasks are never waited for.
    var isNeverWaitedFor: Bool { flags & 0x34 != 0 }

    func withAttributes<Result>(_ body: (inout Attributes) -> Result) -> Result { attributes.withLock { body(&$0) } }

    // MARK: Looking up

    /// The stream of a handle, a null handle standing for the calling thread's default stream.
    ///
    /// Throws 107017 for anything but a live stream. Needs a current context; does not ask to whom the stream belongs.
    static func find(_ handle: Handle) throws(Failure) -> Stream {
        guard !handle.isNull else { return try Context.current().defaultStream() }
        guard let stream = table.find(handle) else {
            throw Failure(
                ErrorCode.rtInvalidHandle,
                .unexpected(
                    argument: "stream", value: hexadecimal(handle.bits),
                    expected: "a live stream; this is \(table.describe(handle))", layer: .runtime))
        }
        return stream
    }

    /// As `find`, and the stream belongs to the calling thread's current context (else 107002, 107003).
    static func findOwn(_ handle: Handle) throws(Failure) -> Stream {
        let stream = try find(handle)
        let context = try Context.current()
        guard stream.context === context else {
            throw Failure(
                ErrorCode.rtStreamContext,
                .wrongContext(object: "stream", detail: "Stream \(stream.id) was created in another context"))
        }
        return stream
    }

    /// A new stream in the calling thread's context.
    static func make(priority: UInt32, flags: UInt32) throws(Failure) -> Stream {
        let context = try Context.current()
        // Unsigned in the interface, treated as signed: huge values count as the highest priority.
        let clamped = priority > UInt32(Int32.max) ? 0 : min(priority, 7)
        let stream = Stream(context: context, priority: clamped, flags: flags, isDefault: false)
        try stream.publish()
        context.add(stream)
        StreamCallbacks.shared.notify(stream, .created)
        return stream
    }

    /// `aclrtDestroyStream`, or with `force` `aclrtDestroyStreamForce`.
    static func destroy(_ handle: Handle, force: Bool) throws(Failure) {
        let stream = try findOwn(handle)
        guard !stream.isDefault else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "stream", value: hexadecimal(handle.bits),
                    expected: "a stream made by the program; this is the default stream of its context",
                    layer: .runtime))
        }
        try stream.refuseWaitingOnItself()
        if !force { try stream.settle("Stream \(stream.id) cannot be destroyed") }
        StreamCallbacks.shared.notify(stream, .destroying)
        guard table.remove(handle) != nil else {
            throw Failure(
                ErrorCode.rtInvalidHandle,
                .wrongOrder("Stream \(stream.id) has been destroyed by another thread meanwhile"))
        }
        stream.context.remove(stream)
        stream.close()
    }
}

/// The smallest numbers not in use.
struct SmallNumbers: Sendable {
    private var next: Int32 = 0
    private var returned: [Int32] = []

    mutating func take() -> Int32 {
        if let number = returned.popLast() { return number }
        defer { next += 1 }
        return next
    }

    mutating func giveBack(_ number: Int32) { returned.append(number) }
}
