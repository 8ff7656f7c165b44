// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import Operators
import SaturatingArithmetic
import SystemMemory

/// Turns a graph into a program: checks and infers every live node, groups nodes that one kernel can compute, lowers.
struct GraphCompiler {
    private let graph: Graph
    private let liveness: Liveness
    /// Whether an output of the graph may be smaller than its descriptor says, as an execution finds out.
    private let countsResults: Bool
    private var outputs: [[TensorDesc]]
    private var values: [TensorRef: Value] = [:]
    private let builder: ProgramBuilder
    /// Bytes that the nodes have made of their attributes and shapes, and how many they may make: what a node asks for does
    /// not show in the size of the file.
    private var madeBytes = 0
    private let mostMadeBytes: Int
    private(set) var inputDescs: [TensorDesc] = []
    private(set) var outputDescs: [TensorDesc] = []

    /// - weightBytes: size of the weights partition that constants may lie in.
    /// - keepsNaN: whether to use only kernels that keep NaN and infinities.
    /// - countsResults: whether an output may be smaller than its descriptor says, as `BoundSteps.resultCount` then tells.
    static func compile(
        _ graph: Graph, weightBytes: Int, keepsNaN: Bool = false, countsResults: Bool = false
    ) throws -> (program: Program, inputs: [TensorDesc], outputs: [TensorDesc]) {
        var compiler = try GraphCompiler(
            HalfPrecision.widening(graph), ProgramBuilder(keepsNaN: keepsNaN), countsResults: countsResults)
        try compiler.infer(weightBytes: weightBytes)
        try compiler.lower()
        return (compiler.builder.program, compiler.inputDescs, compiler.outputDescs)
    }

    /// The output descriptors of a single node on constants.
    static func infer(_ node: Node, inputs: [Constant?]) throws(GraphError) -> [TensorDesc] {
        guard let definition = Catalogue[type: node.type] else { throw .unsupportedOperators([(node.type, node.name)]) }
        return try definition.infer(Inference(node: node, inputs: inputs.map { $0?.desc }, constants: inputs))
    }

    private init(_ graph: Graph, _ builder: ProgramBuilder, countsResults: Bool) throws {
        try graph.validate()
        self.graph = graph
        self.builder = builder
        self.countsResults = countsResults
        liveness = try Liveness(graph)
        outputs = [[TensorDesc]](repeating: [], count: graph.nodes.count)
        let constants = graph.nodes.reduce(0) { $0 + ($1.constant?.desc.byteCount ?? 0) }
        mostMadeBytes = 256 << 20 + 64 * (constants + 64 * graph.nodes.count)
        let missing = liveness.live.map { graph.nodes[$0] }
            .filter {
                !Self.structural.contains($0.type) && !Graph.dataTypes.contains($0.type)
                    && Catalogue[type: $0.type] == nil
            }
        if !missing.isEmpty { throw GraphError.unsupportedOperators(missing.map { ($0.type, $0.name) }) }
    }

    private static let structural: Set<String> = ["Const", "Constant", "NetOutput"]

    // MARK: Shapes

    private mutating func infer(weightBytes: Int) throws {
        for index in liveness.live {
            try SystemMemory.check()
            let node = graph.nodes[index]
            for (slot, ref) in node.inputs.enumerated() {
                // A file may state more outputs of a node than its operator has.
                guard ref.map({ outputs[$0.node].indices.contains($0.output) }) ?? true else {
                    throw GraphError.danglingInput(node: node.name, slot: slot)
                }
            }
            if Graph.dataTypes.contains(node.type) {
                outputs[index] = [try Self.inputDesc(node)]
            } else if let constant = node.constant {
                try check(constant, of: node, weightBytes: weightBytes)
                outputs[index] = [Self.isWidened(constant, node) ? node.outputs[0] : constant.desc]
            } else if node.type != "NetOutput" {
                guard let definition = Catalogue[type: node.type] else {
                    throw GraphError.unsupportedOperators([(node.type, node.name)])
                }
                let inference = inference(index)
                let inferred = try definition.infer(inference)
                try compare(inferred, with: node)
                if definition.countedAxes?(inference) != nil { try checkCounted(index) }
                outputs[index] = inferred
            }
        }
    }

    /// The descriptor of an input, its `size` being the bytes that a caller passes: those of the shape, but for images
    /// before AIPP, whose shape is that of the tensor behind.
    private static func inputDesc(_ node: Node) throws(GraphError) -> TensorDesc {
        guard var desc = node.outputs.first, desc.isStatic, let bytes = desc.byteCount else {
            throw .invalidNode(
                node: node.name, type: node.type, reason: "its shape must be known to run the model")
        }
        if node.attributes.string("_data_related_aipp_mode") == nil || (desc.size ?? 0) <= 0 { desc.size = bytes }
        return desc
    }

    private func check(_ constant: Constant, of node: Node, weightBytes: Int) throws(GraphError) {
        let available: Int
        switch constant.data {
        case .inline(let bytes): available = bytes.count
        case .weights(let range): available = range.upperBound <= weightBytes ? range.count : 0
        }
        guard let needed = constant.desc.byteCount, needed <= available else {
            throw .invalidNode(
                node: node.name, type: node.type,
                reason: "its value of shape \(constant.desc.shape) has \(available) bytes in the model, not enough")
        }
    }

