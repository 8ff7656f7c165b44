// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A mutual exclusion lock.
///
/// Not the standard library's `Mutex`: that one stores thread ids, which are wrong in a forked child.
@safe
struct Lock: ~Copyable, @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    func lock() { unsafe pthread_mutex_lock(mutex) }
    func unlock() { unsafe pthread_mutex_unlock(mutex) }

    /// Makes the lock free again in a forked child, where its holder no longer exists.
    func resetAfterFork() {
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
    }

    /// Blocks the calling thread until `condition` is signalled or the monotonic time `deadline` is reached.
    fileprivate func wait(_ condition: UnsafeMutablePointer<pthread_cond_t>, until deadline: Deadline) {
        switch deadline {
        case .never:
            unsafe pthread_cond_wait(condition, mutex)
        case .at(let nanoseconds):
            var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
            unsafe pthread_cond_timedwait(condition, mutex, &time)
        }
    }
}

/// A lock that its holder may take again.
@safe
struct RecursiveLock: ~Copyable, @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        unsafe mutex = .allocate(capacity: 1)
        resetAfterFork()
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    func lock() { unsafe pthread_mutex_lock(mutex) }
    func unlock() { unsafe pthread_mutex_unlock(mutex) }

    func resetAfterFork() {
        var attributes = pthread_mutexattr_t()
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutexattr_init(&attributes)
        unsafe pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
        unsafe pthread_mutex_init(mutex, &attributes)
        unsafe pthread_mutexattr_destroy(&attributes)
    }
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

    func resetAfterFork() { lock.resetAfterFork() }
}

/// State that only one thread at a time sees, and whose changes other threads wait for.
@safe
final class Monitor<State>: @unchecked Sendable {
    private let lock = Lock()
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private let state: UnsafeMutablePointer<State>

    init(_ state: State) {
        unsafe self.state = .allocate(capacity: 1)
        unsafe self.state.initialize(to: state)
        unsafe condition = .allocate(capacity: 1)
        prepareCondition()
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe condition.deallocate()
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    private func prepareCondition() {
        var attributes = pthread_condattr_t()
        unsafe condition.initialize(to: pthread_cond_t())
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    func withLock<Result, Failure>(_ body: (inout State) throws(Failure) -> Result) throws(Failure) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try unsafe body(&state.pointee)
    }

    /// Changes the state and wakes everybody who waits.
    func change<Result>(_ body: (inout State) -> Result) -> Result {
        lock.lock()
        defer {
            lock.unlock()
            unsafe pthread_cond_broadcast(condition)
        }
        return unsafe body(&state.pointee)
    }

    /// Waits until `body` answers something or the deadline passes; nil in the latter case.
    func wait<Result>(until deadline: Deadline = .never, for body: (inout State) -> Result?) -> Result? {
        lock.lock()
        defer { lock.unlock() }
        while true {
            if let result = unsafe body(&state.pointee) { return result }
            if deadline.hasPassed { return nil }
            unsafe lock.wait(condition, until: deadline)
        }
    }

    func resetAfterFork() {
        lock.resetAfterFork()
        prepareCondition()
    }
}
