// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Operators that join tensors along a dimension, one that is there or a new one.
enum Concat {
    static let operators: [Operator] = [
        concat("ConcatD") { node throws(GraphError) in
            (try node.number("concat_dim", orInput: nil), node.inputs.indices)
        },
        concat("ConcatV2D") { node throws(GraphError) in
            (try node.number("concat_dim", orInput: nil), node.inputs.indices)
        },
        concat("Concat") { node throws(GraphError) in
            (try node.number("concat_dim", orInput: 0), node.inputs.indices.dropFirst())
        },
        concat("ConcatV2") { node throws(GraphError) in
            (try node.number("concat_dim", orInput: node.inputs.count - 1), node.inputs.indices.dropLast())
        },
        pack,
    ]

    /// - parts: the axis as stated and the input slots that are joined.
    private static func concat(
        _ type: String, parts: @escaping @Sendable (Inference) throws(GraphError) -> (axis: Int, slots: Range<Int>)
    ) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let (stated, slots) = try parts(node)
                guard let first = slots.first else { throw node.invalid("there is nothing to join") }
                try node.checkSameType(Array(slots))
                let x = try node.movable(first)
                let axis = try node.axis(stated, rank: x.shape.count)
                var shape = x.shape
                for slot in slots.dropFirst() {
                    let other = try node.movable(slot).shape
                    guard other.count == shape.count, shape.indices.allSatisfy({ $0 == axis || shape[$0] == other[$0] })
                    else {
                        throw node.invalid(
                            "inputs \(first) and \(slot) have the shapes \(x.shape) and \(other), "
                                + "expected equal ones but for dimension \(axis)")
                    }
                    let (sum, overflow) = shape[axis].addingReportingOverflow(other[axis])
                    guard !overflow else { throw node.invalid("the joined dimension is too large") }
                    shape[axis] = sum
                }
                return [try node.moved(x, shape)]
            },
            lower: { lowering in
                let (stated, slots) = try parts(lowering.inference)
                var values: [Value] = []
                for slot in slots { values.append(try lowering.input(slot)) }
                let output = lowering.outputs[0]
                let axis = try lowering.inference.axis(stated, rank: output.shape.count)
                return [try join(values, axis: axis, output, lowering.builder)]
            })
    }

    private static func join(_ values: [Value], axis: Int, _ output: TensorDesc, _ builder: ProgramBuilder) throws
        -> Value
    {
        let filled = values.filter { builder.shape($0)[axis] > 0 }
        guard filled.count > 1 else {
            return try builder.reshape(filled.first ?? values[0], to: output.shape)
        }
        return try builder.concat(filled, axis: axis, output: output)
    }

    /// Stacks tensors of one shape along a new dimension `axis`.
    private static let pack = Operator(
        "Pack",
        infer: { node throws(GraphError) in
            guard !node.inputs.isEmpty else { throw node.invalid("there is nothing to join") }
            let slots = Array(node.inputs.indices)
            try node.checkSameType(slots)
            let x = try node.movable(0)
            for slot in slots.dropFirst() where try node.movable(slot).shape != x.shape {
                throw node.invalid(
                    "inputs 0 and \(slot) have the shapes \(x.shape) and \(try node.input(slot).shape), "
                        + "expected one shape"
                )
            }
            let axis = try node.axis(node.attributes.int("axis") ?? 0, rank: x.shape.count + 1)
            return [try node.moved(x, x.shape[..<axis] + [slots.count] + x.shape[axis...])]
        },
        lower: { lowering in
            let output = lowering.outputs[0]
            let axis = try lowering.inference.axis(lowering.attributes.int("axis") ?? 0, rank: output.shape.count)
            var slice = output.shape
            slice[axis] = 1
            var values: [Value] = []
            for slot in lowering.inputs.indices {
                values.append(try lowering.builder.reshape(lowering.input(slot), to: slice))
            }
            return [try join(values, axis: axis, output, lowering.builder)]
        })
}
