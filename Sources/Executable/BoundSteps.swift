// SPDX-License-Identifier: Apache-2.0

internal import COneDNN
import Kernels
import SaturatingArithmetic

/// A program's steps with every address filled in; only the caller's buffers are patched per execution.
///
/// All arrays are allocated here once, so that running allocates nothing.
@safe
final class BoundSteps {
    /// Whether any step can use more than one thread.
    let sharesWork: Bool

    @safe
    private enum Step {
        case primitive(
            dnnl_primitive_t, arguments: UnsafeMutablePointer<dnnl_exec_arg_t>, count: Int32, alarms: Int)
        /// `origin` is a place in `origins`.
        case native(any NativeKernel, KernelOperands, origin: Int, alarms: Int)
    }
    /// A place that holds the address of one of the caller's buffers.
    @safe
    private enum Patch {
        case memory(dnnl_memory_t, slot: Int)
        case pointer(UnsafeMutablePointer<UnsafeMutableRawPointer>, slot: Int)
    }

    private let steps: [Step]
    private let isWatched: Bool
    /// Node and type of each of the program's steps, for messages.
    private let origins: [(name: String, type: String)]
    private let inputPatches: [Patch]
    private let outputPatches: [Patch]
    /// Kept alive for the handles in `steps`.
    private let primitives: [Primitive?]
    private let memories: [Memory]
    private let arguments: UnsafeMutableBufferPointer<dnnl_exec_arg_t>
    private let pointers: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>
    private let stream: dnnl_stream_t
    /// How many entries the results have of the steps that find that out, and where each of these is, by node.
    private let counts: UnsafeMutableBufferPointer<Int>
    private let countOf: [String: Int]

    /// - primitives: one per step; nil for native kernels.
    /// Safety: all addresses are aligned; the constants are packed, and the workspace covers what the placement says.
    @unsafe
    init(
        _ program: Program, _ placement: Placement, _ primitives: [Primitive?], constants: [UnsafeMutableRawPointer?],
        workspace: UnsafeMutableRawPointer?
    ) throws {
        unsafe stream = try Engine.shared().stream
        self.primitives = primitives
        // Where nothing is needed any address serves; the stream's is one.
        let nowhere = unsafe UnsafeMutableRawPointer(stream)
        let addresses = unsafe program.buffers.indices.map { buffer -> UnsafeMutableRawPointer? in
            switch program.buffers[buffer].kind {
            case .activation: unsafe workspace.map { unsafe $0 + max(placement.offsets[buffer], 0) } ?? nowhere
            case .constant(let index): unsafe constants[index] ?? nowhere
            case .input, .output: nil
            }
        }
        var argumentCount = 0
        var pointerCount = 0
        for step in program.steps {
            switch step.kind {
            case .primitive(_, let list): argumentCount += list.count + 1
            case .native(_, let inputs, let outputs): pointerCount += inputs.count + outputs.count
            }
        }
        unsafe arguments = .allocate(capacity: argumentCount)
        unsafe pointers = .allocate(capacity: pointerCount)

        let counting = program.steps.filter(\.countsResult)
        unsafe counts = .allocate(capacity: counting.count)
        unsafe counts.initialize(repeating: 0)
        let countPlaces = unsafe counts.baseAddress
        let countOf = Dictionary(zip(counting.map(\.name), 0...), uniquingKeysWith: { first, _ in first })
        self.countOf = countOf

        var memories: [Memory] = []
        memories.reserveCapacity(argumentCount)
        var bound: [Step] = []
        bound.reserveCapacity(program.steps.count)
        var patches: (inputs: [Patch], outputs: [Patch]) = ([], [])
        var nextArgument = 0
        var nextPointer = 0

        func patch(_ buffer: Int, _ patch: (Int) -> Patch) {
            switch program.buffers[buffer].kind {
            case .input(let slot): patches.inputs.append(patch(slot))
            case .output(let slot): patches.outputs.append(patch(slot))
            case .activation, .constant: break
            }
        }

        for (index, step) in program.steps.enumerated() {
            let scratch = unsafe workspace.map { unsafe $0 + placement.scratchOffsets[index] } ?? nowhere
            switch step.kind {
            case .primitive(let descriptor, let list):
                guard let primitive = primitives[index] else { continue }
                let start = unsafe arguments.baseAddress.map { unsafe $0 + nextArgument }
                for (argument, operand) in list {
                    guard let layout = operand.layout else { continue }
                    let memory = try unsafe Memory(layout, addresses[operand.buffer])
                    patch(operand.buffer) { unsafe .memory(memory.handle, slot: $0) }
                    memories.append(memory)
                    unsafe arguments[nextArgument] = unsafe dnnl_exec_arg_t(arg: argument, memory: memory.handle)
                    nextArgument += 1
                }
                if step.scratchBytes > 0 {
                    let memory = try unsafe Memory(descriptor.scratchpad(), scratch)
                    memories.append(memory)
                    unsafe arguments[nextArgument] = unsafe dnnl_exec_arg_t(
                        arg: DNNL_ARG_SCRATCHPAD, memory: memory.handle)
                    nextArgument += 1
                }
                guard let start = unsafe start, let end = unsafe arguments.baseAddress else { continue }
                bound.append(
                    unsafe .primitive(
                        primitive.handle, arguments: start, count: Int32(clamping: end + nextArgument - start),
                        alarms: step.alarms))
            case .native(let kernel, let inputs, let outputs):
                guard let base = unsafe pointers.baseAddress else { continue }
                let first = unsafe base + nextPointer
                for buffer in inputs + outputs {
                    let place = unsafe base + nextPointer
                    unsafe place.initialize(to: addresses[buffer] ?? nowhere)
                    patch(buffer) { unsafe .pointer(place, slot: $0) }
                    nextPointer += 1
                }
                let place = step.countsResult ? countOf[step.name] : nil
                let count = unsafe place.flatMap { place in unsafe countPlaces.map { unsafe $0 + place } }
                bound.append(
                    unsafe .native(
                        kernel,
                        KernelOperands(
                            inputs: first, outputs: first + inputs.count, scratch: scratch, resultCount: count),
                        origin: index, alarms: step.alarms))
            }
        }
        steps = bound
        sharesWork = bound.contains { step in
            switch step {
            case .primitive: true
            case .native(let kernel, _, _, _): kernel.parts > 1
            }
        }
        origins = program.steps.map { ($0.name, $0.type) }
        isWatched = program.mayLoseNaN
        inputPatches = patches.inputs
        outputPatches = patches.outputs
        self.memories = memories
    }

