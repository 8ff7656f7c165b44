// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Operators that turn the order of elements around.
enum Reverse {
    static let operators: [Operator] = [reverse("ReverseV2", slot: 1), reverse("ReverseV2D", slot: nil), sequence]

    /// Along the dimensions of `axis`.
    private static func reverse(_ type: String, slot: Int?) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.movable(0)
                _ = try node.axes(node.list("axis", orInput: slot), rank: x.shape.count)
                return [try node.moved(x, x.shape)]
            },
            lower: { lowering in
                let node = lowering.inference
                let shape = lowering.outputs[0].shape
                let axes = try node.axes(node.list("axis", orInput: slot), rank: shape.count)
                let strides = rowMajorStrides(shape)
                let last = axes.reduce(0) { $0 + max(0, shape[$1] - 1) * strides[$1] }
                return try lowering.copy(
                    lowering.input(0),
                    shape.indices.map { axis in
                        CopyDimension(
                            size: shape[axis], source: axes.contains(axis) ? -strides[axis] : strides[axis],
                            target: strides[axis])
                    }, sourceOffset: last)
            })
    }

    /// The first elements along `seq_dim`, as many as the second input says for each entry along `batch_dim`.
    private static let sequence = Operator(
        "ReverseSequence",
        infer: { node throws(GraphError) in
            let x = try node.movable(0)
            let (batch, step) = try dimensions(node, rank: x.shape.count)
            _ = try node.indexType(1)
            let lengths = try node.known(1).shape
            guard lengths == [x.shape[batch]] else {
                throw node.invalid("the lengths have the shape \(lengths), expected \([x.shape[batch]])")
            }
            if let wrong = node.optionalConstantInts(1)?.first(where: { $0 < 0 || $0 > x.shape[step] }) {
                throw node.invalid("length \(wrong) is outside a dimension of size \(x.shape[step])")
            }
            return [try node.moved(x, x.shape)]
        },
        lower: { lowering in
            let x = lowering.outputs[0]
            let (batch, step) = try dimensions(lowering.inference, rank: x.shape.count)
            let (first, second) = (min(batch, step), max(batch, step))
            let kernel = ReverseSequenceKernel(
                outer: x.shape[..<first].product, first: x.shape[first],
                middle: x.shape[(first + 1)..<second].product, second: x.shape[second],
                innerBytes: x.shape[(second + 1)...].product * x.elementBytes, batchIsFirst: batch < step,
                indexType: try lowering.inference.indexType(1))
            return try lowering.native(kernel, [lowering.input(0), lowering.input(1)])
        })

    private static func dimensions(_ node: Inference, rank: Int) throws(GraphError) -> (batch: Int, step: Int) {
        guard let stated = node.attributes.int("seq_dim") else {
            throw node.invalid("attribute seq_dim is missing, expected an axis")
        }
        let step = try node.axis(stated, rank: rank)
        let batch = try node.axis(node.attributes.int("batch_dim") ?? 0, rank: rank)
        guard batch != step else { throw node.invalid("seq_dim and batch_dim are both \(step)") }
        return (batch, step)
    }
}
