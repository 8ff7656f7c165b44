// SPDX-License-Identifier: Apache-2.0

public import GEGraph
import SaturatingArithmetic

/// Looking at tensors inside a graph: they become further outputs, so that nothing is fused across them and their
/// memory is not reused.
public enum Observation {
    /// The nodes that the graph's outputs depend on, in the order of execution.
    public static func liveNodes(of graph: Graph) throws(GraphError) -> [Int] {
        try Liveness(graph).live.filter { graph.nodes[$0].type != "NetOutput" }
    }

    /// The same graph with `tensors` as outputs after its own, in that order.
    /// - tensors: outputs of live nodes.
    public static func exposing(_ tensors: [TensorRef], in graph: Graph) -> Graph {
        guard let output = graph.outputNode else { return graph }
        var graph = graph
        graph.nodes[output].inputs += tensors
        graph.nodes[output].inputDescs = []
        graph.nodes[output].inputNames = []
        return graph
    }
}
