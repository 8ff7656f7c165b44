// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A mark in a stream, for waiting and for measuring time.
final class Event: Sendable {
    static let table = HandleTable<Event>(.event)
    /// Events of the program that may exist at a time.
    static let limit = 65536
    private static let ids = Protected(SmallNumbers())

    let flags: Flags
    /// How the event was made; decides what happens before the first record.
    let origin: Origin
    let id: UInt32
    /// Streams that wait for a record, to be woken by one.
    private let waiting = WaitingStreams()
    private let state = Protected(State())

    private struct State {
        var record: EventRecord?
        var pendingWaits = 0
    }

    enum Origin: Sendable {
        /// `aclrtCreateEvent`
        case plain
        /// `aclrtCreateEventWithFlag`
        case withFlag
        /// `aclrtCreateEventExWithFlag`
        case extended
    }

    struct Flags: OptionSet, Sendable {
        let rawValue: UInt32
        static let sync = Flags(rawValue: 0x1)
        static let streamProgress = Flags(rawValue: 0x2)
        static let internalSync = Flags(rawValue: 0x4)
        static let timeLine = Flags(rawValue: 0x8)
        static let deviceOnly = Flags(rawValue: 0x10)
        static let external = Flags(rawValue: 0x20)
        static let interProcess = Flags(rawValue: 0x40)
        static let anySync: Flags = [.sync, .internalSync]
    }

    init(flags: Flags, origin: Origin) {
        self.flags = flags
        self.origin = origin
        id = UInt32(Self.ids.withLock { $0.take() })
    }

    deinit { Self.ids.withLock { $0.giveBack(Int32(id)) } }

    /// A new event for the calling thread's context; throws 207007 when there are too many.
    static func make(flags: Flags, origin: Origin) throws(Failure) -> Handle {
        _ = try Context.current()
        guard table.count < limit, let handle = table.insert(Event(flags: flags, origin: origin)) else {
            throw Failure(ErrorCode.rtNoEventResource, .resources("All \(limit) events are in use"))
        }
        return handle
    }

    /// The event of a handle; throws 107017 for anything but a live one.
    static func find(_ handle: Handle) throws(Failure) -> Event {
        guard let event = table.find(handle) else {
            throw Failure(
                ErrorCode.rtInvalidHandle,
                .unexpected(
                    argument: "event", value: hexadecimal(handle.bits),
                    expected: "a live event; this is \(table.describe(handle))", layer: .runtime))
        }
        return event
    }

    var lastRecord: EventRecord? { state.withLock { $0.record } }
    var hasPendingWaits: Bool { state.withLock { $0.pendingWaits > 0 } }

    // MARK: Stream tasks

