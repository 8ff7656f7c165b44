// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Operators that ask for the shape of a tensor; with shapes that are known their results are constants.
enum ShapeQuery {
    static let operators: [Operator] = [
        query("Shape") { ($0, [$0.count]) },
        query("ShapeN") { ($0, [$0.count]) },
        query("Size") { ([$0.product], []) },
        query("Rank", typed: false) { ([$0.count], []) },
    ]

    /// - typed: whether attribute `dtype` chooses between int32 (the default) and int64.
    /// - values: the elements and the shape of the result for the shape of an input.
    private static func query(
        _ type: String, typed: Bool = true, _ values: @escaping @Sendable ([Int]) -> (values: [Int], shape: [Int])
    ) -> Operator {
        @Sendable func results(_ node: Inference) throws(GraphError) -> [Constant] {
            var dataType = DataType.int32
            if typed, let stated = node.attributes.dataType("dtype") { dataType = stated }
            guard dataType == .int32 || dataType == .int64 else {
                throw node.invalid("attribute dtype is \(dataType), expected int32 or int64")
            }
            var constants: [Constant] = []
            for slot in node.inputs.indices where type == "ShapeN" || slot == 0 {
                let (values, shape) = values(try node.known(slot).shape)
                if dataType == .int32, let wide = values.first(where: { $0 > Int(Int32.max) }) {
                    throw node.invalid("\(wide) does not fit the result's type int32")
                }
                constants.append(Constant(ints: values, shape: shape, dataType: dataType))
            }
            guard !constants.isEmpty else { throw node.invalid("input 0 is missing") }
            return constants
        }
        return Operator(
            type, infer: { node throws(GraphError) in try results(node).map(\.desc) },
            lower: { lowering in try results(lowering.inference).map { lowering.builder.constant($0) } })
    }
}
