// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Operators that choose by condition.
enum Select {
    static let operators: [Operator] = [
        select("SelectV2", broadcasts: true), select("Select", broadcasts: false), nonZero("NonZero"), nonZero("Where"),
    ]

    /// `condition ? x : y`. Select wants equal shapes of x and y, and a condition of that shape, of its first
    /// dimension, or a scalar; SelectV2 broadcasts all three.
    private static func select(_ type: String, broadcasts: Bool) -> Operator {
        /// The condition's shape as it is to be broadcast.
        @Sendable func condition(_ node: Inference, _ x: [Int]) throws(GraphError) -> [Int] {
            let shape = try node.known(0).shape
            if broadcasts || shape.isEmpty || shape == x { return shape }
            if shape == [1] { return [] }
            guard shape.count == 1, shape[0] == x.first else {
                throw node.invalid("the condition's shape \(shape) does not fit the shape \(x)")
            }
            return shape + [Int](repeating: 1, count: x.count - 1)
        }
        return Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.movable(1)
                let y = try node.movable(2)
                try node.checkSameType([1, 2])
                guard try node.input(0).dataType == .bool else {
                    throw node.invalid("input 0 has type \(try node.input(0).dataType), expected bool")
                }
                guard broadcasts || x.shape == y.shape else {
                    throw node.invalid("inputs 1 and 2 have the shapes \(x.shape) and \(y.shape), expected one shape")
                }
                let shape = try node.broadcast(node.broadcast(condition(node, x.shape), x.shape), y.shape)
                return [try node.moved(x, shape)]
            },
            lower: { lowering in
                let node = lowering.inference
                let (x, y) = (try node.input(1), try node.input(2))
                let kernel = SelectKernel(
                    elementBytes: x.elementBytes, condition: try condition(node, x.shape), first: x.shape,
                    second: y.shape, output: lowering.outputs[0].shape)
                return try lowering.native(kernel, [lowering.input(0), lowering.input(1), lowering.input(2)])
            })
    }

    /// The coordinates of the elements that are not 0. How many there are is known for constants only; the operator is
    /// refused for anything else.
    private static func nonZero(_ type: String) -> Operator {
        @Sendable func result(_ node: Inference) throws(GraphError) -> Constant {
            let x = try node.known(0)
            guard x.shape.product <= Inference.largestConstant / 8, let numbers = node.constants.first??.numbers,
                numbers.count == x.shape.product
            else {
                throw node.invalid("the shape of the result depends on the elements of the input, which is no constant")
            }
            let strides = rowMajorStrides(x.shape)
            let found = numbers.indices.filter { numbers[$0] != 0 }
            guard found.count * x.shape.count <= Inference.largestConstant / 8 else {
                throw node.invalid("\(found.count) elements of \(x.shape.count) coordinates are too many to list")
            }
            let coordinates = x.shape.indices.map { axis in found.map { $0 / strides[axis] % x.shape[axis] } }
            let dataType = node.attributes.dataType("dtype") ?? .int64
            guard dataType == .int64 || dataType == .int32 else {
                throw node.invalid("attribute dtype is \(dataType), expected int32 or int64")
            }
            if node.attributes.bool("transpose") == true {
                return Constant(
                    ints: Array(coordinates.joined()), shape: [x.shape.count, found.count], dataType: dataType)
            }
            return Constant(
                ints: found.indices.flatMap { element in coordinates.map { $0[element] } },
                shape: [found.count, x.shape.count], dataType: dataType)
        }
        return Operator(
            type, infer: { node throws(GraphError) in [try result(node).desc] },
            lower: { lowering in [lowering.builder.constant(try result(lowering.inference))] })
    }
}
