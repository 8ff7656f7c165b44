// SPDX-License-Identifier: Apache-2.0

public import GEGraph
internal import VectorFunctions

// Steps of the vector kernels, which work on floats with the channels innermost in memory.
extension ProgramBuilder {
    /// A maximum or a mean over windows; nil for tensors that are not images.
    func vectorPooling(
        _ x: Value, _ kind: PoolingKind, kernel: [Int], strides: [Int], dilations: [Int], padsBegin: [Int],
        padsEnd: [Int], output: TensorDesc
    ) throws -> Value? {
        let image = shape(x)
        guard desc(x).dataType == .float, image.count == 4, !image.contains(0) else { return nil }
        let loop = PoolingLoop(
            isMaximum: kind == .max, excludesPadding: kind == .averageExcludingPadding, batch: image[0],
            image: (image[2], image[3], image[1]), output: (output.shape[2], output.shape[3]),
            window: (kernel[0], kernel[1]), strides: (strides[0], strides[1]), dilations: (dilations[0], dilations[1]),
            pads: (padsBegin[0], padsBegin[1], padsEnd[0], padsEnd[1]))
        let source = try MemoryDescriptor.channelsLast(.float, image)
        return emit(
            VectorPoolingKernel(loop), inputs: [try operand(x, source).buffer], output: output,
            layout: try .channelsLast(.float, output.shape))
    }

    /// Softmax of a float tensor along `axis`, or its logarithm.
    public func softmax(_ x: Value, axis: Int, logarithm: Bool) throws -> Value {
        let shape = shape(x)
        let source = try layout(of: x)
        let areChannels = try shape.count >= 3 && axis == 1 && source.equals(.channelsLast(.float, shape))
        let value = areChannels ? x : try plain(x)
        let inner = areChannels ? 1 : shape[(axis + 1)...].reduce(1, *)
        let loop = SoftmaxLoop(
            outer: shape.reduce(1, *) / max(shape[axis] * inner, 1), length: shape[axis], inner: inner,
            isLogarithm: logarithm)
        let target = areChannels ? source : try MemoryDescriptor(.float, shape)
        return emit(
            VectorSoftmaxKernel(loop), inputs: [try operand(value, target).buffer], output: desc(x), layout: target)
    }

    /// A fold over some dimensions; nil for other types, and functions that the vector kernels do not have.
    func vectorReduction(_ x: Value, _ kind: ReductionKind, axes: [Int], output: TensorDesc) throws -> Value? {
        let shape = shape(x)
        guard desc(x).dataType == .float, !shape.contains(0) else { return nil }
        let fold: FoldLoop.Kind
        switch kind {
        case .sum: fold = .sum
        case .mean: fold = .mean
        case .max: fold = .maximum
        case .min: fold = .minimum
        case .product: return nil
        }
        // Neighbours of the same kind are one dimension; those of size 1 do not matter.
        var merged: [(size: Int, isFolded: Bool)] = []
        for (axis, size) in shape.enumerated() where size != 1 {
            let isFolded = axes.contains(axis)
            if let last = merged.last, last.isFolded == isFolded {
                merged[merged.count - 1].size *= size
            } else {
                merged.append((size, isFolded))
            }
        }
        if !merged.contains(where: \.isFolded) { merged.append((1, true)) }
        var result = try plain(x)
        // Innermost first: what is left is less for each that follows.
        while let axis = merged.lastIndex(where: \.isFolded) {
            let loop = FoldLoop(
                fold, outer: merged[..<axis].reduce(1) { $0 * $1.size }, length: merged[axis].size,
                inner: merged[(axis + 1)...].reduce(1) { $0 * $1.size })
            merged.remove(at: axis)
            let isLast = !merged.contains(where: \.isFolded)
            let desc = isLast ? output : TensorDesc(.float, merged.map(\.size))
            result = try native(VectorFoldKernel(loop), inputs: [result], outputs: [desc])[0]
        }
        return result
    }

    /// The steps of a recurrent network with constant weights; nil for other types, weights and functions.
    ///
    /// - share: the input's share of the gates [D, T · N, gates · H]. - weights: the recurrent ones [D, gates · H, H].
    /// - options: those of the optional inputs that are present.
    public func recurrent(
        _ plan: RecurrentPlan, share: Value, weights: Value, options: [Value], outputs: [TensorDesc]
    ) throws -> [Value]? {
        guard desc(share).dataType == .float, let loop = plan.vectorLoop, let strides = constantStrides(weights),
            strides.count == 3
        else { return nil }
        let form = WeightForm(
            kind: .panels, outputs: loop.width, channels: loop.hidden, window: [loop.directions],
            outputStride: strides[1], channelStride: strides[2], windowStrides: [strides[0]])
        let buffers =
            try [operandBuffer(share, nil), packed(weights, form)] + options.map { try operandBuffer($0, nil) }
        return try native(VectorRecurrentKernel(loop), buffers: buffers, outputs: outputs)
    }

    /// An element-wise function and the steps that follow it; nil where the vector kernels do not have it, or the elements
    /// are not side by side.
    func vectorEltwise(_ x: Value, _ function: Eltwise) throws -> Value? {
        guard let function = function.elementFunction else { return nil }
        return try vectorSteps(x, first: .apply(function), operand: nil)
    }