    deinit {
        unsafe arguments.deallocate()
        unsafe pointers.deallocate()
        unsafe counts.deallocate()
    }

    /// How many entries the last run found for the result of a node; nil where that does not depend on the data.
    func resultCount(of node: String) -> Int? { countOf[node].map { unsafe counts[$0] } }

    enum Outcome {
        case complete
        /// A kernel has met NaN or infinities that its result lacks; the outputs are worthless.
        case lostNaN
    }

    /// - goesOn: asked between the steps.
    ///
    /// Safety: the buffers cover the model's inputs and outputs, in order.
    /// - Throws: `OneDNNError`, or `KernelFailure` for an index that is outside.
    @unsafe
    func run(
        inputs: UnsafeBufferPointer<UnsafeMutableRawPointer>, outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>,
        while goesOn: () -> Bool
    ) throws -> Outcome {
        for patch in inputPatches { try unsafe apply(patch, inputs) }
        for patch in outputPatches { try unsafe apply(patch, outputs) }
        guard isWatched else { return try runSteps(while: goesOn) }
        // The program's own exceptions are none of ours.
        let before = Parallel.forgetExceptions()
        defer { Parallel.restore(before) }
        return try runSteps(while: goesOn)
    }

    private func runSteps(while goesOn: () -> Bool) throws -> Outcome {
        for index in steps.indices {
            guard index == 0 || goesOn() else { throw ExecutableError.stopped }
            switch steps[index] {
            case .primitive(let primitive, let arguments, let count, let alarms):
                if alarms != 0 { _ = Parallel.forgetExceptions() }
                let status = unsafe dnnl_primitive_execute(primitive, stream, count, arguments)
                guard status == dnnl_success else {
                    throw OneDNNError(function: "dnnl_primitive_execute", status: status.rawValue)
                }
                if alarms != 0, Parallel.exceptions() & alarms != 0 { return .lostNaN }
            case .native(let kernel, let operands, let origin, let alarms):
                if alarms != 0 { _ = Parallel.forgetExceptions() }
                if let failure = unsafe Parallel.run(kernel, operands) {
                    throw KernelFailure(node: origins[origin].name, type: origins[origin].type, failure: failure)
                }
                if alarms != 0, Parallel.exceptions() & alarms != 0 { return .lostNaN }
            }
        }
        return .complete
    }

    private func apply(
        _ patch: Patch, _ buffers: UnsafeBufferPointer<UnsafeMutableRawPointer>
    ) throws(OneDNNError) {
        switch patch {
        case .memory(let memory, let slot):
            let status = unsafe dnnl_memory_set_data_handle(memory, buffers[slot])
            guard status == dnnl_success else {
                throw OneDNNError(function: "dnnl_memory_set_data_handle", status: status.rawValue)
            }
        case .pointer(let place, let slot):
            unsafe place.pointee = unsafe buffers[slot]
        }
    }
}
