// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// Decodes a GraphDef, and resolves and checks its references.
struct GraphReader {
    var ops: OpReader

    /// A graph, and what the inputs of its NetOutput node are named after.
    struct Result {
        var graph: Graph
        var outputSources: [OutputSource]
    }

    /// The graph with its nodes in topological order, the file's order where that is one.
    mutating func graph(_ range: Range<Int>) throws(OfflineModelError) -> Result {
        var graph = Graph(name: "")
        var stored: [StoredOp] = []
        var numbers: [String: Int] = [:]
        var fields = WireFields(ops.attributes.bytes, range)
        while let field = try fields.next() {
            guard let content = field.content else { continue }
            switch field.number {
            case 1: graph.name = try ops.attributes.bytes.string(content)
            case 6:
                try OfflineModelError.checkMemory()
                if stored.count == stored.capacity {
                    try OfflineModelError.requireMemory(2 * stored.count, of: StoredOp.self)
                }
                let op = try ops.op(content)
                guard !op.node.name.isEmpty else {
                    throw .malformedGraph("graph '\(graph.name)': node \(stored.count) (\(op.node.type)) has no name")
                }
                guard numbers.updateValue(stored.count, forKey: op.node.name) == nil else {
                    throw .malformedGraph("graph '\(graph.name)': two nodes are named '\(op.node.name)'")
                }
                stored.append(op)
            case 11: try ops.attributes.add(ops.attributes.entry(content), to: &graph.attributes, depth: 0)
            default: continue
            }
        }
        graph.nodes = try GraphReader.resolved(stored, numbers, graph.name)
        let sources = stored.last { $0.node.type == "NetOutput" }?.outputSources
        guard let sources else { throw .malformedGraph("graph '\(graph.name)': there is no NetOutput node") }
        do throws(GraphError) {
            try graph.validate()
        } catch {
            throw .malformedGraph("graph '\(graph.name)': \(error)")
        }
        return Result(graph: graph, outputSources: sources)
    }

    private static func resolved(
        _ stored: [StoredOp], _ numbers: [String: Int], _ graph: String
    ) throws(OfflineModelError) -> [Node] {
        try OfflineModelError.requireMemory(stored.count, of: Node.self)
        var nodes: [Node] = []
        nodes.reserveCapacity(stored.count)
        var producers: [[Int]] = []
        producers.reserveCapacity(stored.count)
        for op in stored {
            let node = try resolved(op, numbers, graph)
            producers.append(node.inputs.compactMap { $0?.node } + node.controlInputs)
            nodes.append(node)
        }
        for node in nodes {
            for case let ref? in node.inputs where !nodes[ref.node].outputs.indices.contains(ref.output) {
                throw .malformedGraph(
                    "graph '\(graph)': node '\(node.name)' takes output \(ref.output) of '\(nodes[ref.node].name)', "
                        + "which has \(nodes[ref.node].outputs.count)")
            }
        }
        guard let order = topologicalOrder(producers: producers) else {
            throw .malformedGraph("graph '\(graph)': nodes depend on each other in a circle")
        }
        return reordered(nodes, order)
    }

    /// The node, with references by the numbers of the file's order.
    private static func resolved(
        _ op: StoredOp, _ numbers: [String: Int], _ graph: String
    ) throws(OfflineModelError) -> Node {
        var node = op.node
        node.inputs.reserveCapacity(op.inputs.count)
        for text in op.inputs {
            if text.isEmpty {
                node.inputs.append(nil)
                continue
            }
            guard let (name, output) = split(text), output >= -1 else {
                throw .malformedGraph(
                    "graph '\(graph)': input '\(text)' of node '\(node.name)' is not of the form producer:output")
            }
            guard let producer = numbers[name] else {
                throw .malformedGraph(
                    "graph '\(graph)': node '\(node.name)' takes an output of '\(name)', which does not exist")
            }
            if output < 0 {
                node.controlInputs.append(producer)
            } else {
                node.inputs.append(TensorRef(producer, output))
            }
        }
        while node.inputs.count < node.inputDescs.count { node.inputs.append(nil) }
        return node
    }

    private static func reordered(_ nodes: [Node], _ order: [Int]) -> [Node] {
        if order.indices.allSatisfy({ order[$0] == $0 }) { return nodes }
        var places = [Int](repeating: 0, count: nodes.count)
        for (place, number) in order.enumerated() { places[number] = place }
        return order.map { number in
            var node = nodes[number]
            node.inputs = node.inputs.map { ref in ref.map { TensorRef(places[$0.node], $0.output) } }
            node.controlInputs = node.controlInputs.map { places[$0] }
            return node
        }
    }

    /// `producer:output` in its parts; the producer's name may itself have colons.
    private static func split(_ text: String) -> (name: String, output: Int)? {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")), colon != text.startIndex,
            let output = Int(text[text.utf8.index(after: colon)...])
        else { return nil }
        return (String(text[..<colon]), output)
    }
}
