// SPDX-License-Identifier: Apache-2.0

import CAscendCL
import Glibc

extension Stream {
    /// Does its work and answers an error code.
    typealias Task = @Sendable () -> Int32

    /// Something in the queue.
    enum Item: Sendable {
        case run(Task)
        /// The stream goes on when `isOver` answers true; asked again whenever the stream is poked, and every
        /// `pollNanoseconds` if given. When `deadline` passes first, the stream fails with `timeoutCode`.
        case wait(Wait)
    }

    struct Wait: Sendable {
        var isOver: @Sendable () -> Bool
        /// Seconds from the moment the stream reaches the wait; 0 for no limit.
        var timeoutSeconds: UInt32 = 0
        var timeoutCode: Int32 = ErrorCode.rtEventSyncTimeout
        var pollNanoseconds: UInt64?
        /// What the stream stands at meanwhile.
        var obstacle: Obstacle
    }

    struct Entry: Sendable {
        let item: Item
        /// Runs once the item is done or dropped, with its error code.
        let completion: (@Sendable (Int32) -> Void)?
    }

    /// Whether the stream has a thread that empties its queue.
    enum Worker: Sendable { case none, starting, running }

    /// The state of a stream, guarded by its monitor.
    struct Queue: Sendable {
        var entries = FIFO<Entry>()
        /// What the worker has in hand.
        var present: Entry?
        /// Counts of everything ever submitted and finished.
        var submitted: UInt64 = 0
        var completed: UInt64 = 0
        /// The first failure that no wait has reported yet.
        var error: Int32 = 0
        /// What the tasks that failed said, for the thread that is told of the failure.
        var messages = MessageQueue()
        var stopsOnFailure = false
        /// After a failure of a stream that stops: nothing runs any more.
        var isStopped = false
        /// Closed streams accept nothing and drop what is queued.
        var isClosed = false
        /// Everything up to this count is dropped instead of run (`aclrtStreamAbort`).
        var droppedUpTo: UInt64 = 0
        var worker = Worker.none
        /// What the stream waits for; nil when it runs or rests.
        var obstacle: Obstacle?
        /// Grows with every poke, so that no wake-up is lost.
        var pokes: UInt64 = 0

        var isIdle: Bool { completed == submitted }
    }

    /// Puts an item at the end of the queue; throws 107017 when the stream has been destroyed meanwhile, and 207005 when
    /// there is no thread for it. The item is dropped then, without its completion.
    func enqueue(_ item: Item, completion: (@Sendable (Int32) -> Void)? = nil) throws(Failure) {
        try ensureWorker()
        let isOpen = queue.change { queue in
            guard !queue.isClosed else { return false }
            queue.entries.append(Entry(item: item, completion: completion))
            queue.submitted += 1
            return true
        }
        guard isOpen else {
            throw Failure(ErrorCode.rtInvalidHandle, .wrongOrder("Stream \(id) has been destroyed meanwhile"))
        }
        ThreadState.current.lastTask &+= 1
    }

    /// Queues a function.
    func enqueue(_ task: @escaping Task) throws(Failure) { try enqueue(.run(task)) }

    /// Wakes the worker, so that it looks again at what it waits for.
    func poke() { queue.change { $0.pokes += 1 } }

    // MARK: Waiting

    /// The outcome of waiting for a stream.
    enum WaitOutcome: Equatable {
        case done(error: Int32)
        case timedOut
    }

    /// Waits for everything submitted before the call. A failure is reported by one wait only.
    ///
    /// Throws 107000 when the stream needs the calling thread to go on.
    func waitForAll(until deadline: Deadline) throws(Failure) -> WaitOutcome { try wait(until: deadline).outcome }

    /// As `waitForAll`; what failed tasks said goes to the calling thread's messages.
    func waitForAllAndListen(until deadline: Deadline) throws(Failure) -> WaitOutcome {
        let (outcome, messages) = try wait(until: deadline)
        ThreadState.current.messages.append(contentsOf: messages)
        return outcome
    }

    private func wait(until deadline: Deadline) throws(Failure) -> (outcome: WaitOutcome, messages: MessageQueue) {
        let goal = queue.withLock { $0.submitted }
        while true {
            let lookAgain = Deadline(milliseconds: Self.lookAgainMilliseconds)
            let done = try queue.waitOrGiveUp(until: min(deadline, lookAgain)) {
                queue -> (WaitOutcome, MessageQueue)? in
                guard queue.completed >= goal else { return nil }
                defer {
                    if !queue.isStopped {
                        queue.error = ErrorCode.success
                        queue.messages = MessageQueue()
                    }
                }
                return (.done(error: queue.error), queue.messages)
            }
            if let done { return done }
            if deadline.hasPassed { return (.timedOut, MessageQueue()) }
            try refuseEndlessWait()
        }
    }

    var isIdle: Bool { queue.withLock { $0.isIdle } }

    /// Drops what is queued, interrupts a wait and lets the worker end. A running task finishes on its own.
    func close() {
        queue.change { queue in
            queue.isClosed = true
            queue.pokes += 1
        }
        _ = Self.table.remove(handle)
        let subscriber = callbackMode.withLock { mode -> ReportThread? in
            guard case .reports(let subscriber) = mode else { return nil }
            mode = .none
            return subscriber
        }
        subscriber?.release(self)
        drainWithoutWorker()
    }

    /// Drops everything queued at this moment; the running task finishes, unless it is a loop of a model.
    func abort() {
        queue.change { queue in
            queue.droppedUpTo = queue.submitted
            queue.pokes += 1
        }
    }

