// SPDX-License-Identifier: Apache-2.0

import CSwiftThreads
import Executable
import GEGraph
import Glibc
import OfflineModel
import SaturatingArithmetic
import Synchronization

/// A model that has an id: prepared kernels bound to a weight area and a workspace.
///
/// Its memory is given back by `close`.
final class LoadedModel: @unchecked Sendable {
    let id: UInt32
    let ready: ReadyModel
    let runnable: RunnableModel
    /// Whether each execution chooses its shapes. Every execution asks, which costs less than to look at `runnable`.
    let isDynamic: Bool
    private let bufferCount: Int
    let device: Device
    private let weights: WeightShare
    private let workspace: WorkspaceShare
    /// How executions are dumped; nil for a model that is not.
    private let dump: DumpedModel?

    // Used only in the workspace's turn.
    // One of them is there; optional classes cost nothing to look at, unlike cases of an enumeration.
    private let instance: ModelInstance?
    private let dynamicInstance: DynamicInstance?
    private let prepared: PreparedModel?
    private let buffers: BufferList
    /// Watches inputs, outputs, workspace and weights, in this order.
    private let memoryGuard: MemoryGuard
    private let areasAreTrusted: Bool
    private var isUnloaded = false
    private var hasLostDevice = false

    /// 0 before the first execution, then `Mode`: the original refuses to mix the two.
    private let mode = Atomic<UInt8>(0)
    /// Whether executions that may go on for ever, since they have loops, are to end.
    private let endsLoops = Atomic<Bool>(false)
    /// Executions that are queued on streams.
    private let queued = Monitor(Queued())
    /// The gear that was chosen last, for `aclmdlGetCurOutputDims`.
    let gear = Protected<Gear?>(nil)
    let priority = Protected<UInt32>(0)
    /// The inputs that take the parameters of dynamic AIPP.
    private let aippInputs: [Int]

    enum Mode: UInt8 { case sync = 1, async = 2 }

    private struct Queued {
        var waiting = 0
        var finished: UInt64 = 0
        var isRunning = false
    }

    init(
        id: UInt32, ready: ReadyModel, runnable: RunnableModel, device: Device, weights: WeightShare,
        workspace: WorkspaceShare, dump: DumpedModel?
    ) throws(Failure) {
        self.id = id
        self.ready = ready
        self.runnable = runnable
        isDynamic = runnable.isDynamic
        self.device = device
        self.weights = weights
        self.workspace = workspace
        self.dump = dump
        aippInputs = ready.facts.aipp.indices.filter { ready.facts.aipp[$0].mode == .parameters }
        buffers = BufferList(inputs: runnable.inputCount, outputs: runnable.outputCount)
        bufferCount = runnable.inputCount + runnable.outputCount
        memoryGuard = try MemoryGuard(ranges: bufferCount + 2)
        areasAreTrusted = workspace.isOwnMemory && weights.isOwnMemory
        memoryGuard.set(bufferCount, address: workspace.range.start, byteCount: workspace.range.byteCount)
        memoryGuard.set(bufferCount + 1, address: weights.range.start, byteCount: weights.range.byteCount)
        let weightArea = unsafe UnsafeRawPointer(bitPattern: weights.address)
        do {
            // Safe: both areas have the sizes that the model states, and the shares keep them in use.
            switch runnable {
            case .fixed(let prepared):
                self.prepared = prepared
                instance = try unsafe ModelInstance(
                    prepared, weights: weightArea, workspace: UnsafeMutableRawPointer(bitPattern: workspace.address))
                dynamicInstance = nil
            case .dynamic(let model):
                (prepared, instance) = (nil, nil)
                dynamicInstance = unsafe DynamicInstance(
                    model, weights: UnsafeRawBufferPointer(start: weightArea, count: model.weightBytes))
            }
        } catch {
            throw .engine(
                ErrorCode.geFailure, error, "Model '\(ready.facts.modelName)' cannot be bound to its memory: \(error).")
        }
    }

