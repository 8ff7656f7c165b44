// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic
import SystemMemory

/// What all regions of one model have in common.
@safe
final class RegionContext {
    let weightBytes: Int
    let constants: ConstantStore
    private let weights: UnsafeRawBufferPointer
    private let subgraphs: [String: Graph]
    /// Bytes of the model's constants: what may be folded grows with it.
    private let modelBytes: Int

    /// Safety: `weights`, the model's weights partition, can be read as long as the context lives.
    init(_ model: Model, weights: UnsafeRawBufferPointer) {
        weightBytes = weights.count
        unsafe self.weights = weights
        constants = unsafe ConstantStore(weights: weights)
        subgraphs = Dictionary(model.subgraphs.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        modelBytes = ([model.graph] + model.subgraphs).reduce(weights.count) { sum, graph in
            graph.nodes.reduce(sum) { $0 + ($1.constant?.desc.byteCount ?? 0) }
        }
    }

    /// What one region may compute ahead of its executions.
    var budget: FoldingBudget { FoldingBudget(modelBytes: modelBytes) }

    /// The graph that `node` names as its body `index`.
    func subgraph(_ index: Int, of node: Node) throws(GraphError) -> Graph {
        guard node.subgraphs.indices.contains(index), let graph = subgraphs[node.subgraphs[index]] else {
            throw .missingSubgraph(
                node: node.name, name: node.subgraphs.indices.contains(index) ? node.subgraphs[index] : "\(index)")
        }
        return graph
    }

    /// A constant with its elements; nil for one in the weights that is too large to look at.
    func inlined(_ constant: Constant) -> Constant? {
        guard case .weights(let range) = constant.data else { return constant }
        guard range.count <= 8 << 16, range.upperBound <= weightBytes else { return nil }
        return unsafe Constant(constant.desc, .inline(Array(weights[range])))
    }
}
