// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic
import SwiftProtobuf

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Graphs → protobuf graphs, with the constants moved to the weights.
struct GraphWriter {
    private(set) var weights = WeightsLayout()

    mutating func write(_ graph: Graph) throws(OfflineModelError) -> IRGraphDef {
        do {
            try graph.validate()
        } catch {
            throw .malformedGraph("graph '\(graph.name)': \(error)")
        }
        var message = IRGraphDef()
        message.name = graph.name
        message.attr = try IRAttrEntry.entries(graph.attributes, where: "graph '\(graph.name)'")
        let inputs = graph.inputNodes
        message.input = inputs.map { "\(graph.nodes[$0].name):0" }
        let indices = Dictionary(uniqueKeysWithValues: inputs.enumerated().map { ($0.element, $0.offset) })
        // What consumers state about a constant input.
        var offsets: [Int: Int] = [:]
        for (number, node) in graph.nodes.enumerated() {
            var node = node
            if let index = indices[number] { GraphWriter.complete(&node, index: index) }
            var op = try op(node, number: number, in: graph, constantOffsets: offsets)
            if let constant = node.constant {
                let (tensor, offset) = try self.constant(constant, of: node)
                op.attr.append(IRAttrEntry("value", .with { $0.t = tensor }))
                offsets[number] = offset
            }
            message.op.append(op)
        }
        return message
    }

    /// Gives a Data node what GE's has: its index, and an input with the descriptor of the output.
    private static func complete(_ node: inout Node, index: Int) {
        node.attributes["index"] = node.attributes["index"] ?? .int(Int64(index))
        if node.inputs.isEmpty { node.inputs = [nil] }
        if node.inputDescs.isEmpty { node.inputDescs = Array(node.outputs.prefix(1)) }
    }

    private func op(
        _ node: Node, number: Int, in graph: Graph, constantOffsets: [Int: Int]
    ) throws(OfflineModelError) -> IROpDef {
        let place = "node '\(node.name)'"
        var op = IROpDef()
        op.name = node.name
        op.type = node.type
        op.id = Int64(number)
        op.subgraphName = node.subgraphs
        var attributes = node.attributes
        if node.constant != nil { attributes["value"] = nil }
        op.attr = try IRAttrEntry.entries(attributes, where: place)
        for (slot, ref) in node.inputs.enumerated() {
            op.input.append(ref.map { "\(graph.nodes[$0.node].name):\($0.output)" } ?? "")
            op.inputDesc.append(try inputDesc(slot, of: node, in: graph, constantOffsets))
        }
        if node.inputs.contains(where: { $0.map { constantOffsets[$0.node] != nil } ?? false }) {
            op.isInputConst = node.inputs.map { $0.map { constantOffsets[$0.node] != nil } ?? false }
        }
        for producer in node.controlInputs { op.input.append("\(graph.nodes[producer].name):-1") }
        for desc in node.outputs { op.outputDesc.append(try IRTensorDescriptor(desc, where: place)) }
        GraphWriter.addNames(node.inputNames, "_input_name_key", "_input_name_value", to: &op)
        GraphWriter.addNames(node.outputNames, "_output_name_key", "_output_name_value", to: &op)
        if node.type == "NetOutput" {
            let sources = node.inputs.compactMap { $0 }
            op.srcName = sources.map { graph.nodes[$0.node].name }
            op.srcIndex = sources.map { Int64($0.output) }
        }
        return op
    }

    private func inputDesc(
        _ slot: Int, of node: Node, in graph: Graph, _ constantOffsets: [Int: Int]
    ) throws(OfflineModelError) -> IRTensorDescriptor {
        var desc = IRTensorDescriptor.absent
        if node.inputDescs.indices.contains(slot) {
            desc = try IRTensorDescriptor(node.inputDescs[slot], where: "node '\(node.name)'")
        } else if let ref = node.inputs[slot] {
            desc = try IRTensorDescriptor(graph.desc(of: ref), where: "node '\(node.name)'")
        }
        if let ref = node.inputs[slot], let offset = constantOffsets[ref.node] { desc.dataOffset = Int64(offset) }
        return desc
    }

    /// The value of a Const node, with its elements in the weights.
    private mutating func constant(
        _ constant: Constant, of node: Node
    ) throws(OfflineModelError) -> (tensor: IRTensorDef, offset: Int) {
        guard case .inline(let bytes) = constant.data else {
            throw .malformedWeights("the elements of '\(node.name)' are not in the graph, expected an inline constant")
        }
        guard let needed = constant.desc.byteCount, needed == bytes.count || constant.desc.dataType.bitWidth == 0 else {
            throw .malformedWeights(
                "constant '\(node.name)' has \(bytes.count) bytes, its shape \(constant.desc.shape) needs "
                    + "\(constant.desc.byteCount.map(String.init) ?? "to be fixed")")
        }
        var tensor = IRTensorDef()
        tensor.desc = try IRTensorDescriptor(constant.desc, where: "node '\(node.name)'")
        if bytes.isEmpty { return (tensor, 0) }
        let offset = weights.place(bytes)
        tensor.desc.dataOffset = Int64(offset)
        tensor.desc.weightSize = Int64(bytes.count)
        return (tensor, offset)
    }

    private static func addNames(_ names: [String], _ keyTable: String, _ valueTable: String, to op: inout IROpDef) {
        let named = names.indices.filter { !names[$0].isEmpty }
        if named.isEmpty { return }
        op.attr.append(IRAttrEntry(keyTable, .untyped { $0.s = named.map { Data(names[$0].utf8) } }))
        op.attr.append(IRAttrEntry(valueTable, .untyped { $0.i = named.map { Int64($0) } }))
    }
}
