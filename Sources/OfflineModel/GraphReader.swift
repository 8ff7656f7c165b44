// SPDX-License-Identifier: Apache-2.0

import GEGraph

/// Protobuf graphs → graphs whose references are resolved and checked.
struct GraphReader {
    let attributes: AttributeReader
    let constants: ConstantReader

    /// The name tables, which become `inputNames` and `outputNames`.
    private static let nameTables: Set<String> = [
        "_input_name_key", "_input_name_value", "_output_name_key", "_output_name_value",
    ]

    /// The graph with its nodes in topological order, the file's order where that is one.
    func graph(_ source: IRGraphDef) throws(OfflineModelError) -> Graph {
        let ops = source.op
        var numbers = [String: Int](minimumCapacity: ops.count)
        for (number, op) in ops.enumerated() {
            guard !op.name.isEmpty else { throw error(source, "node \(number) (\(op.type)) has no name") }
            guard numbers.updateValue(number, forKey: op.name) == nil else {
                throw error(source, "two nodes are named '\(op.name)'")
            }
        }
        var nodes: [Node] = []
        nodes.reserveCapacity(ops.count)
        var producers: [[Int]] = []
        producers.reserveCapacity(ops.count)
        for op in ops {
            let node = try node(op, in: source, numbers)
            producers.append(node.inputs.compactMap { $0?.node } + node.controlInputs)
            nodes.append(node)
        }
        for node in nodes {
            for case let ref? in node.inputs where !nodes[ref.node].outputs.indices.contains(ref.output) {
                throw error(
                    source, "node '\(node.name)' takes output \(ref.output) of '\(nodes[ref.node].name)', which has "
                        + "\(nodes[ref.node].outputs.count)")
            }
        }
        guard let order = topologicalOrder(producers: producers) else {
            throw error(source, "nodes depend on each other in a circle")
        }
        var graph = Graph(name: source.name, attributes: try attributes.attributes(source.attr))
        graph.nodes = GraphReader.reordered(nodes, order)
        guard graph.outputNode != nil else { throw error(source, "there is no NetOutput node") }
        return graph
    }

    private static func reordered(_ nodes: [Node], _ order: [Int]) -> [Node] {
        if order == Array(nodes.indices) { return nodes }
        var places = [Int](repeating: 0, count: nodes.count)
        for (place, number) in order.enumerated() { places[number] = place }
        return order.map { number in
            var node = nodes[number]
            node.inputs = node.inputs.map { ref in ref.map { TensorRef(places[$0.node], $0.output) } }
            node.controlInputs = node.controlInputs.map { places[$0] }
            return node
        }
    }

    /// The node, with references by the numbers of the file's order.
    private func node(
        _ op: IROpDef, in source: IRGraphDef, _ numbers: [String: Int]
    ) throws(OfflineModelError) -> Node {
        var node = Node(name: op.name, type: op.type, subgraphs: op.subgraphName)
        for text in op.input {
            if text.isEmpty {
                node.inputs.append(nil)
                continue
            }
            guard let (name, output) = GraphReader.split(text), output >= -1 else {
                throw error(source, "input '\(text)' of node '\(op.name)' is not of the form producer:output")
            }
            guard let producer = numbers[name] else {
                throw error(source, "node '\(op.name)' takes an output of '\(name)', which does not exist")
            }
            if output < 0 { node.controlInputs.append(producer) } else { node.inputs.append(TensorRef(producer, output)) }
        }
        for item in op.inputDesc { node.inputDescs.append(try attributes.desc(item)) }
        for item in op.outputDesc { node.outputs.append(try attributes.desc(item)) }
        while node.inputs.count < node.inputDescs.count { node.inputs.append(nil) }
        node.inputNames = GraphReader.names(op, "_input_name_key", "_input_name_value", count: node.inputs.count)
        node.outputNames = GraphReader.names(op, "_output_name_key", "_output_name_value", count: node.outputs.count)
        node.attributes = try attributes.attributes(op.attr, except: GraphReader.nameTables)
        if node.type == "Const" || node.type == "Constant" { try readValue(of: &node, op) }
        return node
    }

    private func readValue(of node: inout Node, _ op: IROpDef) throws(OfflineModelError) {
        for entry in op.attr {
            guard case .t(let tensor)? = entry.value.value else { continue }
            guard try attributes.names?.expand(entry.key).name ?? entry.key == "value" else { continue }
            node.attributes["value"] = .tensor(try constants.constant(tensor, of: op.name))
        }
    }

    /// `producer:output` in its parts; the producer's name may itself have colons.
    static func split(_ text: String) -> (name: String, output: Int)? {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")), colon != text.startIndex,
            let output = Int(text[text.utf8.index(after: colon)...])
        else { return nil }
        return (String(text[..<colon]), output)
    }

    /// The names of the slots by their numbers; empty if the node has no such table.
    private static func names(_ op: IROpDef, _ keyTable: String, _ valueTable: String, count: Int) -> [String] {
        guard count > 0, case .list(let keys)? = op.attr[keyTable],
            case .list(let slots)? = op.attr[valueTable]
        else { return [] }
        var names = [String](repeating: "", count: count)
        for (key, slot) in zip(keys.s, slots.i) where slot >= 0 && slot < count {
            names[Int(slot)] = String(decoding: key, as: UTF8.self)
        }
        return names
    }

    private func error(_ graph: IRGraphDef, _ text: String) -> OfflineModelError {
        .malformedGraph("graph '\(graph.name)': \(text)")
    }
}
