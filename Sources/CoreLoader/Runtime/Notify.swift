// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A flag that one stream sets and another waits for and clears.
final class Notify: Sendable {
    static let table = HandleTable<Notify>(.notify)
    static let limit = 8192
    private static let ids = Protected(SmallNumbers())

    let id: UInt32
    private let isSet = Atomic<Bool>(false)
    private let waiting = WaitingStreams()

    private init() { id = UInt32(Self.ids.withLock { $0.take() }) }

    deinit { Self.ids.withLock { $0.giveBack(Int32(id)) } }

    static func make() throws(Failure) -> Handle {
        _ = try Context.current()
        guard table.count < limit, let handle = table.insert(Notify()) else {
            throw Failure(ErrorCode.rtNoNotifyResource, .resources("All \(limit) notifies are in use"))
        }
        return handle
    }

    /// Throws 107017 for anything but a live notify.
    static func find(_ handle: Handle) throws(Failure) -> Notify {
        guard let notify = table.find(handle) else {
            throw Failure(
                ErrorCode.rtInvalidHandle,
                .unexpected(
                    argument: "notify", value: hexadecimal(handle.bits),
                    expected: "a live notify; this is \(table.describe(handle))", layer: .runtime))
        }
        return notify
    }

    func record(on stream: Stream) throws(Failure) {
        try stream.enqueue { [self] in
            isSet.store(true, ordering: .releasing)
            waiting.poke()
            return ErrorCode.success
        }
    }

    /// - `timeoutSeconds`: 0 for ever, `UInt32.max` for the limit of the process.
    func waitAndReset(on stream: Stream, timeoutSeconds: UInt32) throws(Failure) {
        waiting.add(stream)
        let wait = Stream.Wait(
            isOver: { [self] in isSet.exchange(false, ordering: .acquiringAndReleasing) },
            timeoutSeconds: timeoutSeconds == .max ? WaitLimits.wait : timeoutSeconds,
            obstacle: .anybody("notify \(id), which nobody records"))
        do throws(Failure) {
            try stream.enqueue(.wait(wait)) { [self] _ in waiting.remove(stream) }
        } catch {
            waiting.remove(stream)
            throw error
        }
    }

    func reset() { isSet.store(false, ordering: .releasing) }
}