    /// Marks the present end of the stream; replaces an earlier record, but not for those who wait for it already.
    func record(on stream: Stream) throws(Failure) {
        guard !flags.contains(.deviceOnly) else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "event", value: "\(id)", expected: "an event that the host may use", layer: .runtime))
        }
        let record = EventRecord(stream: stream, waiting: waiting)
        if stream.isIdle {
            record.finish()
        } else {
            try stream.enqueue(.run { ErrorCode.success }) { _ in record.finish() }
        }
        state.withLock { $0.record = record }
        waiting.poke()
    }

    /// Forgets the present record, in the order of the stream; one that is made before the stream gets there stays.
    func reset(on stream: Stream) throws(Failure) {
        guard origin != .extended, !flags.isDisjoint(with: .anySync) else {
            throw Failure(
                ErrorCode.rtFeatureNotSupport,
                .unsupported(
                    "Only events made by aclrtCreateEvent, or by aclrtCreateEventWithFlag for synchronisation, can be reset"
                ))
        }
        let present = lastRecord
        try stream.enqueue(
            .run { [self] in
                state.withLock { if $0.record === present { $0.record = nil } }
                return ErrorCode.success
            })
    }

    /// Lets the stream wait for the latest record; what happens without one depends on how the event was made.
    func wait(on stream: Stream, timeoutSeconds: UInt32) throws(Failure) {
        guard !flags.isDisjoint(with: .anySync) else {
            throw Failure(
                ErrorCode.rtFeatureNotSupport,
                .unsupported("A stream can only wait for an event made for synchronisation"))
        }
        let isOver: @Sendable () -> Bool
        let obstacle: Stream.Obstacle
        if let record = lastRecord {
            // Nothing to wait for: the record is behind, or it lies earlier on this very stream.
            guard !record.isDone, record.stream !== stream else { return }
            isOver = { record.isDone }
            obstacle = .record(record)
        } else {
            switch origin {
            case .plain:
                throw Failure(
                    ErrorCode.rtParamInvalid,
                    .unexpected(
                        argument: "event", value: "\(id)", expected: "an event that has been recorded", layer: .runtime)
                )
            case .extended: return
            case .withFlag:
                isOver = { [self] in lastRecord?.isDone == true }
                obstacle = .anybody("event \(id), which nobody records")
            }
        }
        state.withLock { $0.pendingWaits += 1 }
        waiting.add(stream)
        let item = Stream.Item.wait(Stream.Wait(isOver: isOver, timeoutSeconds: timeoutSeconds, obstacle: obstacle))
        let finish: @Sendable (Int32) -> Void = { [self] _ in
            waiting.remove(stream)
            state.withLock { $0.pendingWaits -= 1 }
        }
        do throws(Failure) {
            try stream.enqueue(item, completion: finish)
        } catch {
            finish(error.code)
            throw error
        }
    }

    // MARK: Host side

    /// Waits for the latest record; at once when there is none. False when the deadline passes first; throws 107000
    /// when the stream of the record needs the calling thread to get there.
    func synchronize(until deadline: Deadline) throws(Failure) -> Bool { try lastRecord?.wait(until: deadline) ?? true }

    /// Nanoseconds of the monotonic clock at which the latest record was reached.
    /// Throws 507000 without a record, 107006 without a time.
    func time() throws(Failure) -> UInt64 {
        guard let record = lastRecord else {
            throw Failure(ErrorCode.rtInternalError, .wrongOrder("Event \(id) has never been recorded"))
        }
        guard flags.contains(.timeLine), let time = record.time else {
            throw Failure(
                ErrorCode.rtEventTimestampInvalid,
                .wrongOrder("Event \(id) has no time: it is not reached yet, or was made without ACL_EVENT_TIME_LINE"))
        }
        return time
    }
}

/// One record of an event: a place in a stream.
final class EventRecord: Sendable {
    let stream: Stream
    private let waiting: WaitingStreams
    /// When the stream reached it, in nanoseconds; nil before.
    private let reached = Monitor<UInt64?>(nil)

    init(stream: Stream, waiting: WaitingStreams) {
        self.stream = stream
        self.waiting = waiting
    }

    var time: UInt64? { reached.withLock { $0 } }
    var isDone: Bool { time != nil }

    func finish() {
        let now = monotonicNanoseconds()
        reached.change { $0 = now }
        waiting.poke()
    }

    func wait(until deadline: Deadline) throws(Failure) -> Bool {
        if isDone { return true }
        try stream.refuseWaitingOnItself()
        while true {
            let lookAgain = Deadline(milliseconds: Stream.lookAgainMilliseconds)
            if try reached.waitOrGiveUp(until: min(deadline, lookAgain), for: { $0 }) != nil { return true }
            if deadline.hasPassed { return false }
            try stream.refuseEndlessWait()
        }
    }
}

/// Streams to wake when something happens that they wait for.
final class WaitingStreams: Sendable {
    private let streams = Protected<[Stream]>([])

    func add(_ stream: Stream) { streams.withLock { $0.append(stream) } }

    func remove(_ stream: Stream) {
        streams.withLock { streams in
            if let index = streams.firstIndex(where: { $0 === stream }) { streams.remove(at: index) }
        }
    }

    func poke() { for stream in streams.withLock({ $0 }) { stream.poke() } }
}
