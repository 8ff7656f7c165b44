// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SwiftProtobuf

/// A MODEL_DEF partition, decoded.
struct ModelReader {
    private let source: IRModelDef

    init(_ bytes: CheckedBytes) throws(OfflineModelError) {
        guard bytes.count <= Int32.max else {
            throw .malformedGraph("it has \(bytes.count) bytes, expected at most \(Int32.max)")
        }
        try MessageBudget.check(bytes)
        source = try decode(IRModelDef.self, bytes) { .malformedGraph($0) }
        // Kirin's converter of the early days left the model type at zero.
        if case .s(let target)? = source.attr["target_type"], String(decoding: target, as: UTF8.self) == "LITE" {
            throw .unsupportedKind(OfflineModelFile.kirinText("a model compiled for a Kirin phone (HiAI)"))
        }
    }

    /// The model, and the producers that its NetOutput node names.
    /// - `weights`: the WEIGHTS_DATA partition.
    /// - `isComplete`: whether the partition must hold every graph that a node names (not so in a flow model).
    func model(
        weights: CheckedBytes, isComplete: Bool
    ) throws(OfflineModelError) -> (model: Model, outputSources: [OutputSource]) {
        guard let root = source.graph.first else { throw .malformedGraph("it has no graph") }
        let attributes = AttributeReader(names: AttributeNames(modelAttributes: source.attr))
        let reader = GraphReader(
            attributes: attributes, constants: ConstantReader(attributes: attributes, weights: weights))
        var model = Model(
            name: source.name, graph: try reader.graph(root),
            attributes: try attributes.attributes(source.attr, except: AttributeNames.tableNames))
        for graph in source.graph.dropFirst() { model.subgraphs.append(try reader.graph(graph)) }
        try ModelReader.checkCalls(model, isComplete: isComplete)
        let output = root.op.last { $0.type == "NetOutput" }
        let sources = zip(output?.srcName ?? [], output?.srcIndex ?? []).map { OutputSource(node: $0, output: Int($1)) }
        return (model, sources)
    }

    /// Checks that sub-graphs have distinct names, that each one named exists, and that none calls itself.
    private static func checkCalls(_ model: Model, isComplete: Bool) throws(OfflineModelError) {
        if model.subgraphs.isEmpty && !isComplete { return }
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
                            "graph '\(graph.name)': node '\(node.name)' names the sub-graph '\(name)', which does not exist")
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

/// Decodes a message, without the fields that its .proto file does not declare.
func decode<M: Message>(
    _ type: M.Type, _ bytes: CheckedBytes, failure: (String) -> OfflineModelError
) throws(OfflineModelError) -> M {
    var options = BinaryDecodingOptions()
    options.discardUnknownFields = true
    options.messageDepthLimit = MessageBudget.depthLimit
    do {
        return try bytes.withData { try M(serializedBytes: $0, options: options) }
    } catch {
        throw failure("it is not a readable \(M.protoMessageName): \(error)")
    }
}
