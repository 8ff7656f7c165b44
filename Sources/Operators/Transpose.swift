// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels

/// Operators that change the order of dimensions: dimension i of the result is dimension `perm[i]` of the input.
enum Transpose {
    static let operators: [Operator] = [
        transpose("Transpose", attribute: "perm", slot: 1), transpose("TransposeD", attribute: "perm", slot: nil),
        transpose("Permute", attribute: "order", slot: nil),
    ]

    private static func transpose(_ type: String, attribute: String, slot: Int?) -> Operator {
        @Sendable func permutation(_ node: Inference, rank: Int) throws(GraphError) -> [Int] {
            let stated = try node.list(attribute, orInput: slot)
            let permutation = try node.axes(stated, rank: rank)
            guard permutation.count == rank else {
                throw node.invalid("\(attribute) is \(stated), expected an order of \(rank) dimensions")
            }
            return permutation
        }
        return Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.movable(0)
                return [try node.moved(x, permutation(node, rank: x.shape.count).map { x.shape[$0] })]
            },
            lower: { lowering in
                let x = try lowering.input(0)
                let permutation = try permutation(lowering.inference, rank: lowering.outputs[0].shape.count)
                return [try lowering.builder.transpose(x, permutation)]
            })
    }
}
