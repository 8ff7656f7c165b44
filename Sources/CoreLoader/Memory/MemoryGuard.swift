// SPDX-License-Identifier: Apache-2.0

internal import CMemoryGuard

/// Watches memory that a program may take away while it is read or written: a fault becomes an error, not a signal.
///
/// What was computed from or written to such memory is worthless then; nothing else is harmed.
@safe
struct MemoryGuard: ~Copyable, @unchecked Sendable {
    // Used by one thread at a time.
    private let handle: OpaquePointer

    /// Throws 245000 when there is no memory.
    /// - isBrief: it is given up by the call that makes it.
    init(ranges: Int, isBrief: Bool = false) throws(Failure) {
        guard let handle = unsafe memory_guard_claim(UInt32(ranges), isBrief) else {
            throw .engine(ErrorCode.geMemoryAllocation, "There is no memory to watch \(ranges) ranges.")
        }
        unsafe self.handle = handle
    }

    deinit { unsafe memory_guard_release(handle) }

    @inline(__always)
    func set(_ index: Int, address: UInt, byteCount: Int) {
        unsafe memory_guard_set(handle, UInt32(truncatingIfNeeded: index), address, byteCount)
    }

    /// Watches the first `count` ranges until `leave`.
    /// - isTrusted: all of it is memory that only this library maps and unmaps.
    @inline(__always)
    func enter(_ count: Int, isTrusted: Bool) {
        unsafe memory_guard_enter(handle, UInt32(truncatingIfNeeded: count), isTrusted)
    }

    /// The first fault, if there was one. All threads have finished their work.
    @inline(__always)
    func leave() -> MemoryFault? {
        var fault = memory_fault()
        return unsafe memory_guard_leave(handle, &fault) ? MemoryFault(fault) : nil
    }

    /// Runs `body`, which reads or writes `range`; throws what `refuse` makes of the problem if there was a fault.
    static func use<Result>(
        _ range: AddressRange, writing: Bool, _ refuse: (_ problem: String) -> Failure,
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let guarded = try MemoryGuard(ranges: 1, isBrief: true)
        guarded.set(0, address: range.start, byteCount: range.byteCount)
        guarded.enter(1, isTrusted: false)
        let result: Swift.Result<Result, Failure>
        do throws(Failure) {
            result = .success(try body())
        } catch {
            result = .failure(error)
        }
        if let fault = guarded.leave() { throw refuse(fault.problem(writing: writing)) }
        return try result.get()
    }
}

/// An access that memory did not allow.
struct MemoryFault: Equatable, Sendable {
    /// The number of the range in its guard.
    let range: Int
    let address: UInt
    private let kind: memory_fault_kind

    fileprivate init(_ fault: memory_fault) {
        range = Int(fault.range)
        address = fault.address
        kind = fault.kind
    }

    /// What may not be done with part of the range; nil when all of it can be used. Asks for every page.
    init?(in range: AddressRange, writing: Bool) {
        var problem = memory_fault()
        if unsafe memory_is_usable(range.start, range.byteCount, writing, &problem) { return nil }
        self.init(problem)
    }

    /// In words that follow "this is".
    func problem(writing: Bool) -> String {
        let place = hexadecimal(address)
        switch kind {
        case MEMORY_FAULT_MISSING: return "memory that is not mapped (at \(place)): it was unmapped or freed"
        case MEMORY_FAULT_CUT_OFF: return "memory of a file that has been cut off (at \(place))"
        case MEMORY_FAULT_READ_ONLY: return "memory that may not be written (at \(place))"
        default: return "memory that may not be \(writing ? "written" : "read") (at \(place))"
        }
    }
}