    /// What the tensor at `index` may be: an output has the dims of the description, or of any gear.
    func shapes(_ direction: ModelFacts.Direction, _ index: Int) -> [[Int]] {
        let stated = ready.facts.tensors(direction)[index].dims
        guard direction == .output else { return [stated] }
        guard let prepared else { return [stated] }
        let gears = 0..<(prepared.gears?.gears.count ?? 1)
        let outputs = gears.map { prepared.outputDescs(gear: $0) }
        return [stated] + outputs.filter { $0.indices.contains(index) }.map { $0[index].shape }
    }

    // MARK: Executing

    /// Fixes how the model is executed; throws 500002 when it was executed the other way before.
    func enter(_ mode: Mode) throws(Failure) {
        let (isFirst, previous) = self.mode.compareExchange(expected: 0, desired: mode.rawValue, ordering: .relaxed)
        guard isFirst || previous == mode.rawValue else {
            throw .engine(
                ErrorCode.geFailure,
                "Model \(id) has been executed \(previous == Mode.sync.rawValue ? "synchronously" : "asynchronously") "
                    + "before; one model cannot mix synchronous and asynchronous execution.")
        }
    }

    /// Executes on the calling thread; `fill` names the buffers, in the turn of the workspace.
    /// - Returns: the gear that was executed; 0 for a model without gears.
    func execute(_ fill: (BufferList) throws(Failure) -> Void) throws(Failure) -> Int { try execute(buffers, fill) }

    private func execute(
        _ buffers: BufferList, _ fill: (BufferList) throws(Failure) -> Void
    ) throws(Failure) -> Int {
        // Without a closure, whose captures every execution would count.
        try workspace.awaitTurn()
        let (gear, dumped): (Int, DumpedExecution?)
        do throws(Failure) {
            (gear, dumped) = try executeInTurn(buffers, fill)
        } catch {
            workspace.endTurn()
            throw error
        }
        workspace.endTurn()
        try dumped?.write()
        return gear
    }

    @inline(__always)
    private func executeInTurn(
        _ buffers: BufferList, _ fill: (BufferList) throws(Failure) -> Void
    ) throws(Failure) -> (Int, DumpedExecution?) {
        try checkUsable()
        try fill(buffers)
        guard let prepared, let instance else {
            try executeDynamic(buffers)
            return (0, nil)
        }
        let gear = try buffers.check(prepared, self)
        return (gear, try run(buffers) { () throws(Failure) in try compute(prepared, instance, buffers, gear: gear) })
    }

    /// In the workspace's turn.
    private func checkUsable() throws(Failure) {
        guard !isUnloaded else { throw .unknownModel(id) }
        guard !hasLostDevice else {
            throw .engine(
                ErrorCode.rtContextNull,
                "Device \(device.id) has been reset since model \(id) was loaded: unload the model and load it again.")
        }
    }

    /// In the workspace's turn. What is to be dumped is written after it.
    ///
    /// A buffer or an area that the program takes away makes the execution fail; the outputs are worthless then.
    @inline(__always)
    private func run<Outcome>(
        _ buffers: BufferList, _ compute: () throws(Failure) -> Outcome
    ) throws(Failure) -> Outcome {
        try workspace.checkMemory("work_ptr")
        try weights.checkMemory("weight_ptr")
        let isTrusted = buffers.declare(to: memoryGuard) && areasAreTrusted
        memoryGuard.enter(bufferCount + 2, isTrusted: isTrusted)
        let result: Result<Outcome, Failure>
        do throws(Failure) {
            result = .success(try compute())
        } catch {
            result = .failure(error)
        }
        if let fault = memoryGuard.leave() { throw buffers.refusal(of: fault) ?? areaRefusal(of: fault) }
        return try result.get()
    }

