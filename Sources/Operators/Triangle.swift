// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Operators on the triangles and diagonals of matrices, the last two dimensions of a tensor.
enum Triangle {
    static let operators: [Operator] = [
        triangle("Trilu") { node throws(GraphError) in
            let diagonal = node.hasInput(1) ? try node.number("k", orInput: 1) : node.attributes.int("k") ?? 0
            return (diagonal, node.attributes.int("upper") ?? 0 != 0 || node.attributes.bool("upper") == true)
        },
        triangle("Triu") { node in (node.attributes.int("diagonal") ?? 0, true) },
        triangle("Tril") { node in (node.attributes.int("diagonal") ?? 0, false) },
        matrixDiag,
    ]

    /// - part: the diagonal, and whether what lies above it is kept.
    private static func triangle(
        _ type: String, _ part: @escaping @Sendable (Inference) throws(GraphError) -> (diagonal: Int, upper: Bool)
    ) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.movable(0)
                guard x.shape.count >= 2 else { throw node.invalid("the shape \(x.shape) holds no matrices") }
                _ = try part(node)
                return [try node.moved(x, x.shape)]
            },
            lower: { lowering in
                let x = lowering.outputs[0]
                let (stated, upper) = try part(lowering.inference)
                // A diagonal beyond every matrix is as good as any other of these.
                let diagonal = min(max(stated, -TensorDesc.byteLimit), TensorDesc.byteLimit)
                let rank = x.shape.count
                let kernel = TriangleKernel(
                    batch: x.shape[..<(rank - 2)].product, rows: x.shape[rank - 2], columns: x.shape[rank - 1],
                    elementBytes: x.elementBytes, diagonal: diagonal, keepsUpper: upper)
                return try lowering.native(kernel, [lowering.input(0)])
            })
    }

    /// Square matrices with the last dimension of the input on the diagonal and 0 elsewhere.
    private static let matrixDiag = Operator(
        "MatrixDiag",
        infer: { node throws(GraphError) in
            let x = try node.movable(0)
            guard let size = x.shape.last else { throw node.invalid("a scalar has no diagonal") }
            guard Constant(number: 0, dataType: x.dataType) != nil else {
                throw node.invalid("input 0 has type \(x.dataType), expected numbers")
            }
            return [try node.moved(x, x.shape + [size])]
        },
        lower: { lowering in
            let output = lowering.outputs[0]
            guard let zero = Constant(number: 0, dataType: output.dataType) else {
                throw lowering.inference.invalid("there is no number of type \(output.dataType)")
            }
            let size = output.shape[output.shape.count - 1]
            let bytes = output.elementBytes
            let clear = RegionCopyKernel.Region(
                input: 1, elementBytes: bytes,
                dimensions: [CopyDimension(size: output.shape.product, source: 0, target: 1)])
            let diagonal = RegionCopyKernel.Region(
                elementBytes: bytes,
                dimensions: [
                    CopyDimension(size: output.shape.dropLast(2).product, source: size, target: size * size),
                    CopyDimension(size: size, source: 1, target: size + 1),
                ])
            return try lowering.builder.native(
                RegionCopyKernel([clear, diagonal], inOrder: true),
                inputs: [lowering.input(0), lowering.builder.constant(zero)], outputs: [output])
        })
}
