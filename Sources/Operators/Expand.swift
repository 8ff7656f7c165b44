// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Operators that repeat a tensor along dimensions.
enum Expand {
    static let operators: [Operator] = [
        expand("Expand", slot: 1), expand("ExpandD", slot: nil), expand("BroadcastTo", slot: 1),
        expand("BroadcastToD", slot: nil), tile("Tile", slot: 1), tile("TileD", slot: nil),
    ]

    /// Broadcasting to a shape; as in ONNX the input may also be the larger one in a dimension. −1 keeps a dimension.
    private static func expand(_ type: String, slot: Int?) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.movable(0)
                var wanted = try node.list("shape", orInput: slot)
                let asked = wanted
                for index in wanted.indices where wanted[index] == -1 {
                    let axis = index - wanted.count + x.shape.count
                    guard axis >= 0 else {
                        throw node.invalid("shape \(asked) keeps a dimension that the shape \(x.shape) does not have")
                    }
                    wanted[index] = x.shape[axis]
                }
                guard wanted.allSatisfy({ $0 >= 0 }), wanted.count <= 64 else {
                    throw node.invalid("shape \(asked) is not a shape")
                }
                return [try node.moved(x, node.broadcast(x.shape, wanted))]
            },
            lower: { lowering in
                let x = try lowering.input(0)
                let output = lowering.outputs[0].shape
                let shape = lowering.builder.shape(x)
                if shape.product == output.product { return [try lowering.builder.reshape(x, to: output)] }
                let source = rowMajorStrides(shape)
                let target = rowMajorStrides(output)
                return try lowering.copy(
                    x,
                    output.indices.map { axis in
                        let inner = axis - output.count + shape.count
                        let isRepeated = inner < 0 || shape[inner] == 1
                        return CopyDimension(
                            size: output[axis], source: isRepeated ? 0 : source[inner], target: target[axis])
                    })
            })
    }

    /// The whole tensor, `multiples` times along each dimension.
    private static func tile(_ type: String, slot: Int?) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.movable(0)
                let multiples = try node.list("multiples", orInput: slot)
                guard multiples.count == x.shape.count, multiples.allSatisfy({ $0 >= 0 }) else {
                    throw node.invalid("multiples is \(multiples), expected \(x.shape.count) numbers of at least 0")
                }
                var shape: [Int] = []
                for (size, multiple) in zip(x.shape, multiples) {
                    let (product, overflow) = size.multipliedReportingOverflow(by: multiple)
                    guard !overflow else { throw node.invalid("\(size) times \(multiple) is too large") }
                    shape.append(product)
                }
                return [try node.moved(x, shape)]
            },
            lower: { lowering in
                let x = try lowering.input(0)
                let output = lowering.outputs[0].shape
                let shape = lowering.builder.shape(x)
                if shape == output { return [x] }
                guard !output.contains(0) else {
                    return try lowering.copy(x, [CopyDimension(size: 0, source: 1, target: 1)])
                }
                let source = rowMajorStrides(shape)
                let target = rowMajorStrides(output)
                return try lowering.copy(
                    x,
                    output.indices.flatMap { axis in
                        [
                            CopyDimension(
                                size: output[axis] / shape[axis], source: 0, target: target[axis] * shape[axis]),
                            CopyDimension(size: shape[axis], source: source[axis], target: target[axis]),
                        ]
                    })
            })
    }
}
