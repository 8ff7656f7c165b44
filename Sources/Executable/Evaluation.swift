// SPDX-License-Identifier: Apache-2.0

public import GEGraph
import SaturatingArithmetic
import SystemMemory

/// Computes nodes on constants, with the same kernels that run models.
public enum Evaluation {
    /// The outputs of one node.
    /// - inputs: one entry per input slot, inline constants; nil for an absent optional input.
    /// - Throws: what preparing a model throws.
    public static func evaluate(_ node: Node, inputs: [Constant?]) throws -> [Constant] {
        var graph = Graph(name: "evaluation")
        var refs: [TensorRef?] = []
        for (slot, constant) in inputs.enumerated() {
            refs.append(
                constant.map {
                    graph.append(
                        Node(
                            name: "evaluation_input_\(slot)", type: "Const", outputs: [$0.desc],
                            attributes: ["value": .tensor($0)]))
                })
        }
        var evaluated = node
        evaluated.inputs = refs
        evaluated.inputDescs = []
        let inferred = try GraphCompiler.infer(evaluated, inputs: inputs)
        evaluated.outputs = inferred
        let produced = graph.append(evaluated)
        graph.append(
            Node(
                name: "evaluation_output", type: "NetOutput",
                inputs: inferred.indices.map { TensorRef(produced.node, $0) }))
        let buffers = try run(graph)
        return zip(inferred, buffers).map { Constant(TensorDesc($0.0.dataType, $0.0.shape), .inline($0.1)) }
    }

    /// Runs a graph without inputs and returns the bytes of its outputs.
    private static func run(_ graph: Graph) throws -> [[UInt8]] {
        let prepared = try unsafe PreparedModel(
            Model(name: graph.name, graph: graph), weights: UnsafeRawBufferPointer(start: nil, count: 0), threads: 1)
        // Each output is there twice for a moment.
        try SystemMemory.require(
            prepared.weightBytes + prepared.workspaceBytes + 2 * prepared.outputBytes.reduce(0, +))
        var weights = [UInt8](repeating: 0, count: prepared.weightBytes)
        var workspace = [UInt8](repeating: 0, count: prepared.workspaceBytes)
        return try unsafe weights.withUnsafeMutableBytes { weights in
            if prepared.weightBytes > 0 {
                try unsafe prepared.packWeights(UnsafeRawBufferPointer(start: nil, count: 0), into: weights)
            }
            return try unsafe workspace.withUnsafeMutableBytes { workspace in
                let instance = try unsafe ModelInstance(
                    prepared, weights: weights.baseAddress, workspace: workspace.baseAddress)
                // Safe: one allocation per output, of its exact size, freed below.
                let outputs = unsafe prepared.outputBytes.map {
                    UnsafeMutableRawPointer.allocate(byteCount: max($0, 1), alignment: 64)
                }
                defer { unsafe outputs.forEach { unsafe $0.deallocate() } }
                try unsafe outputs.withUnsafeBufferPointer {
                    try unsafe instance.execute(inputs: UnsafeBufferPointer(start: nil, count: 0), outputs: $0)
                }
                return unsafe zip(outputs, prepared.outputBytes).map {
                    unsafe [UInt8](UnsafeRawBufferPointer(start: $0.0, count: $0.1))
                }
            }
        }
    }
}
