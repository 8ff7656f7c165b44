// SPDX-License-Identifier: Apache-2.0

internal import GEGraph
internal import VectorFunctions

extension ProgramBuilder {
    /// The product of rows [M, K] and a matrix [K, N], which is packed at load where it is constant.
    ///
    /// - bias: as in `matmul`. - output: descriptor of the result, whose elements are those of [M, N].
    func vectorProduct(_ a: Value, _ b: Value, bias: Value?, output: TensorDesc) throws -> Value {
        let (rows, depth, columns) = (shape(a)[0], shape(b)[0], shape(b)[1])
        var loop = ConvolutionLoop(
            batch: 1, image: (rows, 1, depth), output: (rows, 1, columns), window: (1, 1), strides: (1, 1),
            dilations: (1, 1), padTop: 0, padLeft: 0)
        let strides = constantStrides(b) ?? Layout(shape(b)).strides
        let form = WeightForm(
            kind: .panels, outputs: columns, channels: depth, window: [1], outputStride: strides[1],
            channelStride: strides[0], windowStrides: [0])
        var inputs = [try operandBuffer(a, nil), try weights(b, form)]
        var steps: [EpilogueStep] = []
        if let bias {
            if desc(bias).elementCount == columns {
                try add(reshape(bias, to: [columns]), to: &inputs, &loop, &steps)
            } else {
                followers.insert(.binary(.add, bias), at: 0)
            }
        }
        let layout = Layout(output.shape)
        try takeSteps(&steps, &inputs, result: output.shape, channel: output.shape.count - 1, layout: layout)
        return emit(PackedConvolutionKernel(loop, steps), inputs: inputs, output: output, layout: layout)
    }
}
