// SPDX-License-Identifier: Apache-2.0

import CAscendCL

/// Functions of the program that wait for one of its threads to run them (`aclrtProcessReport`).
final class ReportThread: Sendable {
    /// What `pthread_self` answers on the thread that will process.
    let thread: UInt64
    let device: Device
    private let state = Monitor(State())

    private struct State: Sendable {
        var pending = FIFO<Report>()
        var streams = 0
    }

    /// Threads that may be subscribed at a time.
    static let limit = 1024
    private static let all = Protected<[UInt64: ReportThread]>([:])

    private init(thread: UInt64, device: Device) {
        self.thread = thread
        self.device = device
    }

    /// One callback on its way.
    final class Report: Sendable {
        let stream: Stream
        /// Later tasks of the stream wait for it.
        private let blocks: Bool
        private let function: @Sendable () -> Void
        private let state = Protected(State.waits)

        private enum State: Sendable { case waits, runs, isOver }

        init(stream: Stream, blocks: Bool, function: @escaping @Sendable () -> Void) {
            self.stream = stream
            self.blocks = blocks
            self.function = function
        }

        var isDone: Bool { state.withLock { $0 == .isOver } }
        var isRunning: Bool { state.withLock { $0 == .runs } }

        func run() {
            let thread = ThreadState.current
            state.withLock { $0 = .runs }
            if blocks { thread.heldStreams.append(stream) }
            function()
            if blocks { thread.heldStreams.removeLast() }
            finish()
        }

        /// Lets the stream go on, whether the function has run or not.
        func finish() {
            state.withLock { $0 = .isOver }
            stream.poke()
        }
    }

    // MARK: Subscribing

    static func subscribe(thread: UInt64, to stream: Stream) throws(Failure) {
        let device = stream.context.device
        try stream.callbackMode.withLock { mode throws(Failure) in
            guard mode == .none else { throw alreadyInUse(stream, mode) }
            guard exists(thread) else {
                throw Failure(
                    ErrorCode.rtParamInvalid,
                    .unexpected(
                        argument: "threadId", value: "\(thread)",
                        expected: "what pthread_self answers on a thread of this process that lives (in Python "
                            + "threading.get_ident), for its callbacks would never run", layer: .runtime))
            }
            let report = try all.withLock { all throws(Failure) -> ReportThread in
                if let report = all[thread] {
                    guard report.device === device else {
                        throw Failure(
                            ErrorCode.rtThreadSubscribe,
                            .wrongOrder("Thread \(thread) processes the reports of another device already"))
                    }
                    return report
                }
                guard all.count < limit else {
                    throw Failure(
                        ErrorCode.rtInternalError, .resources("\(limit) threads process reports already"))
                }
                let report = ReportThread(thread: thread, device: device)
                all[thread] = report
                return report
            }
            report.state.withLock { $0.streams += 1 }
            mode = .reports(report)
        }
    }

    /// Whether such a thread lives. The original notes any number.
    private static func exists(_ thread: UInt64) -> Bool {
        // What describes a thread begins where its number says; its memory ends 2 KiB later.
        guard let range = AddressRange(start: UInt(thread), byteCount: 1024), range.start != 0,
            AddressProbe.problem(with: range) == nil
        else { return false }
        let gone = Failure(ErrorCode.rtParamInvalid, .inner("EE9999", text: "The thread has ended."))
        return (try? MemoryGuard.use(range, writing: false, { _ in gone }) { pyaclmdlThreadExists(thread) != 0 })
            ?? false
    }

    static func unsubscribe(thread: UInt64, from stream: Stream) throws(Failure) {
        let report = try stream.callbackMode.withLock { mode throws(Failure) -> ReportThread in
            switch mode {
            case .none:
                throw Failure(ErrorCode.rtStreamSubscribe, .wrongOrder("Stream \(stream.id) is not subscribed"))
            case .hostFunctions: throw alreadyInUse(stream, mode)
            case .reports(let report):
                guard report.thread == thread else {
                    throw Failure(
                        ErrorCode.rtThreadSubscribe,
                        .wrongOrder("Stream \(stream.id) is subscribed by thread \(report.thread), not \(thread)"))
                }
                mode = .none
                return report
            }
        }
        report.release(stream)
    }

