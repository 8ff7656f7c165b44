// SPDX-License-Identifier: Apache-2.0

import GEGraph

/// Stands for a branch that cannot be computed with the shapes of a model: an execution that takes it fails with the reason.
///
/// Models that decide by a value which shapes are right, such as those of one network for two sample rates, have a branch
/// that fits and another one that does not. In our own files only.
enum RefusedBranch {
    static let operators: [Operator] = [
        Operator(
            "RefusedBranch", infer: { node throws(GraphError) in throw refusal(node) },
            lower: { throw refusal($0.inference) })
    ]

    private static func refusal(_ node: Inference) -> GraphError {
        node.invalid("this branch cannot be executed. \(node.attributes.string("reason") ?? "")")
    }
}
