// SPDX-License-Identifier: Apache-2.0

public import GEGraph
internal import VectorFunctions

extension ProgramBuilder {
    /// The product of rows [M, K] and a constant matrix [K, N]; nil where the matrix is not at hand, or oneDNN's is
    /// quicker.
    ///
    /// - output: descriptor of the result, whose elements are those of [M, N].
    func vectorProduct(_ a: Value, _ b: Value, bias: Value?, output: TensorDesc) throws -> Value? {
        guard desc(a).dataType == .float, let strides = constantStrides(b), !shape(a).contains(0),
            !shape(b).contains(0)
        else { return nil }
        let (rows, depth, columns) = (shape(a)[0], shape(b)[0], shape(b)[1])
        var loop = ConvolutionLoop(
            batch: 1, image: (rows, 1, depth), output: (rows, 1, columns), window: (1, 1), strides: (1, 1),
            dilations: (1, 1), padTop: 0, padLeft: 0)
        let form = WeightForm(
            kind: .panels, outputs: columns, channels: depth, window: [1], outputStride: strides[1],
            channelStride: strides[0], windowStrides: [0])
        let layout = try MemoryDescriptor(.float, output.shape)
        var inputs = [try operand(plain(a), MemoryDescriptor(.float, shape(a))).buffer, try packed(b, form)]
        var steps: [EpilogueStep] = []
        try add(bias, to: &inputs, &loop, &steps)
        try takeSteps(
            &steps, &inputs, result: output.shape, channel: output.shape.count - 1, layout: layout)
        return emit(PackedConvolutionKernel(loop, steps), inputs: inputs, output: output, layout: layout)
    }
}
