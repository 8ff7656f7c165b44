// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// A control-flow node whose inputs have known shapes: its bodies, and what can be told of its outputs.
struct ControlFlow {
    /// GE's types, and Loop of ONNX.
    static let types: Set<String> = [
        "If", "StatelessIf", "Case", "StatelessCase", "While", "StatelessWhile", "Loop",
        "PartitionedCall", "StatefulPartitionedCall",
    ]

    private let node: Node
    private let bodies: [Body]
    private let carriedCount: Int

    init(
        _ node: Node, constants: [Constant?], outputCount: Int, _ context: RegionContext
    ) throws(GraphError) {
        self.node = node
        var choice: [Int] = Array(node.subgraphs.indices)
        var first = 0
        var count = outputCount
        switch node.type {
        case "If", "StatelessIf", "Case", "StatelessCase":
            first = 1
            guard !choice.isEmpty else { throw node.invalid("it has no branches") }
            if let value = constants.first??.ints?.first {
                choice = [BranchStage.branch(value, of: node, count: choice.count)]
            }
        case "While", "StatelessWhile":
            guard choice.count == 2, outputCount == node.inputs.count else {
                throw node.invalid(
                    "it has \(choice.count) bodies, \(node.inputs.count) inputs and \(outputCount) outputs")
            }
        case "Loop": count = outputCount + 1
        default: break
        }
        guard !choice.isEmpty else { throw node.invalid("it has no body") }
        if node.type == "Loop" || node.type.hasSuffix("PartitionedCall") { choice = [0] }
        let carriedCount = node.attributes.int("carried") ?? 0
        self.carriedCount = carriedCount
        guard carriedCount >= 0, carriedCount <= outputCount,
            carriedCount + 2 <= node.inputs.count || node.type != "Loop"
        else { throw node.invalid("it states \(carriedCount) carried tensors") }
        // What turns change is not what it was before them.
        let isLoop = node.type == "Loop" || node.type.hasSuffix("While")
        let fixed =
            isLoop
            ? constants.indices.map { $0 >= 2 + carriedCount && node.type == "Loop" ? constants[$0] : nil } : constants
        var bodies: [Body] = []
        for (position, index) in choice.enumerated() {
            let isCondition = node.type.hasSuffix("While") && position == 0
            bodies.append(
                try Body(
                    context.subgraph(index, of: node), of: node, firstArgument: first, constants: fixed,
                    outputCount: isCondition ? 1 : count, context))
        }
        self.bodies = bodies
    }

    /// The node's inputs that a stage reads.
    var readInputs: Set<Int> {
        var read = Set(bodies.flatMap(\.arguments))
        switch node.type {
        case "If", "StatelessIf", "Case", "StatelessCase": read.insert(0)
        case "Loop": read.formUnion(0..<2 + carriedCount)
        case "While", "StatelessWhile": read.formUnion(node.inputs.indices)
        default: break
        }
        return read
    }

    /// Type and shape of each output, where they do not depend on the data; nil where nothing is known of any.
    /// - inputs: the node's.
    func outputDescs(for inputs: [TensorDesc?]) throws -> [TensorDesc?]? {
        switch node.type {
        case "Loop": return nil
        case "While", "StatelessWhile":
            guard let descs = try descs(of: bodies[1], inputs) else { return nil }
            // Turns that change shapes end with one that nobody knows before.
            return zip(descs, inputs).allSatisfy { $0?.shape == $1?.shape && $0?.dataType == $1?.dataType }
                ? descs : nil
        default:
            var common: [TensorDesc?]?
            for body in bodies {
                guard let descs = try descs(of: body, inputs) else { return nil }
                common =
                    common.map { common in
                        zip(common, descs).map { $0?.shape == $1?.shape && $0?.dataType == $1?.dataType ? $0 : nil }
                    } ?? descs
            }
            return common
        }
    }

    /// What a body gives; nil where it does not know before, or cannot be executed with these shapes: then it may be one
    /// that is not.
    private func descs(of body: Body, _ inputs: [TensorDesc?]) throws -> [TensorDesc?]? {
        let arguments = body.arguments.compactMap { inputs[$0] }
        guard arguments.count == body.arguments.count else { return nil }
        do {
            guard let descs = try body.region.plan(for: arguments).outputDescs else { return nil }
            return body.results.map { TensorDesc(descs[$0].dataType, descs[$0].shape) }
        } catch is GraphError {
            return nil
        }
    }

    func stage(inputs: [RegionPlan.Source?], outputs: [Int]) -> any Stage {
        switch node.type {
        case "While", "StatelessWhile":
            WhileStage(node: node, condition: bodies[0], body: bodies[1], inputs: inputs, outputs: outputs)
        case "Loop":
            LoopStage(
                node: node, body: bodies[0], carriedCount: carriedCount, inputs: inputs, outputs: outputs,
                collected: node.outputs.dropFirst(carriedCount).map { desc in
                    TensorDesc(desc.dataType, Array(desc.shape.dropFirst()))
                })
        default:
            BranchStage(
                node: node, bodies: bodies, hasSelector: !node.type.hasSuffix("PartitionedCall"), inputs: inputs,
                outputs: outputs)
        }
    }
}

extension Node {
    /// The error of a node that cannot be used.
    func invalid(_ reason: String) -> GraphError { .invalidNode(node: name, type: type, reason: reason) }
}
