// SPDX-License-Identifier: Apache-2.0

internal import GEGraph
internal import VectorFunctions

extension ProgramBuilder {
    /// The product of rows [M, K] and a constant matrix [K, N], which is packed at load.
    ///
    /// - bias: as in `matmul`. - output: descriptor of the result, whose elements are those of [M, N].
    func constantProduct(_ a: Value, _ b: Value, bias: Value?, output: TensorDesc) throws -> Value {
        let (rows, depth, columns) = (shape(a)[0], shape(b)[0], shape(b)[1])
        var loop = ConvolutionLoop(
            batch: 1, image: (rows, 1, depth), output: (rows, 1, columns), window: (1, 1), strides: (1, 1),
            dilations: (1, 1), padTop: 0, padLeft: 0)
        let strides = layout(of: b).strides
        let form = WeightForm(
            kind: .panels, outputs: columns, channels: depth, window: [1], outputStride: strides[1],
            channelStride: strides[0], windowStrides: [0])
        var inputs = [try operandBuffer(a, nil), try packed(b, form)]
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
        return emit(VectorConvolutionKernel(.direct, [loop], steps), inputs: inputs, output: output, layout: layout)
    }

    /// The products [batch…, M, N] of matrices [batch…, M, K] and [batch…, K, N], the elements of which may lie at any steps.
    func product(_ a: Value, _ b: Value, output: TensorDesc) throws -> Value {
        var (left, right, result) = (a, b, output.shape)
        let rows = [result.dropLast().reduce(1, *), shape(a)[shape(a).count - 1]]
        if shape(b).dropLast(2).allSatisfy({ $0 == 1 }), layout(of: a).reshaped(rows) != nil {
            // One matrix for the whole batch: the batch's rows are rows of one tall matrix.
            left = try reshape(a, to: rows)
            right = try reshape(b, to: Array(shape(b).suffix(2)))
            result = [rows[0], result[result.count - 1]]
        }
        func operand(_ value: Value) throws -> (buffer: Int, layout: Layout) {
            let missing = result.count - shape(value).count
            let value = try reshape(value, to: [Int](repeating: 1, count: missing) + shape(value))
            // A constant is stored as it is used.
            let layout = isConstant(value) ? Layout(shape(value)) : self.layout(of: value)
            return (try operandBuffer(value, layout), layout)
        }
        let (first, second) = (try operand(left), try operand(right))
        var inputs = [first.buffer, second.buffer]
        let layout = Layout(output.shape)
        var steps: [EpilogueStep] = []
        try takeSteps(&steps, &inputs, result: output.shape, channel: output.shape.count - 1, layout: layout)
        let kernel = VectorProductKernel(first.layout, second.layout, output: result, steps)
        return emit(kernel, inputs: inputs, output: output, layout: layout)
    }
}