    /// A function of two tensors, of which the second has as many elements as the first, one for each channel or row, or
    /// one.
    func vectorBinary(_ algorithm: BinaryAlgorithm, _ a: Value, _ b: Value, output: TensorDesc) throws -> Value? {
        guard shape(a) == output.shape, desc(b).dataType == .float else { return nil }
        let layout = try layout(of: a)
        guard let channel = try channelAxis(layout, shape(a)),
            let kind = operandKind(shape(b), result: shape(a), channel: channel)
        else { return nil }
        let other = try operandBuffer(b, kind == .ofElement ? layout : nil)
        return try vectorSteps(
            a, first: .combine(algorithm.combiningFunction, kind, place: 1), operand: other)
    }

    /// x where it is not negative, else weight · x, for an image whose channels are not outermost; nil for other tensors, and
    /// weights that are neither one for each channel nor of the image's shape.
    public func slope(_ x: Value, weight: Value, output: TensorDesc) throws -> Value? {
        let shape = shape(x)
        guard desc(x).dataType == .float, !isPlain(x), (3...5).contains(shape.count), shape == output.shape,
            let kind = operandKind(self.shape(weight), result: shape, channel: 1)
        else { return nil }
        let layout = try MemoryDescriptor.channelsLast(.float, shape)
        let inputs = [try operand(x, layout).buffer, try operandBuffer(weight, kind == .ofElement ? layout : nil)]
        let steps = [EpilogueStep(.combine(.slope, kind, place: 1))]
        return emit(
            VectorStepsKernel(steps, count: shape.reduce(1, *), rowLength: shape[1]), inputs: inputs, output: output,
            layout: layout)
    }

    private func vectorSteps(_ x: Value, first: EpilogueStep.Action, operand other: Int?) throws -> Value? {
        let (shape, layout) = (shape(x), try layout(of: x))
        guard desc(x).dataType == .float, let channel = try channelAxis(layout, shape) else { return nil }
        var inputs = [try operand(x, layout).buffer] + (other.map { [$0] } ?? [])
        var steps = [EpilogueStep(first)]
        try takeSteps(&steps, &inputs, result: shape, channel: channel, layout: layout)
        let kernel = VectorStepsKernel(
            steps, count: shape.reduce(1, *), rowLength: shape.isEmpty ? 1 : shape[channel])
        return emit(kernel, inputs: inputs, output: desc(x), layout: layout)
    }

    /// The dimension whose elements are side by side in memory, all elements being without gaps; nil for other layouts.
    private func channelAxis(_ layout: MemoryDescriptor, _ shape: [Int]) throws -> Int? {
        if layout.isRowMajor { return max(shape.count - 1, 0) }
        guard (3...5).contains(shape.count), try layout.equals(.channelsLast(.float, shape)) else { return nil }
        return 1
    }

    func operandKind(_ operand: [Int], result: [Int], channel: Int) -> EpilogueStep.Operand? {
        if operand.reduce(1, *) == 1, operand.count <= result.count { return .one }
        if operand == result { return .ofElement }
        guard operand.count <= result.count else { return nil }
        let full = [Int](repeating: 1, count: result.count - operand.count) + operand
        if channel == result.count - 1, full.dropLast() == result.dropLast(), full[channel] == 1 { return .ofRow }
        guard full[channel] == result[channel], full.reduce(1, *) == full[channel] else { return nil }
        return .ofChannel
    }

    /// Takes over as many pending post-operations as the vector kernels can do.
    ///
    /// - divides: whether division is among them; a kernel with alarms leaves it, see `PostOperation.dividesPadding`.
    func takeSteps(
        _ steps: inout [EpilogueStep], _ inputs: inout [Int], result: [Int], channel: Int, layout: MemoryDescriptor,
        divides: Bool = true
    ) throws {
        while let operation = postOperations.first, divides || !operation.dividesPadding {
            switch operation {
            case .eltwise(let function):
                guard let function = function.elementFunction else { return }
                steps.append(EpilogueStep(.apply(function)))
            case .binary(let algorithm, let value):
                guard desc(value).dataType == .float,
                    let kind = operandKind(shape(value), result: result, channel: channel)
                else { return }
                steps.append(EpilogueStep(.combine(algorithm.combiningFunction, kind, place: inputs.count)))
                inputs.append(try operandBuffer(value, kind == .ofElement ? layout : nil))
            }
            postOperations.removeFirst()
        }
    }

    /// Adds a bias of one number for each channel: padded to whole panels where it is constant, else as a step.
    /// - isByChannel: whether the panels are those of all groups together.
    func add(
        _ bias: Value?, to inputs: inout [Int], _ loop: inout ConvolutionLoop, _ steps: inout [EpilogueStep],
        isByChannel: Bool = false
    ) throws {
        guard let bias else { return }
        if constantStrides(bias) != nil, isPlain(bias) {
            loop.hasBias = true
            var form = WeightForm(
                kind: .row, outputs: isByChannel ? loop.resultLength : loop.outChannels, channels: 1, window: [1],
                outputStride: 1, channelStride: 1, windowStrides: [0])
            if !isByChannel { (form.groups, form.groupStride) = (loop.filterGroups, loop.outChannels) }
            inputs.append(try packed(bias, form))
        } else {
            steps.append(EpilogueStep(.combine(.add, .ofChannel, place: inputs.count)))
            inputs.append(try operandBuffer(bias, nil))
        }
    }
}
