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

    /// The coordinates of the elements that are not 0. How many there are is known before an execution for constants only.
    private static func nonZero(_ type: String) -> Operator {
        /// Whether the coordinates of one element lie together.
        @Sendable func listsElements(_ node: Inference) -> Bool { node.attributes.bool("transpose") != true }
        @Sendable func result(_ node: Inference, count: Int) throws(GraphError) -> TensorDesc {
            let x = try node.movable(0)
            guard x.dataType.bitWidth <= 64 else { throw node.invalid("input 0 has type \(x.dataType)") }
            let dataType = node.attributes.dataType("dtype") ?? .int64
            guard dataType == .int64 || dataType == .int32 else {
                throw node.invalid("attribute dtype is \(dataType), expected int32 or int64")
            }
            let rank = x.shape.count
            return try node.output(dataType, listsElements(node) ? [count, rank] : [rank, count])
        }
        @Sendable func constant(_ node: Inference) throws(GraphError) -> Constant? {
            let x = try node.known(0)
            guard x.shape.product <= Inference.largestConstant / 8, let numbers = node.constant(0)?.numbers,
                numbers.count == x.shape.product
            else { return nil }
            let strides = rowMajorStrides(x.shape)
            let found = numbers.indices.filter { numbers[$0] != 0 }
            guard found.count * x.shape.count <= Inference.largestConstant / 8 else {
                throw node.invalid("\(found.count) elements of \(x.shape.count) coordinates are too many to list")
            }
            let coordinates = x.shape.indices.map { axis in found.map { $0 / strides[axis] % x.shape[axis] } }
            let desc = try result(node, count: found.count)
            let ints =
                listsElements(node)
                ? found.indices.flatMap { element in coordinates.map { $0[element] } } : Array(coordinates.joined())
            return Constant(ints: ints, shape: desc.shape, dataType: desc.dataType)
        }
        return Operator(
            type,
            infer: { node throws(GraphError) in
                if let known = try constant(node) { return [known.desc] }
                return [try result(node, count: node.known(0).shape.product)]
            },
            lower: { lowering in
                let node = lowering.inference
                if let known = try constant(node) { return [lowering.builder.constant(known)] }
                let x = try node.input(0)
                let kernel = NonZeroKernel(
                    shape: x.shape, elementBytes: x.elementBytes, isFloatingPoint: x.dataType.isFloatingPoint,
                    listsElements: listsElements(node), isWide: lowering.outputs[0].dataType == .int64)
                return try lowering.builder.native(
                    kernel, inputs: [lowering.input(0)], outputs: lowering.outputs, countsResult: true)
            },
            countedAxes: { node in
                guard (try? constant(node)) ?? nil == nil else { return nil }
                return [listsElements(node) ? 0 : 1]
            })
    }
}
