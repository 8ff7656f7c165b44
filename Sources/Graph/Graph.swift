// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// A graph of GE operators. `nodes` is in a topological order: each node comes after the producers of its inputs.
///
/// Inputs are the `Data` nodes, in the order of their attribute `index`; outputs are the inputs of the one `NetOutput`.
public struct Graph: Equatable, Sendable {
    public var name: String
    public var nodes: [Node]
    public var attributes: [String: Attribute]

    public init(name: String, nodes: [Node] = [], attributes: [String: Attribute] = [:]) {
        self.name = name
        self.nodes = nodes
        self.attributes = attributes
    }

    /// Appends a node and returns a reference to its first output.
    @discardableResult
    public mutating func append(_ node: Node) -> TensorRef {
        nodes.append(node)
        return TensorRef(nodes.count - 1)
    }

    /// The types of nodes through which data enters a graph.
    public static let dataTypes: Set<String> = ["Data", "AippData", "AnnData"]

    /// Indices of the input nodes in the order in which a caller passes them (attribute `index`, else file order).
    public var inputNodes: [Int] {
        nodes.indices.filter { Graph.dataTypes.contains(nodes[$0].type) }.enumerated()
            .map { (order: nodes[$0.element].attributes.int("index") ?? $0.offset, node: $0.element) }
            .sorted { ($0.order, $0.node) < ($1.order, $1.node) }
            .map(\.node)
    }

    /// Index of the NetOutput node; nil in a graph that has none.
    public var outputNode: Int? { nodes.lastIndex { $0.type == "NetOutput" } }

    public func desc(of ref: TensorRef) -> TensorDesc { nodes[ref.node].outputs[ref.output] }
}

/// A model: the root graph, the graphs that its control-flow nodes name, and what the model says of itself.
public struct Model: Equatable, Sendable {
    public var name: String
    public var graph: Graph
    public var subgraphs: [Graph]
    public var attributes: [String: Attribute]

    public init(name: String, graph: Graph, subgraphs: [Graph] = [], attributes: [String: Attribute] = [:]) {
        self.name = name
        self.graph = graph
        self.subgraphs = subgraphs
        self.attributes = attributes
    }
}
