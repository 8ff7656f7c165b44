// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Operators that turn indices into rows with one value at the index and another elsewhere.
enum OneHot {
    static let operators: [Operator] = [
        oneHot("OneHot", values: 2) { node throws(GraphError) in try node.number("depth", orInput: 1) },
        oneHot("OneHotD", values: 1) { node throws(GraphError) in try node.number("depth", orInput: nil) },
    ]

    /// - values: slot of the value for on, followed by the one for off.
    private static func oneHot(
        _ type: String, values: Int, depth: @escaping @Sendable (Inference) throws(GraphError) -> Int
    ) -> Operator {
        @Sendable func axis(_ node: Inference, rank: Int) throws(GraphError) -> Int {
            try node.axis(node.attributes.int("axis") ?? -1, rank: rank + 1)
        }
        return Operator(
            type,
            infer: { node throws(GraphError) in
                let indices = try node.known(0).shape
                _ = try node.indexType(0)
                try node.checkSameType([values, values + 1])
                for slot in values...values + 1 where try node.movable(slot).elementCount != 1 {
                    throw node.invalid("input \(slot) is not a single value")
                }
                let depth = try depth(node)
                guard depth >= 0 else { throw node.invalid("the depth is \(depth), expected at least 0") }
                let axis = try axis(node, rank: indices.count)
                let value = TensorDesc(try node.input(values).dataType, [])
                return [try node.moved(value, indices[..<axis] + [depth] + indices[axis...])]
            },
            lower: { lowering in
                let node = lowering.inference
                let indices = try node.input(0).shape
                let axis = try axis(node, rank: indices.count)
                let kernel = OneHotKernel(
                    outer: indices[..<axis].product, depth: try depth(node), inner: indices[axis...].product,
                    elementBytes: lowering.outputs[0].elementBytes, indexType: try node.indexType(0))
                return try lowering.native(
                    kernel, [lowering.input(0), lowering.input(values), lowering.input(values + 1)])
            })
    }
}
