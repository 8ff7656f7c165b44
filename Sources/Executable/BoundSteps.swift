// SPDX-License-Identifier: Apache-2.0

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
    private struct Step {
        let kernel: any NativeKernel
        let operands: KernelOperands
        /// The kernel's own.
        let alarms: Int
    }
    /// A place that holds the address of one of the caller's buffers, and which one.
    @safe
    private struct Patch {
        let place: UnsafeMutablePointer<UnsafeMutableRawPointer>
        let slot: Int
    }

    private let steps: [Step]
    private let isWatched: Bool
    /// Node and type of each of the program's steps, for messages.
    private let origins: [(name: String, type: String)]
    private let inputPatches: [Patch]
    private let outputPatches: [Patch]
    private let pointers: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>
    /// How many entries the results have of the steps that find that out, and where each of these is, by node.
    private let counts: UnsafeMutableBufferPointer<Int>
    private let countOf: [String: Int]

    /// Safety: all addresses are aligned; the constants are packed, and the workspace covers what the placement says.
    @unsafe
    init(
        _ program: Program, _ placement: Placement, constants: [UnsafeMutableRawPointer?],
        workspace: UnsafeMutableRawPointer?
    ) throws {
        let pointerCount = program.steps.reduce(0) { $0 + $1.inputs.count + $1.outputs.count }
        // One more, so that there is an address where nothing is needed, for which any serves.
        unsafe pointers = .allocate(capacity: pointerCount + 1)
        let firstPointer = unsafe pointers.baseAddress.unsafelyUnwrapped
        let nowhere = UnsafeMutableRawPointer(firstPointer)
        let addresses = unsafe program.buffers.indices.map { buffer -> UnsafeMutableRawPointer? in
            switch program.buffers[buffer].kind {
            case .activation: unsafe workspace.map { unsafe $0 + max(placement.offsets[buffer], 0) } ?? nowhere
            case .constant(let index): unsafe constants[index] ?? nowhere
            case .input, .output: nil
            }
        }
        let counting = program.steps.filter(\.countsResult)
        unsafe counts = .allocate(capacity: counting.count)
        unsafe counts.initialize(repeating: 0)
        let countPlaces = unsafe counts.baseAddress
        let countOf = Dictionary(zip(counting.map(\.name), 0...), uniquingKeysWith: { first, _ in first })
        self.countOf = countOf

        var bound: [Step] = []
        bound.reserveCapacity(program.steps.count)
        var patches: (inputs: [Patch], outputs: [Patch]) = ([], [])
        var next = unsafe firstPointer
        for (index, step) in program.steps.enumerated() {
            let scratch = unsafe workspace.map { unsafe $0 + placement.scratchOffsets[index] } ?? nowhere
            let first = unsafe next
            for buffer in step.inputs + step.outputs {
                unsafe next.initialize(to: addresses[buffer] ?? nowhere)
                switch program.buffers[buffer].kind {
                case .input(let slot): patches.inputs.append(unsafe Patch(place: next, slot: slot))
                case .output(let slot): patches.outputs.append(unsafe Patch(place: next, slot: slot))
                case .activation, .constant: break
                }
                unsafe next += 1
            }
            let place = step.countsResult ? countOf[step.name] : nil
            let count = unsafe place.flatMap { place in unsafe countPlaces.map { unsafe $0 + place } }
            bound.append(
                unsafe Step(
                    kernel: step.kernel,
                    operands: KernelOperands(
                        inputs: first, outputs: first + step.inputs.count, scratch: scratch, resultCount: count),
                    alarms: step.kernel.alarms))
        }
        steps = bound
        sharesWork = bound.contains { $0.kernel.parts > 1 }
        origins = program.steps.map { ($0.name, $0.type) }
        isWatched = program.mayLoseNaN
        inputPatches = patches.inputs
        outputPatches = patches.outputs
    }

    deinit {
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
    /// - Throws: `KernelFailure` for an index that is outside.
    @unsafe
    func run(
        inputs: UnsafeBufferPointer<UnsafeMutableRawPointer>, outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>,
        while goesOn: () -> Bool
    ) throws -> Outcome {
        for patch in inputPatches { unsafe patch.place.pointee = unsafe inputs[patch.slot] }
        for patch in outputPatches { unsafe patch.place.pointee = unsafe outputs[patch.slot] }
        guard isWatched else { return try runSteps(while: goesOn) }
        // The program's own exceptions are none of ours.
        let before = Parallel.forgetExceptions()
        defer { Parallel.restore(before) }
        return try runSteps(while: goesOn)
    }

    private func runSteps(while goesOn: () -> Bool) throws -> Outcome {
        for index in steps.indices {
            guard index == 0 || goesOn() else { throw ExecutableError.stopped }
            let alarms = steps[index].alarms
            if alarms != 0 { _ = Parallel.forgetExceptions() }
            if let failure = unsafe Parallel.run(steps[index].kernel, steps[index].operands) {
                throw KernelFailure(node: origins[index].name, type: origins[index].type, failure: failure)
            }
            if alarms != 0, Parallel.exceptions() & alarms != 0 { return .lostNaN }
        }
        return .complete
    }
}