    private func areaRefusal(of fault: MemoryFault) -> Failure {
        let isWorkspace = fault.range == bufferCount
        let range = isWorkspace ? workspace.range : weights.range
        return .engine(
            ErrorCode.rtModelExecute,
            "The \(isWorkspace ? "workspace (work_ptr)" : "weight memory (weight_ptr)") of model \(id), \(range), is "
                + "\(fault.problem(writing: isWorkspace)).")
    }

    @inline(__always)
    private func compute(
        _ prepared: PreparedModel, _ instance: ModelInstance, _ buffers: BufferList, gear: Int
    ) throws(Failure) -> DumpedExecution? {
        buffers.copyIn()
        for index in aippInputs {
            try unsafe AippInput.check(
                at: buffers.inputs.addresses[index], byteCount: prepared.inputBytes[index], input: index, of: self)
        }
        let dumped = try reportingFailures { goesOn throws -> DumpedExecution? in
            if let dump, let step = dump.nextStep() {
                return try unsafe dump.execute(
                    step: step, gear: gear, inputs: buffers.inputs.addresses, outputs: buffers.outputs.addresses,
                    while: goesOn)
            }
            try unsafe instance.execute(
                inputs: buffers.inputs.addresses, outputs: buffers.outputs.addresses, gear: gear, while: goesOn)
            return nil
        }
        buffers.copyBack()
        return dumped
    }

    /// Runs `body`, which asks between steps whether to go on, and turns what it throws into codes and sentences.
    @inline(__always)
    private func reportingFailures<Outcome>(
        _ body: (_ goesOn: () -> Bool) throws -> Outcome
    ) throws(Failure) -> Outcome {
        let canBeInterrupted = pyaclmdlCanBeInterrupted()
        do {
            // Not during a step, whose threads a fork must not find at work.
            return try body {
                pyaclmdlPauseForFork()
                return !canBeInterrupted || !pyaclmdlIsInterrupted()
            }
        } catch ExecutableError.stopped {
            throw .engine(
                ErrorCode.rtModelAbortNormal, "The execution of model \(id) was interrupted; its outputs are undefined."
            )
        } catch let failure as Failure {
            throw failure
        } catch let failure as KernelFailure {
            throw .engine(ErrorCode.rtAicpuException, "Model \(id) failed during its execution: \(failure).")
        } catch {
            throw .engine(ErrorCode.rtModelExecute, error, "Model \(id) failed during its execution: \(error).")
        }
    }

    /// In the workspace's turn: executes a model of unknown shape with inputs as `buffers` describes them.
    private func executeDynamic(_ buffers: BufferList) throws(Failure) {
        guard let instance = dynamicInstance else { return }
        let inputs = buffers.inputDescs
        try buffers.checkInputs(inputs.map { $0.byteCount ?? 0 }, self)
        let known = try prepare(instance, inputs)
        if let known { try buffers.checkOutputs(known, self) }
        let results = unsafe try run(buffers) { () throws(Failure) in
            buffers.copyIn()
            let stream = ThreadState.current.workerOf
            let results = unsafe try reportingFailures { isAllowed throws -> [BoundTensor] in
                func goesOn() -> Bool {
                    isAllowed() && !endsLoops.load(ordering: .relaxed) && stream?.isDroppingPresentTask != true
                }
                var tensors: [BoundTensor] = unsafe []
                for (index, desc) in inputs.enumerated() {
                    unsafe tensors.append(BoundTensor(desc, buffers.inputs.addresses[index]))
                }
                var destinations: [UnsafeMutableRawPointer?] = unsafe []
                for index in (known ?? []).indices { unsafe destinations.append(buffers.outputs.addresses[index]) }
                return unsafe try instance.execute(tensors, into: destinations, while: goesOn)
            }
            if known != nil {
                unsafe buffers.store(results)
                buffers.copyBack()
            }
            return unsafe results
        }
        buffers.outputDescs = unsafe results.map { unsafe $0.desc }
        guard known == nil else { return }
        // How large the outputs are is known only now.
        try buffers.checkOutputs(buffers.outputDescs, self)
        try run(buffers) { () throws(Failure) in
            unsafe buffers.store(results)
            buffers.copyBack()
        }
    }

