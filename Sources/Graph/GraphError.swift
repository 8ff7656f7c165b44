// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// Why a graph cannot be used. The text names the node and what was expected.
public enum GraphError: Error, Equatable, CustomStringConvertible {
    /// An input refers to a node or output that does not exist, or to a later node.
    case danglingInput(node: String, slot: Int)
    case duplicateName(String)
    case missingOutputNode(graph: String)
    case missingSubgraph(node: String, name: String)
    /// A node has the wrong inputs or attributes for its type.
    case invalidNode(node: String, type: String, reason: String)
    /// Operator types without an implementation, with the nodes that use them.
    case unsupportedOperators([(type: String, node: String)])

    public static func == (left: GraphError, right: GraphError) -> Bool { left.description == right.description }

    public var description: String {
        switch self {
        case .danglingInput(let node, let slot):
            "input \(slot) of node '\(node)' refers to a tensor that no earlier node produces"
        case .duplicateName(let name): "two nodes are named '\(name)'"
        case .missingOutputNode(let graph): "graph '\(graph)' has no NetOutput node"
        case .missingSubgraph(let node, let name):
            "node '\(node)' names the sub-graph '\(name)', which is not in the model"
        case .invalidNode(let node, let type, let reason): "node '\(node)' (\(type)): \(reason)"
        case .unsupportedOperators(let list):
            "no implementation for " + list.map { "\($0.type) (node '\($0.node)')" }.joined(separator: ", ")
        }
    }
}
