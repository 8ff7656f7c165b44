// SPDX-License-Identifier: Apache-2.0

import GEGraph

/// How a region is executed for certain shapes: stages one after the other, and then, where these have found out shapes or
/// values that the rest depends on, the rest as a region of its own.
///
/// Not safe for concurrent use.
final class RegionPlan {
    /// Where a tensor is found during an execution.
    enum Source: Hashable {
        case input(Int)
        case slot(Int)
    }

    /// A tensor that stages hand over.
    struct Slot {
        /// The largest that it can be; nil where nothing is known before it is there.
        var desc: TensorDesc?
        /// The dimension that can be smaller.
        var countedAxis: Int?
    }

    enum End {
        case complete([Source])
        case rest(Region, inputs: [Source])
    }

    private let stages: [any Stage]
    private let slots: [Slot]
    private let end: End
    private let memories: [OwnedMemory?]
    /// Per output its type and shape, where the plan knows them.
    let outputDescs: [TensorDesc]?

    init(
        stages: [any Stage], slots: [Slot], end: End, inputs: [TensorDesc]
    ) throws {
        self.stages = stages
        self.slots = slots
        self.end = end
        memories = try slots.map { slot in try slot.desc.map { try OwnedMemory($0.byteCount ?? 0) } }
        if case .complete(let sources) = end {
            let descs = sources.map { source in
                switch source {
                case .input(let index): inputs[index]
                case .slot(let index): slots[index].countedAxis == nil ? slots[index].desc : nil
                }
            }
            outputDescs = descs.contains { $0 == nil } ? nil : descs.compactMap { $0 }
        } else {
            outputDescs = nil
        }
    }

    /// Executes the region.
    /// - destinations: per output where it may be written at once; it is elsewhere all the same where the result says so.
    /// - Returns: the outputs; their memory is the caller's own, or keeps until the next execution.
    ///
    /// Safety: the inputs have the shapes of the plan; destinations cover the outputs that `outputDescs` tells.
    @unsafe
    func run(
        _ inputs: [BoundTensor], into destinations: [UnsafeMutableRawPointer?], while goesOn: () -> Bool
    ) throws -> [BoundTensor] {
        var (plan, tensors) = unsafe (self, inputs)
        while true {
            var frame = unsafe plan.frame(tensors, destinations)
            for (index, stage) in plan.stages.enumerated() {
                guard index == 0 || goesOn() else { throw ExecutableError.stopped }
                try unsafe stage.run(&frame, while: goesOn)
            }
            switch plan.end {
            case .complete(let sources): return try unsafe sources.map { try unsafe frame.tensor($0) }
            case .rest(let region, let sources):
                unsafe tensors = try unsafe sources.map { try unsafe frame.tensor($0) }
                plan = try unsafe region.plan(for: tensors)
            }
        }
    }

    private func frame(_ inputs: [BoundTensor], _ destinations: [UnsafeMutableRawPointer?]) -> Frame {
        var tensors: [BoundTensor?] = unsafe []
        for (slot, memory) in zip(slots, memories) {
            if let desc = slot.desc, let memory {
                unsafe tensors.append(BoundTensor(desc, in: memory))
            } else {
                unsafe tensors.append(nil)
            }
        }
        var frame = unsafe Frame(inputs: inputs, slots: tensors)
        guard case .complete(let sources) = end, outputDescs != nil else { return unsafe frame }
        for (output, source) in sources.enumerated() {
            guard unsafe output < destinations.count, case .slot(let index) = source,
                let destination = unsafe destinations[output], let desc = slots[index].desc
            else { continue }
            unsafe frame.slots[index] = unsafe BoundTensor(desc, destination)
        }
        return unsafe frame
    }
}

/// The tensors of an execution of a plan.
@unsafe
struct Frame {
    let inputs: [BoundTensor]
    var slots: [BoundTensor?]

    init(inputs: [BoundTensor], slots: [BoundTensor?]) {
        unsafe self.inputs = inputs
        unsafe self.slots = slots
    }

    func tensor(_ source: RegionPlan.Source) throws(GraphError) -> BoundTensor {
        switch source {
        case .input(let index): return unsafe inputs[index]
        case .slot(let index):
            guard let tensor = unsafe slots[index] else {
                throw .invalidNode(node: "slot \(index)", type: "", reason: "nothing has been computed for it")
            }
            return unsafe tensor
        }
    }
}

/// A part of a plan that is executed as a whole.
protocol Stage {
    /// Reads tensors of the frame and puts its results there.
    ///
    /// Safety: the tensors of the frame have the descriptors that the stage was made for.
    @unsafe
    func run(_ frame: inout Frame, while goesOn: () -> Bool) throws
}

/// Nodes whose shapes are all known.
struct ProgramStage: Stage {
    let program: StageProgram
    let inputs: [RegionPlan.Source]
    /// Per output of the program its slot.
    let outputs: [Int]
    /// Outputs of which the run finds out a dimension.
    let counted: [(output: Int, axis: Int, node: String)]

    @unsafe
    func run(_ frame: inout Frame, while goesOn: () -> Bool) throws {
        var sources: [UnsafeMutableRawPointer] = unsafe []
        for input in inputs { unsafe sources.append(try frame.tensor(input).address) }
        var targets: [UnsafeMutableRawPointer] = unsafe []
        for slot in outputs { unsafe targets.append(try frame.tensor(.slot(slot)).address) }
        try unsafe program.run(inputs: sources, outputs: targets, while: goesOn)
        for (output, axis, node) in counted {
            guard let count = program.resultCount(of: node) else { continue }
            unsafe frame.slots[outputs[output]]?.desc.shape[axis] = count
        }
    }
}
