// SPDX-License-Identifier: Apache-2.0

public import GEGraph
import Kernels
import Operators
import SystemMemory

/// A model with control flow or with shapes that only an execution finds out: checked, but nothing is prepared yet, since
/// that needs the shapes.
///
/// Immutable and shareable between threads. It keeps nothing of the bytes that the model was read from.
public final class DynamicModel: Sendable {
    /// Type and shape of each input, in the order of the caller's buffers; −1 for what a caller chooses.
    public let inputs: [TensorDesc]
    public let outputCount: Int
    /// Size of the weights partition, which instances need in memory.
    public let weightBytes: Int
    let model: Model
    let threads: Int

    /// Whether a model has to be executed this way.
    public static func isNeeded(for model: Model) -> Bool {
        let isGeared = model.graph.nodes.contains { $0.attributes["_batch_num"] != nil && $0.type == "Case" }
        return !isGeared
            && model.graph.nodes.contains { node in
                ControlFlow.types.contains(node.type)
                    || (Graph.dataTypes.contains(node.type) && node.outputs.first?.isStatic == false)
                    || Self.counts(node, in: model.graph)
            }
    }

    private static func counts(_ node: Node, in graph: Graph) -> Bool {
        guard let axes = Catalogue[type: node.type]?.countedAxes else { return false }
        return axes(
            Inference(
                node: node, inputs: node.inputs.map { $0.map { graph.desc(of: $0) } },
                constants: node.inputs.map { $0.flatMap { graph.nodes[$0.node].constant } })) != nil
    }

    /// - weightBytes: size of the weights partition, which is not at hand yet.
    /// - threads: per execution, or as many as the system grants.
    /// - Throws: `GraphError` for operators that are missing and for graphs that are no sound model.
    public init(_ model: Model, weightBytes: Int, threads: Int) throws {
        self.model = model
        self.weightBytes = weightBytes
        self.threads = Parallel.available(threads)
        try model.graph.validate()
        inputs = try model.graph.inputNodes.map { number throws(GraphError) in
            let node = model.graph.nodes[number]
            guard let desc = node.outputs.first, node.attributes["_data_related_aipp_mode"] == nil else {
                throw node.invalid("image preprocessing does not go together with shapes that are known at run time")
            }
            return desc
        }
        guard let end = model.graph.outputNode else { throw GraphError.missingOutputNode(graph: model.graph.name) }
        outputCount = model.graph.nodes[end].inputs.compactMap { $0 }.count
        try Self.check(model)
    }

    /// Every operator that can be reached is one that is known, and no graph contains itself.
    private static func check(_ model: Model) throws(GraphError) {
        let graphs = Dictionary(model.subgraphs.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var missing: [(type: String, node: String)] = []
        var done: Set<String> = []
        var open: Set<String> = []
        func visit(_ graph: Graph) throws(GraphError) {
            for number in try Liveness(graph).live {
                let node = graph.nodes[number]
                for name in node.subgraphs where ControlFlow.types.contains(node.type) {
                    guard let inner = graphs[name] else { throw .missingSubgraph(node: node.name, name: name) }
                    guard !open.contains(name), open.count < deepest else {
                        throw node.invalid("its sub-graph '\(name)' contains itself, or lies too deep")
                    }
                    if done.contains(name) { continue }
                    open.insert(name)
                    try inner.validate()
                    try visit(inner)
                    open.remove(name)
                    done.insert(name)
                }
                let isKnown =
                    node.constant != nil || node.type == "NetOutput" || Graph.dataTypes.contains(node.type)
                    || ControlFlow.types.contains(node.type) || Catalogue[type: node.type] != nil
                if !isKnown { missing.append((node.type, node.name)) }
            }
        }
        try visit(model.graph)
        guard missing.isEmpty else { throw .unsupportedOperators(missing) }
    }

    private static let deepest = 32
}

/// A dynamic model with a weights partition: plans for the shapes that it has met, with memory of their own.
///
/// Not safe for concurrent use: one execution at a time.
@safe
public final class DynamicInstance {
    private let model: DynamicModel
    private let region: Region

    /// Safety: `weights` holds the model's weights partition as long as the instance lives.
    @unsafe
    public init(_ model: DynamicModel, weights: UnsafeRawBufferPointer) {
        self.model = model
        region = Region(model.model.graph, unsafe RegionContext(model.model, weights: weights))
    }

    /// Prepares an execution with inputs of these types and shapes, unless that has been done.
    /// - Returns: type and shape of each output; nil where only the execution finds out.
    /// - Throws: `GraphError` for shapes that do not go together.
    public func prepare(_ inputs: [TensorDesc]) throws -> [TensorDesc]? {
        try Parallel.with(threads: model.threads) { try region.plan(for: inputs).outputDescs }
    }

    /// Executes the model.
    /// - destinations: per output where it is to be written if `prepare` tells its size; may be empty.
    /// - goesOn: asked between steps; false ends the execution with `ExecutableError.stopped`.
    /// - Returns: the outputs, at their destinations or in memory that keeps until the next execution.
    ///
    /// Safety: all addresses cover their tensors.
    @unsafe
    public func execute(
        _ inputs: [BoundTensor], into destinations: [UnsafeMutableRawPointer?], while goesOn: () -> Bool = { true }
    ) throws -> [BoundTensor] {
        unsafe try Parallel.with(threads: model.threads) {
            let plan = try unsafe region.plan(for: inputs)
            return try unsafe plan.run(inputs, into: destinations, while: goesOn)
        }
    }
}
