// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// Which nodes the outputs depend on, and who reads which tensor.
struct Liveness {
    /// Indices of the live nodes, in the graph's order; NetOutput is the last of them.
    let live: [Int]
    private let flags: [Bool]
    private let consumers: [TensorRef: [(node: Int, slot: Int)]]

    init(_ graph: Graph) throws(GraphError) {
        guard let output = graph.outputNode else { throw .missingOutputNode(graph: graph.name) }
        var flags = [Bool](repeating: false, count: graph.nodes.count)
        flags[output] = true
        for index in graph.nodes.indices.reversed() where flags[index] {
            for case let ref? in graph.nodes[index].inputs { flags[ref.node] = true }
        }
        var consumers: [TensorRef: [(node: Int, slot: Int)]] = [:]
        for index in graph.nodes.indices where flags[index] {
            for (slot, ref) in graph.nodes[index].inputs.enumerated() {
                if let ref { consumers[ref, default: []].append((index, slot)) }
            }
        }
        self.flags = flags
        self.consumers = consumers
        live = graph.nodes.indices.filter { flags[$0] && $0 != output } + [output]
    }

    func isLive(_ node: Int) -> Bool { flags[node] }

    /// Whether nobody but the graph's end reads what `node` computes.
    func isReadByOutputsOnly(_ node: Int) -> Bool {
        consumers.allSatisfy { ref, readers in ref.node != node || readers.allSatisfy { $0.node == live.last } }
    }

    /// The only reader of a tensor; nil if there are several or none.
    func soleConsumer(of ref: TensorRef) -> (node: Int, slot: Int)? {
        guard let readers = consumers[ref], readers.count == 1 else { return nil }
        return readers[0]
    }
}
