// SPDX-License-Identifier: Apache-2.0

import Glibc

extension Stream {
    /// What a stream stands at, instead of running its next task.
    enum Obstacle: Sendable {
        /// A function that one thread of the program has to run (`aclrtProcessReport`).
        case report(ReportThread.Report, thread: UInt64)
        /// A place that another stream has not reached.
        case record(EventRecord)
        /// What any thread or process may do, in words that follow "waits for".
        case anybody(String)
    }

    /// What can be expected of a stream.
    enum Prospect: Sendable {
        case goesOn
        /// Nobody but the calling thread can let it go on.
        case needsCallingThread
        /// It goes on when somebody does something; in words that follow "waits for".
        case stands(String)
    }

    /// Follows the streams that wait for each other's events to the one that holds up this one.
    var prospect: Prospect {
        var stream = self
        for _ in 0..<Self.limit {
            if stream.waitsForCallingThread { return .needsCallingThread }
            switch stream.queue.withLock({ $0.obstacle }) {
            case nil: return .goesOn
            case .record(let record):
                if record.isDone { return .goesOn }
                stream = record.stream
            case .report(let report, let thread):
                if report.isRunning { return .goesOn }
                if thread == UInt64(pthread_self()) { return .needsCallingThread }
                return .stands("a callback that thread \(thread) has not run (aclrtProcessReport)")
            case .anybody(let what): return .stands(what)
            }
        }
        return .stands("streams that wait for each other")
    }

    /// The calling thread is one that this stream waits for: it runs a task of the stream, or a callback that blocks it.
    var waitsForCallingThread: Bool {
        let thread = ThreadState.current
        return thread.workerOf === self || thread.heldStreams.contains { $0 === self }
    }

    /// A function cannot wait for the stream that waits for the function.
    func refuseWaitingOnItself() throws(Failure) {
        guard waitsForCallingThread else { return }
        throw Failure(
            ErrorCode.rtParamInvalid,
            .wrongOrder("A function that runs on stream \(id) cannot wait for that stream or destroy it"))
    }

    /// As `refuseWaitingOnItself`, for whatever else the calling thread alone can do. What the stream stands at may
    /// change, so who waits asks again and again.
    func refuseEndlessWait() throws(Failure) {
        guard case .needsCallingThread = prospect else { return }
        throw Failure(
            ErrorCode.rtParamInvalid,
            .wrongOrder(
                "Stream \(id) waits for a callback that only the calling thread runs (aclrtProcessReport), so it cannot "
                    + "wait for the stream"))
    }

    /// How often a thread that waits asks whether waiting makes sense.
    static let lookAgainMilliseconds: Int64 = 200
    /// How long something that ends a stream bears with one that stands still.
    private static let patienceMilliseconds: Int64 = 5000

    /// Waits until everything submitted so far is done, before the stream goes away.
    ///
    /// Throws 107037 when the stream stands still for some seconds, or needs the calling thread to go on; then nothing
    /// may be given up.
    /// - what: what cannot be ended then, at the start of a sentence.
    func settle(_ what: @autoclosure () -> String) throws(Failure) {
        let goal = queue.withLock { $0.submitted }
        var limit = Deadline(milliseconds: Self.patienceMilliseconds)
        var seen = queue.withLock { $0.completed }
        while true {
            let completed = try queue.waitOrGiveUp(
                until: Deadline(milliseconds: Self.lookAgainMilliseconds)
            ) { queue in
                queue.completed >= goal ? queue.completed : nil
            }
            guard completed == nil else { return }
            let reason: String
            switch prospect {
            case .goesOn:
                limit = Deadline(milliseconds: Self.patienceMilliseconds)
                continue
            case .needsCallingThread: reason = "a callback that only the calling thread runs (aclrtProcessReport)"
            case .stands(let obstacle):
                let now = queue.withLock { $0.completed }
                if now != seen { limit = Deadline(milliseconds: Self.patienceMilliseconds) }
                seen = now
                guard limit.hasPassed else { continue }
                reason = obstacle
            }
            throw Failure(
                ErrorCode.rtModelRunning,
                .wrongOrder(
                    "\(what()): stream \(id) has unfinished tasks and waits for \(reason). aclrtStreamAbort drops them")
            )
        }
    }
}
