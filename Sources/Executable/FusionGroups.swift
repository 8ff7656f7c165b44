// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import Operators

/// Chains of nodes that become one kernel: a leader (convolution, matrix product …) and element-wise followers, each the
/// only reader of the one before. A group is computed where its last node stands, so that all operands exist by then.
struct FusionGroups {
    struct Follower {
        let node: Int
        let operation: FollowingFunction<Int>
    }

    private var followers: [Int: [Follower]] = [:]
    private var leaderByEnd: [Int: Int] = [:]

    init(_ graph: Graph, _ liveness: Liveness, outputs: [[TensorDesc]], inference: (Int) -> Inference) {
        var absorbed = Set<Int>()
        for leader in liveness.live where !absorbed.contains(leader) {
            guard let definition = Catalogue[type: graph.nodes[leader].type] else { continue }
            var chain: [Follower] = []
            var end = leader
            while definition.fusesFollowers,
                let next = liveness.soleConsumer(of: TensorRef(end)),
                !absorbed.contains(next.node), outputs[end].count == 1, outputs[end][0].dataType == .float,
                let express = Catalogue[type: graph.nodes[next.node].type]?.asFollower,
                outputs[next.node].count == 1, outputs[next.node][0].shape == outputs[end][0].shape,
                outputs[next.node][0].dataType == .float,
                let operation = express(inference(next.node), next.slot)
            {
                chain.append(Follower(node: next.node, operation: operation))
                absorbed.insert(next.node)
                end = next.node
            }
            followers[leader] = chain
            leaderByEnd[end] = leader
        }
    }

    /// The leader of the group whose last node is `node`.
    func leader(endingAt node: Int) -> Int? { leaderByEnd[node] }

    func followers(of leader: Int) -> [Follower] { followers[leader] ?? [] }
}
