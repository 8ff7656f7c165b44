// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// Decodes a MODEL_DEF partition. The messages are those of `ge_ir.proto`; they are read where they lie, since decoding
/// them into message objects first takes several times as long.
struct ModelReader {
    private let bytes: CheckedBytes
    private var name = ""
    private var graphs: [Range<Int>] = []
    /// The model's attributes, without the tables of compressed ones.
    private var attributes: [String: Attribute] = [:]
    private var reader: AttributeReader

    init(_ bytes: CheckedBytes) throws(OfflineModelError) {
        self.bytes = bytes
        reader = AttributeReader(bytes)
        guard bytes.count <= Int32.max else {
            throw .malformedGraph("it has \(bytes.count) bytes, expected at most \(Int32.max)")
        }
        var fields = WireFields(bytes, 0..<bytes.count)
        while let field = try fields.next() {
            guard let content = field.content else { continue }
            switch field.number {
            case 1: name = try bytes.string(content)
            case 7: graphs.append(content)
            case 11: try reader.add(reader.entry(content), to: &attributes, depth: 0)
            default: continue
            }
        }
        // Kirin's converter of the early days left the model type at zero.
        if attributes.string("target_type") == "LITE" {
            throw .unsupportedKind(OfflineModelFile.kirinText("a model compiled for a Kirin phone (HiAI)"))
        }
        reader.names = AttributeNames(from: &attributes)
    }

    /// The model, and what the inputs of its NetOutput node are named after.
    /// - `weights`: the WEIGHTS_DATA partition.
    /// - `isComplete`: whether the partition must hold every graph that a node names (not so in a flow model).
    func model(
        weights: CheckedBytes, isComplete: Bool
    ) throws(OfflineModelError) -> (model: Model, outputSources: [OutputSource]) {
        guard let first = graphs.first else { throw .malformedGraph("it has no graph") }
        let constants = ConstantReader(graph: bytes, weights: weights)
        var graphReader = GraphReader(ops: OpReader(attributes: reader, constants: constants))
        let root = try graphReader.graph(first)
        var model = Model(name: name, graph: root.graph, attributes: attributes)
        for range in graphs.dropFirst() { model.subgraphs.append(try graphReader.graph(range).graph) }
        try ModelReader.checkCalls(model, isComplete: isComplete)
        return (model, root.outputSources)
    }

    /// Checks that sub-graphs have distinct names, that each one named exists, and that none calls itself.
    private static func checkCalls(_ model: Model, isComplete: Bool) throws(OfflineModelError) {
        var numbers: [String: Int] = [:]
        for (number, graph) in model.subgraphs.enumerated() {
            guard numbers.updateValue(number, forKey: graph.name) == nil else {
                throw .malformedGraph("two sub-graphs are named '\(graph.name)'")
            }
        }
        var callees: [[Int]] = []
        for graph in model.subgraphs + [model.graph] {
            var called: [Int] = []
            for node in graph.nodes {
                for name in node.subgraphs {
                    if let number = numbers[name] {
                        called.append(number)
                    } else if isComplete {
                        throw .malformedGraph(
                            "graph '\(graph.name)': node '\(node.name)' names the sub-graph '\(name)', "
                                + "which does not exist"
                        )
                    }
                }
            }
            callees.append(called)
        }
        guard topologicalOrder(producers: callees) != nil else {
            throw .malformedGraph("sub-graphs call each other in a circle")
        }
    }
}