    /// Whether a constant of a 16-bit float is used as one of float32.
    private static func isWidened(_ constant: Constant, _ node: Node) -> Bool {
        node.outputs.first?.dataType == .float
            && (constant.desc.dataType == .float16 || constant.desc.dataType == .bfloat16)
            && node.outputs.first?.shape == constant.desc.shape
    }

    /// A file's own descriptors are not trusted, but where they contradict the operator the file is wrong.
    private func compare(_ inferred: [TensorDesc], with node: Node) throws(GraphError) {
        for (index, (found, stated)) in zip(inferred, node.outputs).enumerated() where stated.isStatic {
            guard found.isStatic, found.byteCount != nil else {
                throw .invalidNode(
                    node: node.name, type: node.type,
                    reason: "output \(index) has the shape \(found.shape), not a fixed one")
            }
            guard found.shape == stated.shape, found.dataType == stated.dataType else {
                throw .invalidNode(
                    node: node.name, type: node.type,
                    reason: "output \(index) is stated as \(stated.dataType) \(stated.shape), but the operator gives "
                        + "\(found.dataType) \(found.shape)")
            }
        }
    }

    /// What has as many entries as the data says can only leave the graph.
    private func checkCounted(_ index: Int) throws(GraphError) {
        let node = graph.nodes[index]
        guard countsResults, liveness.isReadByOutputsOnly(index) else {
            throw .invalidNode(
                node: node.name, type: node.type,
                reason: "the shape of the result depends on the elements of the input, which is no constant")
        }
    }

    private func inference(_ index: Int) -> Inference {
        let node = graph.nodes[index]
        return Inference(
            node: node, inputs: node.inputs.map { $0.map { outputs[$0.node][$0.output] } },
            constants: node.inputs.map { ref in
                guard let ref, let constant = graph.nodes[ref.node].constant,
                    !Self.isWidened(constant, graph.nodes[ref.node])
                else { return nil }
                return constant
            })
    }

    // MARK: Kernels

    private mutating func lower() throws {
        let groups = FusionGroups(graph, liveness, outputs: outputs) { inference($0) }
        for (position, index) in graph.inputNodes.enumerated() {
            let desc = try Self.inputDesc(graph.nodes[index])
            inputDescs.append(desc)
            if liveness.isLive(index) { values[TensorRef(index)] = try builder.input(position, desc) }
        }
        for index in liveness.live {
            try SystemMemory.check()
            let node = graph.nodes[index]
            if let constant = node.constant {
                values[TensorRef(index)] =
                    Self.isWidened(constant, node) ? builder.widened(constant) : builder.constant(constant)
            } else if node.type == "NetOutput" {
                try lowerOutputs(node)
            } else if let leader = groups.leader(endingAt: index) {
                try lower(leader, followers: groups.followers(of: leader), last: index)
            }
        }
    }

    private mutating func lower(_ index: Int, followers: [FusionGroups.Follower], last: Int) throws {
        let node = graph.nodes[index]
        guard let definition = Catalogue[type: node.type] else { return }
        (builder.nodeName, builder.nodeType) = (node.name, node.type)
        let madeBefore = builder.madeBytes
        builder.followers = try followers.map { follower in
            switch follower.operation {
            case .unary(let function): return .unary(function)
            case .binary(let function, let slot):
                guard let ref = graph.nodes[follower.node].inputs[slot], let operand = values[ref] else {
                    throw GraphError.danglingInput(node: graph.nodes[follower.node].name, slot: slot)
                }
                return .binary(function, operand)
            }
        }
        let lowering = Lowering(
            inference: inference(index), inputs: node.inputs.map { $0.flatMap { values[$0] } },
            outputs: outputs[index], builder: builder)
        let results = try definition.lower(lowering)
        madeBytes += builder.madeBytes - madeBefore
        guard madeBytes <= mostMadeBytes else {
            throw GraphError.invalidNode(
                node: node.name, type: node.type,
                reason: "with it the constants and tables that are made at load take more than \(mostMadeBytes) bytes")
        }
        guard results.count == outputs[index].count else {
            throw GraphError.invalidNode(
                node: node.name, type: node.type,
                reason: "lowering gave \(results.count) outputs instead of \(outputs[index].count)")
        }
        if results.count == 1 {
            values[TensorRef(last)] = try builder.applyFollowers(to: results[0])
        } else {
            for (output, value) in results.enumerated() { values[TensorRef(index, output)] = value }
        }
    }

    private mutating func lowerOutputs(_ node: Node) throws {
        for (position, ref) in node.inputs.compactMap({ $0 }).enumerated() {
            guard let value = values[ref] else { throw GraphError.danglingInput(node: node.name, slot: position) }
            (builder.nodeName, builder.nodeType) = (node.name, node.type)
            outputDescs.append(outputs[ref.node][ref.output])
            try builder.output(position, value)
        }
    }
}