    private func prepare(_ instance: DynamicInstance, _ inputs: [TensorDesc]) throws(Failure) -> [TensorDesc]? {
        do {
            return try instance.prepare(inputs)
        } catch {
            throw .engine(
                ErrorCode.geFailure, error,
                "Model \(id) cannot be executed with inputs of the shapes \(inputs.map(\.shape)): \(error).")
        }
    }

    /// Puts an execution at the end of `stream`; `buffers` are those of this execution alone.
    /// - Returns: the gear that is chosen now; what the buffer holds when the execution begins is what counts then.
    func enqueue(_ buffers: BufferList, on stream: Stream) throws(Failure) -> Int {
        var gear = 0
        if let prepared { gear = try buffers.check(prepared, self) }
        queued.change { $0.waiting += 1 }
        do throws(Failure) {
            try stream.enqueue(
                .run { [self] in
                    queued.change { $0.isRunning = true }
                    let thread = ThreadState.current
                    thread.executing = self
                    defer { thread.executing = nil }
                    return status(function: "aclmdlExecuteAsync") { () throws(Failure) in
                        _ = try execute(buffers) { _ in }
                        try buffers.finish?(buffers)
                    }
                },
                completion: { [self] _ in
                    queued.change { queued in
                        queued.isRunning = false
                        queued.waiting -= 1
                        queued.finished += 1
                    }
                })
        } catch {
            queued.change { $0.waiting -= 1 }
            throw error
        }
        return gear
    }

    // MARK: Ending

    /// How long an unload waits for a queued execution that makes no progress, before it refuses.
    private static let patience: Int64 = 5000

    /// Waits for queued executions; throws 107037 when they do not come to run, because their stream waits for
    /// something, or when one of them has called the function that calls this.
    func waitForQueued() throws(Failure) {
        guard ThreadState.current.executing !== self else {
            throw .engine(
                ErrorCode.rtModelRunning,
                "Model \(id) cannot be unloaded by a function that its own execution has called.")
        }
        var seen = queued.withLock { $0.finished }
        while true {
            let state = try queued.waitOrGiveUp(until: Deadline(milliseconds: Self.patience)) { queued -> Queued? in
                queued.waiting == 0 || queued.finished != seen ? queued : nil
            }
            if let state {
                if state.waiting == 0 { return }
                seen = state.finished
            } else if queued.withLock({ $0.isRunning }) {
                // Without loops it ends by itself.
                endsLoops.store(true, ordering: .relaxed)
            } else {
                throw .engine(
                    ErrorCode.rtModelRunning,
                    "Model \(id) cannot be unloaded: executions of it are queued on a stream that waits for something "
                        + "else. Synchronise the stream first.")
            }
        }
    }

    /// Ends loops that another thread executes.
    func endLoops() { endsLoops.store(true, ordering: .relaxed) }

    /// Waits for an execution that runs, then gives back all memory, and no execution starts any more; unless `condition`
    /// does not hold then.
    func close(after condition: () -> Bool) throws(Failure) -> Bool {
        try workspace.awaitingTurns { () throws(Failure) in
            guard condition() else { return false }
            isUnloaded = true
            weights.giveBack()
            workspace.giveBack()
            return true
        }
    }

    /// Waits for an execution that runs.
    func waitForExecution() throws(Failure) { try workspace.awaitingTurns { () throws(Failure) in } }

    /// The device gives up its memory: nothing may be executed any more; an execution that runs is waited for.
    func loseDevice() { workspace.takingTurns { hasLostDevice = true } }

    /// Whether `range` shares bytes with the memory that executions need.
    func overlapsOwnMemory(_ range: AddressRange, writing: Bool) -> String? {
        if workspace.range.overlaps(range) { return "the model's workspace (\(workspace.range))" }
        if writing, weights.range.overlaps(range) { return "the model's weights (\(weights.range))" }
        return nil
    }
}
