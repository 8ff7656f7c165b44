// SPDX-License-Identifier: Apache-2.0

public import GEGraph
internal import VectorFunctions

// Steps of the vector kernels, which work on floats with the channels innermost in memory.
extension ProgramBuilder {
    /// Softmax of a float tensor along `axis`, or its logarithm.
    public func softmax(_ x: Value, axis: Int, logarithm: Bool) throws -> Value {
        let shape = shape(x)
        let source = layout(of: x)
        let areChannels = axis == 1 && source.isChannelsLast
        let value = areChannels ? x : try plain(x)
        let inner = areChannels ? 1 : shape[(axis + 1)...].reduce(1, *)
        let loop = SoftmaxLoop(
            outer: shape.reduce(1, *) / max(shape[axis] * inner, 1), length: shape[axis], inner: inner,
            isLogarithm: logarithm)
        let target = areChannels ? source : Layout(shape)
        return emit(
            VectorSoftmaxKernel(loop), inputs: [try operandBuffer(value, target)], output: desc(x), layout: target)
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
}