    /// Whether the running task has been dropped, too: one that never ends asks for it.
    var isDroppingPresentTask: Bool { queue.withLock { $0.isClosed || $0.completed < $0.droppedUpTo } }

    /// A stream that never had a worker has nobody else to empty its queue.
    private func drainWithoutWorker() {
        let entries: [Entry] = queue.change { queue in
            guard queue.worker == .none else { return [] }
            var entries: [Entry] = []
            while let entry = queue.entries.removeFirst() { entries.append(entry) }
            queue.completed = queue.submitted
            return entries
        }
        for entry in entries { entry.completion?(ErrorCode.rtStreamAbort) }
    }

    // MARK: The worker

    /// Starts the worker unless there is one. Nothing is queued before it runs, so that nothing waits for it in vain.
    private func ensureWorker() throws(Failure) {
        let found = queue.wait { queue -> Worker? in
            if queue.isClosed { return .running }
            guard queue.worker == .none else { return queue.worker == .running ? .running : nil }
            queue.worker = .starting
            return .starting
        }
        if found == .starting { try startWorker() }
    }

    private func startWorker() throws(Failure) {
        StreamShutdown.register()
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        // Nobody joins a worker.
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        defer { unsafe pthread_attr_destroy(&attributes) }
        Self.working.withLock { $0[ObjectIdentifier(self)] = self }
        let retained = unsafe Unmanaged.passRetained(self)
        let result = unsafe pthread_create(
            &thread, &attributes,
            { (argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? in
                // Takes over the reference that `passRetained` made.
                guard let argument = unsafe argument else { return nil }
                let stream = unsafe Unmanaged<Stream>.fromOpaque(argument).takeRetainedValue()
                ForkGate.uncut { stream.work() }
                return nil
            }, unsafe retained.toOpaque())
        guard result == 0 else {
            unsafe retained.release()
            queue.change { $0.worker = .none }
            Self.working.withLock { $0[ObjectIdentifier(self)] = nil }
            throw Failure(
                ErrorCode.rtResourceAllocFail, .resources("No thread for stream \(id) could be started (\(result))"))
        }
    }

    private func work() {
        let state = ThreadState(workerOf: self)
        state.explicitContext = context
        ThreadState.install(state)
        queue.change { $0.worker = .running }
        while let entry = nextEntry() {
            let before = state.messages.count
            let code = entry.isDropped ? ErrorCode.rtStreamAbort : run(entry.entry.item)
            // Taken out first: a forked child completes what it finds in hand.
            queue.withLock { $0.present.take() }?.completion?(code)
            let messages = code == ErrorCode.success ? MessageQueue() : state.messages.split(after: before)
            finish(code, messages, isDropped: entry.isDropped)
        }
        Self.working.withLock { $0[ObjectIdentifier(self)] = nil }
    }

    private func nextEntry() -> (entry: Entry, isDropped: Bool)? {
        queue.wait { queue -> (entry: Entry, isDropped: Bool)?? in
            if let entry = queue.entries.removeFirst() {
                queue.present = entry
                let isDropped = queue.isClosed || queue.isStopped || queue.completed < queue.droppedUpTo
                return .some((entry, isDropped))
            }
            guard queue.isClosed else { return nil }
            queue.worker = .none
            return .some(nil)
        } ?? nil
    }

    private func finish(_ code: Int32, _ messages: MessageQueue, isDropped: Bool) {
        if code != ErrorCode.success, !isDropped, code != ErrorCode.rtStreamAbort {
            let task = queue.withLock { UInt32(truncatingIfNeeded: $0.completed) }
            TaskFailure(
                task: task, stream: UInt32(id), thread: UInt32(truncatingIfNeeded: pyaclmdlThreadNumber()),
                device: UInt32(context.device.id), code: code
            ).announce()
        }
        queue.change { queue in
            queue.completed += 1
            guard code != ErrorCode.success, !isDropped else { return }
            if queue.error == 0 { queue.error = code }
            queue.messages.append(contentsOf: messages)
            if queue.stopsOnFailure { queue.isStopped = true }
        }
    }

    private func run(_ item: Item) -> Int32 {
        switch item {
        case .run(let task): task()
        case .wait(let wait): hold(wait)
        }
    }

    private func hold(_ wait: Wait) -> Int32 {
        let limit: Deadline =
            wait.timeoutSeconds == 0 ? .never : Deadline(milliseconds: Int64(wait.timeoutSeconds) * 1000)
        var seen = queue.withLock { queue in
            queue.obstacle = wait.obstacle
            return queue.pokes
        }
        defer { queue.withLock { $0.obstacle = nil } }
        while !wait.isOver() {
            if limit.hasPassed { return wait.timeoutCode }
            var wakeUp = limit
            if let poll = wait.pollNanoseconds { wakeUp = .at(monotonicNanoseconds() + poll) }
            let isInterrupted = queue.wait(until: wakeUp) { queue -> Bool? in
                if queue.isClosed || queue.completed < queue.droppedUpTo { return true }
                guard queue.pokes != seen else { return nil }
                seen = queue.pokes
                return false
            }
            if isInterrupted == true { return ErrorCode.rtStreamAbort }
        }
        return ErrorCode.success
    }
}

/// Lets the streams come to rest before the process runs its exit handlers, so that no task runs into them.
enum StreamShutdown {
    private static let registration: Void = {
        _ = atexit {
            let streams = Stream.table.objects
            for stream in streams { stream.abort() }
            let deadline = Deadline(milliseconds: 2000)
            for stream in streams where ThreadState.current.workerOf !== stream {
                _ = try? stream.waitForAll(until: deadline)
            }
        }
    }()

    /// Takes effect once.
    static func register() { registration }
}
