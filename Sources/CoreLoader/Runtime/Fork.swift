// SPDX-License-Identifier: Apache-2.0

import CSwiftThreads

/// Calls and forks: a call is not cut in two by a fork of the process, except where it says so here.
enum ForkGate {
    /// Runs `body` as a whole before or after any fork.
    @inline(__always)
    static func uncut<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        pyaclmdlEnter()
        defer { pyaclmdlLeave() }
        return try body()
    }

    /// Runs `body`, which calls a function of the program; the process may be forked meanwhile. The caller holds
    /// nothing but turns, and what it has begun is complete or can be given up.
    @inline(__always)
    static func open<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        let depth = pyaclmdlPause()
        defer { pyaclmdlResume(depth) }
        return try body()
    }
}

/// Makes the library usable in a forked child, where only the forking thread exists.
enum ForkSupport {
    private static let registration: Void = pyaclmdlInChild {
        // What other threads were waiting for is the parent's business.
        ReportThread.forgetReports()
        for stream in Stream.working.withLock({ Array($0.values) }) { stream.loseWorker() }
    }

    /// Takes effect once.
    static func register() { registration }
}

extension Stream {
    /// The worker exists in the parent only, unless it is the one that has forked: everything else in the queue is dropped.
    fileprivate func loseWorker() {
        let isOwn = ThreadState.current.workerOf === self
        let dropped = queue.change { queue in
            var dropped: [Entry] = []
            if !isOwn, let present = queue.present.take() { dropped.append(present) }
            while let entry = queue.entries.removeFirst() { dropped.append(entry) }
            queue.completed = queue.submitted - (isOwn ? 1 : 0)
            queue.obstacle = nil
            queue.worker = isOwn ? .running : .none
            return dropped
        }
        for entry in dropped { entry.completion?(ErrorCode.rtStreamAbort) }
        if !isOwn { Stream.working.withLock { $0[ObjectIdentifier(self)] = nil } }
    }
}