    private static func alreadyInUse(_ stream: Stream, _ mode: CallbackMode) -> Failure {
        let user = mode == .hostFunctions ? "used for aclrtLaunchHostFunc" : "subscribed"
        return Failure(ErrorCode.rtStreamSubscribe, .wrongOrder("Stream \(stream.id) is already \(user)"))
    }

    /// Gives up `stream`: what was waiting for it is lost, and the stream goes on.
    func release(_ stream: Stream) {
        let (lost, isLast) = state.change { state -> ([Report], Bool) in
            var kept = FIFO<Report>()
            var lost: [Report] = []
            while let report = state.pending.removeFirst() {
                if report.stream === stream { lost.append(report) } else { kept.append(report) }
            }
            state.pending = kept
            state.streams -= 1
            return (lost, state.streams == 0)
        }
        for report in lost { report.finish() }
        if isLast { Self.all.withLock { if $0[thread] === self { $0[thread] = nil } } }
    }

    // MARK: Reports

    /// Called by the stream when it reaches the callback.
    func push(_ report: Report) { state.change { $0.pending.append(report) } }

    /// Queues a callback; with `blocks`, later tasks of the stream wait until it has run.
    static func launch(_ function: @escaping @Sendable () -> Void, blocks: Bool, on stream: Stream) throws(Failure) {
        let target = try stream.callbackMode.withLock { mode throws(Failure) -> ReportThread in
            switch mode {
            case .none:
                throw Failure(
                    ErrorCode.rtStreamNoCbReg,
                    .wrongOrder("No thread has subscribed to stream \(stream.id) (aclrtSubscribeReport)"))
            case .hostFunctions: throw alreadyInUse(stream, mode)
            case .reports(let target): return target
            }
        }
        let report = Report(stream: stream, blocks: blocks, function: function)
        try stream.enqueue {
            target.push(report)
            return ErrorCode.success
        }
        guard blocks else { return }
        let obstacle = Stream.Obstacle.report(report, thread: target.thread)
        try stream.enqueue(.wait(Stream.Wait(isOver: { report.isDone }, obstacle: obstacle)))
    }

    /// Runs the callbacks that wait for `thread`, on the calling thread. Throws 107012 when the thread is not
    /// subscribed, 507012 when nothing arrives in time.
    static func process(thread: UInt64, until deadline: Deadline) throws(Failure) {
        let notSubscribed = Failure(
            ErrorCode.rtThreadSubscribe, .wrongOrder("The calling thread is not subscribed to any stream"))
        guard let report = all.withLock({ $0[thread] }) else { throw notSubscribed }
        if !report.device.isActive { _ = try Context.current() }
        let arrived = try report.state.waitOrGiveUp(until: deadline) { state -> [Report]? in
            var reports: [Report] = []
            while let report = state.pending.removeFirst() { reports.append(report) }
            return reports.isEmpty && state.streams > 0 ? nil : reports
        }
        guard let arrived else {
            throw Failure(ErrorCode.rtReportTimeout, .timeout("No report arrived within the time given"))
        }
        guard !arrived.isEmpty else { throw notSubscribed }
        for report in arrived { report.run() }
    }

    /// In a forked child: the parent runs what waits to be run.
    static func forgetReports() {
        for thread in all.withLock({ Array($0.values) }) { thread.state.change { $0.pending.removeAll() } }
    }
}

/// How a stream runs functions of the program; fixed by the first use.
enum CallbackMode: Sendable, Equatable {
    case none
    /// `aclrtLaunchHostFunc`
    case hostFunctions
    /// `aclrtSubscribeReport`
    case reports(ReportThread)

    static func == (left: CallbackMode, right: CallbackMode) -> Bool {
        switch (left, right) {
        case (.none, .none), (.hostFunctions, .hostFunctions): true
        case (.reports(let first), .reports(let second)): first === second
        default: false
        }
    }
}
