// SPDX-License-Identifier: Apache-2.0

import CSwiftThreads
import Glibc

/// A mutual exclusion lock that is held for a moment: not while waiting, executing or calling the program.
///
/// Whoever holds one keeps the process from being forked. Not the standard library's `Mutex`: that one stores thread ids,
/// which are wrong in a forked child.
@safe
struct Lock: ~Copyable, @unchecked Sendable {
    private let mutex: OpaquePointer

    init() { unsafe mutex = pyaclmdlMutexMake() }
    deinit { unsafe pyaclmdlMutexEnd(mutex) }

    func lock() { unsafe pyaclmdlMutexLock(mutex) }
    func unlock() { unsafe pyaclmdlMutexUnlock(mutex) }
}

/// Lets one thread at a time do something that takes long; who has the turn may take it again.
///
/// The process may be forked meanwhile. In the child the turn is free, unless the thread that forked has it.
@safe
final class Turn: @unchecked Sendable {
    private let turn: OpaquePointer

    init() { unsafe turn = pyaclmdlTurnMake() }
    deinit { unsafe pyaclmdlTurnEnd(turn) }

    func take() { unsafe pyaclmdlTurnTake(turn) }
    func give() { unsafe pyaclmdlTurnGive(turn) }

    /// As `take`, unless the thread is interrupted while it waits.
    func takeOrGiveUp() throws(Failure) {
        guard unsafe pyaclmdlTurnTry(turn, false) == PYACLMDL_TAKEN else { throw .interrupted }
    }

    /// As `take`, unless the thread is interrupted while it waits. Throws 107037 when it has the turn already: a function of
    /// the program that interrupts an execution cannot do what the execution excludes.
    @inline(__always)
    func await() throws(Failure) {
        let result = unsafe pyaclmdlTurnTry(turn, true)
        guard result == PYACLMDL_TAKEN else { throw result == PYACLMDL_HELD ? .executing : .interrupted }
    }

    @inline(__always)
    func with<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        take()
        defer { give() }
        return try body()
    }
}

extension Failure {
    /// The program has asked to give up what its thread waits for (`pyaclmdlSetInterruption`).
    static let interrupted = Failure(
        ErrorCode.rtStreamAbort, .wrongOrder("The program was interrupted while the call was waiting"))

    static let executing = Failure(
        ErrorCode.rtModelRunning,
        .wrongOrder("A function that interrupts an execution of a model cannot use the model's workspace"))
}

/// A point of the monotonic clock, or none.
enum Deadline: Comparable {
    /// Nanoseconds of the monotonic clock.
    case at(UInt64)
    /// After every other one.
    case never

    /// Milliseconds from now; negative stands for "no limit".
    init(milliseconds: Int64) {
        self = milliseconds < 0 ? .never : .at(monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000)
    }

    var hasPassed: Bool {
        switch self {
        case .never: false
        case .at(let time): monotonicNanoseconds() >= time
        }
    }

    fileprivate var nanoseconds: UInt64 {
        switch self {
        case .never: .max
        case .at(let time): time
        }
    }
}

/// Now, in nanoseconds of a clock that never goes back.
func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// State that only one thread at a time sees.
///
/// Kept behind a pointer: the lock already excludes overlapping accesses, so the language need not check for them.
@safe
final class Protected<State>: @unchecked Sendable {
    private let lock = Lock()
    private let state: UnsafeMutablePointer<State>

    init(_ state: State) {
        unsafe self.state = .allocate(capacity: 1)
        unsafe self.state.initialize(to: state)
    }

    deinit {
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    @inline(__always)
    func withLock<Result, Failure>(_ body: (inout State) throws(Failure) -> Result) throws(Failure) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try unsafe body(&state.pointee)
    }
}

/// State that only one thread at a time sees, and whose changes other threads wait for.
@safe
final class Monitor<State>: @unchecked Sendable {
    private let monitor: OpaquePointer
    private let state: UnsafeMutablePointer<State>

    init(_ state: State) {
        unsafe self.state = .allocate(capacity: 1)
        unsafe self.state.initialize(to: state)
        unsafe monitor = pyaclmdlMonitorMake()
    }

    deinit {
        unsafe pyaclmdlMonitorEnd(monitor)
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    func withLock<Result, Failure>(_ body: (inout State) throws(Failure) -> Result) throws(Failure) -> Result {
        unsafe pyaclmdlMonitorLock(monitor)
        defer { unsafe pyaclmdlMonitorUnlock(monitor) }
        return try unsafe body(&state.pointee)
    }

    /// Changes the state and wakes everybody who waits.
    func change<Result>(_ body: (inout State) -> Result) -> Result {
        unsafe pyaclmdlMonitorLock(monitor)
        defer {
            unsafe pyaclmdlMonitorWakeAll(monitor)
            unsafe pyaclmdlMonitorUnlock(monitor)
        }
        return unsafe body(&state.pointee)
    }

    /// Waits until `body` answers something or the deadline passes; nil in the latter case.
    func wait<Result>(until deadline: Deadline = .never, for body: (inout State) -> Result?) -> Result? {
        unsafe pyaclmdlMonitorLock(monitor)
        defer { unsafe pyaclmdlMonitorUnlock(monitor) }
        while true {
            if let result = unsafe body(&state.pointee) { return result }
            if deadline.hasPassed { return nil }
            unsafe pyaclmdlMonitorWait(monitor, deadline.nanoseconds)
        }
    }

    /// As `wait`, for a call of the program: throws when its thread is interrupted.
    func waitOrGiveUp<Result>(
        until deadline: Deadline = .never, for body: (inout State) -> Result?
    ) throws(Failure) -> Result? {
        _ = pyaclmdlCanBeInterrupted()
        unsafe pyaclmdlMonitorLock(monitor)
        defer { unsafe pyaclmdlMonitorUnlock(monitor) }
        while true {
            if let result = unsafe body(&state.pointee) { return result }
            if deadline.hasPassed { return nil }
            guard unsafe pyaclmdlMonitorTryWait(monitor, deadline.nanoseconds) else { throw .interrupted }
        }
    }
}
