// SPDX-License-Identifier: Apache-2.0

internal import CMemoryReserve

/// The system has no memory for what is to be done.
public struct MemoryExhausted: Error, Equatable, CustomStringConvertible {
    /// What was asked for at once; nil when it was not one large piece.
    public let byteCount: Int?

    public init(byteCount: Int? = nil) { self.byteCount = byteCount }

    public var description: String {
        byteCount.map { "the system has no memory for \($0) bytes" } ?? "the system has no memory left"
    }
}

/// Asks about the system's memory, so that a call can fail where Swift's runtime would end the process.
///
/// In release builds small requests that the system refuses are served from a reserve (`CMemoryReserve`). Calls that make
/// something look at `check` as they go along, and throw instead of going on at the reserve's expense. Large requests are
/// asked for by `require` first.
public enum SystemMemory {
    /// Requests below this size need not be asked for: the reserve has room for many of them.
    static let largeByteCount = 1 << 16

    /// From here on `check` speaks of the calling thread's new call.
    @inline(__always)
    public static func beginCall() { memory_reserve_begin() }

    /// Whether the system has refused memory to the calling thread since `beginCall`.
    public static var wasExhausted: Bool { memory_reserve_was_used() }

    /// Throws when the system has refused memory to the calling thread since `beginCall`.
    public static func check() throws(MemoryExhausted) {
        if memory_reserve_was_used() { throw MemoryExhausted() }
    }

    /// Throws when the system has no `byteCount` bytes at this moment. Another thread may take them in between: what then
    /// does not fit into the reserve either ends the process.
    public static func require(_ byteCount: Int) throws(MemoryExhausted) {
        guard byteCount >= largeByteCount else { return }
        guard memory_reserve_system_has(byteCount) else { throw MemoryExhausted(byteCount: byteCount) }
    }

    /// As `require`, for `count` elements of a type.
    public static func require<Element>(_ count: Int, of type: Element.Type) throws(MemoryExhausted) {
        let (byteCount, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard !overflow else { throw MemoryExhausted(byteCount: .max) }
        try require(byteCount)
    }

    /// Whether another element fits into `array`, which may have to move for it.
    public static func hasRoom<Element>(toGrow array: [Element]) -> Bool {
        if array.count < array.capacity { return true }
        let byteCount = 2 * array.count * MemoryLayout<Element>.stride
        return byteCount < largeByteCount || memory_reserve_system_has(byteCount)
    }

    /// How often the calling thread was refused memory, ever.
    public static var refusalCount: UInt { memory_reserve_refusals() }

    /// For programs: what the process says on standard output before it ends with `status`, when not even the reserve has
    /// room.
    public static func setLastWords(_ text: StaticString, status: Int32) {
        // Safe: a static string lasts as long as the process and ends with a zero.
        unsafe text.utf8Start.withMemoryRebound(to: CChar.self, capacity: text.utf8CodeUnitCount + 1) {
            unsafe memory_reserve_set_last_words($0, status)
        }
    }

    /// Whether so much of the reserve is in use, and the system has so little, that nothing new should be begun.
    public static var isScarce: Bool {
        memory_reserve_used_bytes() > memory_reserve_total_bytes() / 4 && !memory_reserve_system_has(1 << 20)
    }
}
