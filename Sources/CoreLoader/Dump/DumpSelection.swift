// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph

/// Which tensors of a model are dumped.
struct DumpSelection: Sendable {
    /// One operator with something to dump.
    struct Operator: Sendable {
        let name: String
        let type: String
        /// Its place in the order of execution.
        let task: Int
        let inputs: [Slot]
        let outputs: [Slot]
    }

    struct Slot: Sendable {
        /// The number of the operator's input or output.
        let index: Int
        /// Which of `tensors` it is.
        let tensor: Int
        /// Format and origin as the file has them; type and shape are those of the execution.
        let desc: TensorDesc
    }

    private(set) var operators: [Operator] = []
    /// Every tensor once.
    private(set) var tensors: [TensorRef] = []

    private static let constantTypes: Set<String> = ["Const", "Constant", "FileConstant"]

    init(
        _ graph: Graph, filters: [DumpSettings.ModelFilter], mode: DumpSettings.Mode
    ) throws(GraphError) {
        let live = try Observation.liveNodes(of: graph)
        let computing = live.filter {
            !Self.constantTypes.contains(graph.nodes[$0].type) && !Graph.dataTypes.contains(graph.nodes[$0].type)
        }
        var chosen: [(node: Int, filters: [DumpSettings.ModelFilter])] = computing.compactMap { index in
            let matching = filters.filter { $0.selects(index, in: graph) }
            return matching.isEmpty ? nil : (index, matching)
        }
        // Inputs of the model are dumped with the operators that read them.
        let readers = Set(chosen.flatMap { graph.nodes[$0.node].inputs.compactMap { $0?.node } })
        chosen += live.filter { readers.contains($0) && Graph.dataTypes.contains(graph.nodes[$0].type) }
            .map { ($0, [DumpSettings.ModelFilter()]) }
        let order = Dictionary(uniqueKeysWithValues: live.enumerated().map { ($0.element, $0.offset) })
        chosen.sort { (order[$0.node] ?? 0) < (order[$1.node] ?? 0) }

        var numbers: [TensorRef: Int] = [:]
        var tensors: [TensorRef] = []
        func number(_ ref: TensorRef) -> Int {
            if let number = numbers[ref] { return number }
            numbers[ref] = tensors.count
            tensors.append(ref)
            return tensors.count - 1
        }
        for (index, filters) in chosen {
            let node = graph.nodes[index]
            var inputs: [Slot] = []
            var outputs: [Slot] = []
            if mode != .output {
                for case (let slot, let ref?) in node.inputs.enumerated()
                where filters.contains(where: { !$0.excludes("input\(slot)", of: node) }) {
                    let desc = node.inputDescs.indices.contains(slot) ? node.inputDescs[slot] : graph.desc(of: ref)
                    inputs.append(Slot(index: slot, tensor: number(ref), desc: desc))
                }
            }
            if mode != .input {
                for (slot, desc) in node.outputs.enumerated()
                where filters.contains(where: { !$0.excludes("output\(slot)", of: node) }) {
                    outputs.append(Slot(index: slot, tensor: number(TensorRef(index, slot)), desc: desc))
                }
            }
            guard !inputs.isEmpty || !outputs.isEmpty else { continue }
            operators.append(
                Operator(name: node.name, type: node.type, task: order[index] ?? 0, inputs: inputs, outputs: outputs))
        }
        self.tensors = tensors
    }
}

extension Node {
    /// The node's own name, and those of the operators in the original network that went into it.
    fileprivate var allNames: [String] { [name] + (attributes.strings("_datadump_original_op_names") ?? []) }
}

extension DumpSettings.ModelFilter {
    fileprivate func selects(_ index: Int, in graph: Graph) -> Bool {
        let names = graph.nodes[index].allNames
        let isInRange = ranges.contains { range in
            guard let begin = graph.nodes.firstIndex(where: { $0.name == range.begin }),
                let end = graph.nodes.firstIndex(where: { $0.name == range.end })
            else { return false }
            return begin <= index && index <= end
        }
        if isInRange { return true }
        guard let layers else { return ranges.isEmpty }
        return names.contains { layers.contains($0) }
    }

    fileprivate func excludes(_ position: String, of node: Node) -> Bool {
        typeBlacklist.contains { $0.name == node.type && $0.positions.contains(position) }
            || nameBlacklist.contains { $0.name == node.name && $0.positions.contains(position) }
    }
}
