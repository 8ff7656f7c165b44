// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels

/// Operators that make a tensor of one value.
enum Fill {
    static let operators: [Operator] = [
        fill("Fill", value: 1) { node throws(GraphError) in try node.list("dims", orInput: 0) },
        fill("FillD", value: 0) { node throws(GraphError) in try node.list("dims", orInput: nil) },
        like("OnesLike", 1), like("ZerosLike", 0),
    ]

    private static func fill(
        _ type: String, value slot: Int, shape: @escaping @Sendable (Inference) throws(GraphError) -> [Int]
    ) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let value = try node.movable(slot)
                let shape = try shape(node)
                guard value.elementCount == 1 else {
                    throw node.invalid("input \(slot) has the shape \(value.shape), expected a single element")
                }
                guard shape.allSatisfy({ $0 >= 0 }), shape.count <= 64 else {
                    throw node.invalid("\(shape) is not a shape")
                }
                return [try node.moved(TensorDesc(value.dataType, []), shape)]
            },
            lower: { try repeated($0.input(slot), $0) })
    }

    private static func like(_ type: String, _ number: Double) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.movable(0)
                guard Constant(number: number, dataType: x.dataType) != nil else {
                    throw node.invalid("input 0 has type \(x.dataType), expected numbers")
                }
                return [try node.moved(x, x.shape)]
            },
            lower: { lowering in
                let type = lowering.outputs[0].dataType
                guard let constant = Constant(number: number, dataType: type) else {
                    throw lowering.inference.invalid("there is no number of type \(type)")
                }
                return try repeated(lowering.builder.constant(constant), lowering)
            })
    }

    private static func repeated(_ value: Value, _ lowering: Lowering) throws -> [Value] {
        let shape = lowering.outputs[0].shape
        if shape.product == 1 { return [try lowering.builder.reshape(value, to: shape)] }
        return try lowering.copy(value, [CopyDimension(size: shape.product, source: 0, target: 1)])
    }
}
