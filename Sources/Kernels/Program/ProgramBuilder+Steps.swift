// SPDX-License-Identifier: Apache-2.0

internal import GEGraph
internal import VectorFunctions

// What happens to the elements of a result one by one: in kernels of their own, and behind others.
extension ProgramBuilder {
    /// An element-wise function and the steps that follow it; nil for functions that the vector kernels do not have.
    func vectorUnary(_ function: UnaryFunction, _ x: Value) throws -> Value? {
        guard let function = function.elementFunction else { return nil }
        return try vectorSteps(x) { _, _ in EpilogueStep(.apply(function)) }
    }

    /// A function of a tensor and one that repeats over it, and the steps that follow; nil where it does not repeat in
    /// whole rows.
    func vectorBinary(_ function: CombiningFunction, _ a: Value, _ b: Value) throws -> Value? {
        try vectorSteps(a) { try step(function, b, &$0, &$1) }
    }

    /// What steps see of the result that they are applied to.
    struct StepTarget {
        let shape: [Int]
        let layout: Layout
        /// Elements of a row, over which operands repeat; nil where no step has settled it.
        var rowLength: Int?
        /// Whether a step may settle it.
        var isFree = false
    }

    private func vectorSteps(_ x: Value, first: (inout StepTarget, inout [Int]) throws -> EpilogueStep?) throws
        -> Value?
    {
        let x = self.layout(of: x).memoryOrder == nil ? try plain(x) : x
        let (shape, layout) = (shape(x), self.layout(of: x))
        var target = StepTarget(shape: shape, layout: layout, isFree: true)
        var inputs = [try operandBuffer(x, layout)]
        guard let first = try first(&target, &inputs) else { return nil }
        var steps = [first]
        try takeSteps(&steps, &inputs, &target)
        let kernel = VectorStepsKernel(steps, count: shape.reduce(1, *), rowLength: target.rowLength ?? 1)
        return emit(kernel, inputs: inputs, output: desc(x), layout: layout)
    }

    /// Takes over as many followers as the vector kernels can do, behind a kernel that works on rows along
    /// the dimension `channel`.
    ///
    /// - divides: whether division is among them; not for a kernel with alarms, which 0 divided by 0 would set off.
    func takeSteps(
        _ steps: inout [EpilogueStep], _ inputs: inout [Int], result: [Int], channel: Int, layout: Layout,
        divides: Bool = true
    ) throws {
        var target = StepTarget(shape: result, layout: layout, rowLength: result.isEmpty ? 1 : result[channel])
        try takeSteps(&steps, &inputs, &target, divides: divides)
    }

    func takeSteps(
        _ steps: inout [EpilogueStep], _ inputs: inout [Int], _ target: inout StepTarget, divides: Bool = true
    ) throws {
        while let follower = followers.first, divides || !follower.divides {
            switch follower {
            case .unary(let function):
                guard let function = function.elementFunction else { return }
                steps.append(EpilogueStep(.apply(function)))
            case .binary(let function, let value):
                guard let function = function.combiningFunction,
                    let step = try step(function, value, &target, &inputs)
                else { return }
                steps.append(step)
            }
            followers.removeFirst()
        }
    }

    /// The step that combines a result with `value`, whose buffer becomes the last of the inputs; nil for other types, and
    /// where the value does not repeat over the result in whole rows.
    private func step(
        _ function: CombiningFunction, _ value: Value, _ target: inout StepTarget, _ inputs: inout [Int]
    ) throws -> EpilogueStep? {
        guard desc(value).dataType == .float, let order = target.layout.memoryOrder,
            shape(value).count <= target.shape.count
        else { return nil }
        let full = [Int](repeating: 1, count: target.shape.count - shape(value).count) + shape(value)
        guard let spread = Spread(order.map { full[$0] }, over: order.map { target.shape[$0] }) else { return nil }
        if let length = spread.rowLength {
            guard target.rowLength.map({ $0 == length }) ?? target.isFree else { return nil }
        }
        let wanted = spread.operand == .ofElement ? target.layout : target.layout.like(full)
        // Rows of an operand lie as those of the result.
        guard wanted != nil || spread.operand == .one else { return nil }
        inputs.append(try operandBuffer(reshape(value, to: full), wanted))
        target.rowLength = spread.rowLength ?? target.rowLength
        return EpilogueStep(
            .combine(function, spread.operand, place: inputs.count - 1), period: spread.period)
    }

    /// Adds a bias of one number for each channel: padded to whole panels where it is constant, else as a step.
    /// - groups: how many groups of outputs have panels of their own.
    func add(
        _ bias: Value?, to inputs: inout [Int], _ loop: inout ConvolutionLoop, _ steps: inout [EpilogueStep],
        groups: Int = 1
    ) throws {
        guard let bias else { return }
        if constantStrides(bias) != nil, isPlain(bias) {
            loop.hasBias = true
            let outputs = loop.resultLength / groups
            var form = WeightForm(
                kind: .row, outputs: outputs, channels: 1, window: [1], outputStride: 1, channelStride: 1,
                windowStrides: [0])
            (form.groups, form.groupStride) = (groups, outputs)
            inputs.append(try packed(bias, form))
        } else {
            steps.append(EpilogueStep(.combine(.add, .ofChannel, place: inputs.count)))
            inputs.append(try operandBuffer(bias, nil))
        }
    }
}

/// How an operand repeats over a result, whose dimensions are in the order of memory.
private struct Spread {
    let operand: EpilogueStep.Operand
    /// See `EpilogueStep.period`.
    var period = Int.max
    /// How long the rows of the result have to be; nil where it does not matter.
    var rowLength: Int?

    /// Nil where the operand does not repeat in whole rows.
    init?(_ operand: [Int], over result: [Int]) {
        let dimensions = zip(operand, result).filter { $0.1 != 1 }
        guard dimensions.allSatisfy({ $0.0 == 1 || $0.0 == $0.1 }) else { return nil }
        // First dimensions over which it repeats, then its own, then such over which it repeats again.
        let inner = dimensions.reversed().prefix { $0.0 == 1 }
        let own = dimensions.reversed().dropFirst(inner.count).prefix { $0.0 != 1 }
        let outer = dimensions.count - inner.count - own.count
        guard dimensions.prefix(outer).allSatisfy({ $0.0 == 1 }) else { return nil }
        if own.isEmpty {
            self.operand = .one
        } else if outer == 0, inner.isEmpty {
            self.operand = .ofElement
        } else if inner.isEmpty {
            self.operand = .ofChannel
            rowLength = own.reduce(1) { $0 * $1.1 }
        } else {
            self.operand = .ofRow
            period = own.reduce(1) { $0 * $1.1 }
            rowLength = inner.reduce(1) { $0 * $1.1 }
        }
    }
}
