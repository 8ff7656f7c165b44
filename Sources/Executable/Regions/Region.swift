// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic
import SystemMemory

/// A graph that is executed with tensors whose shapes are known only then: a whole model, the body of a control-flow node,
/// or what is left of either when an execution has found out more.
///
/// It is planned once for each combination of shapes that it meets, and remembers the last of these plans.
final class Region {
    /// What is known of an input before the region is executed.
    struct Input: Hashable {
        let desc: TensorDesc
        let value: Constant?
    }

    private struct Key: Hashable {
        let types: [DataType]
        let shapes: [[Int]]
        let values: [Constant]
    }

    let graph: Graph
    /// Numbers of the inputs whose values shapes depend on.
    private let wantedInputs: [Int]
    /// Inputs that have the same value in every execution.
    private let fixedInputs: [Int: Constant]
    private let context: RegionContext
    /// How many regions it is the rest of.
    private let depth: Int
    /// The plan that was used last is the last.
    private var plans: [(key: Key, plan: RegionPlan)] = []
    /// Each plan has memory for all that it computes.
    private static let mostPlans = 16
    /// Each holds the next one.
    private static let deepest = 256

    init(
        _ graph: Graph, _ context: RegionContext, wantedInputs: [Int] = [], fixedInputs: [Int: Constant] = [:],
        depth: Int = 0
    ) {
        self.graph = graph
        self.context = context
        self.wantedInputs = wantedInputs
        self.fixedInputs = fixedInputs
        self.depth = depth
    }

    /// The plan for an execution with `inputs`, in the order of the graph's input nodes.
    func plan(for inputs: [BoundTensor]) throws -> RegionPlan {
        var values: [Int: Constant] = [:]
        for index in wantedInputs { values[index] = unsafe inputs[index].copied() }
        return try plan(for: unsafe inputs.map { unsafe $0.desc }, values: values)
    }

    /// The plan for inputs of which no more than type and shape is known.
    func plan(for descs: [TensorDesc]) throws -> RegionPlan { try plan(for: descs, values: [:]) }

    private func plan(for descs: [TensorDesc], values: [Int: Constant]) throws -> RegionPlan {
        let key = Key(
            types: descs.map(\.dataType), shapes: descs.map(\.shape), values: wantedInputs.compactMap { values[$0] })
        if let last = plans.last, last.key == key { return last.plan }
        if let index = plans.firstIndex(where: { $0.key == key }) {
            let found = plans.remove(at: index)
            plans.append(found)
            return found.plan
        }
        let inputs = descs.indices.map { Input(desc: descs[$0], value: fixedInputs[$0] ?? values[$0]) }
        if plans.count >= Self.mostPlans {
            plans.removeFirst()
            context.constants.purge()
        }
        guard depth < Self.deepest else {
            throw GraphError.invalidNode(
                node: graph.name, type: "graph",
                reason: "more than \(Self.deepest) times its shapes depend on data that depends on such shapes")
        }
        var planner = try RegionPlanner(graph, context, inputs: inputs, depth: depth)
        let plan = try planner.plan()
        plans.append((key, plan))
        return plan
    }
}

/// A region that is the body of a control-flow node.
struct Body {
    let region: Region
    /// For each of the region's inputs the number of the node's input that it stands for.
    let arguments: [Int]
    /// For each of the node's outputs the number of the region's output that gives it.
    let results: [Int]

    /// - firstArgument: the node's first input that bodies see.
    /// - constants: the node's inputs of which the values are known.
    init(
        _ graph: Graph, of node: Node, firstArgument: Int, constants: [Constant?], outputCount: Int,
        _ context: RegionContext
    ) throws(GraphError) {
        var arguments: [Int] = []
        var fixed: [Int: Constant] = [:]
        for (input, number) in graph.inputNodes.enumerated() {
            let attributes = graph.nodes[number].attributes
            let argument =
                attributes.int("_parent_node_index") ?? (attributes.int("index") ?? input) + firstArgument
            guard node.inputs.indices.contains(argument), node.inputs[argument] != nil else {
                throw .invalidNode(
                    node: graph.nodes[number].name, type: graph.nodes[number].type,
                    reason: "it stands for input \(argument) of '\(node.name)', which has none there")
            }
            if let constant = constants[argument] { fixed[input] = constant }
            arguments.append(argument)
        }
        self.arguments = arguments
        region = Region(graph, context, fixedInputs: fixed)
        var results = [Int?](repeating: nil, count: outputCount)
        guard let end = graph.outputNode else { throw .missingOutputNode(graph: graph.name) }
        let last = graph.nodes[end]
        var result = 0
        for slot in last.inputs.indices where last.inputs[slot] != nil {
            let stated = last.inputDescs.indices.contains(slot) ? last.inputDescs[slot] : nil
            let output = stated?.attributes.int("_parent_node_index") ?? slot
            guard results.indices.contains(output) else {
                throw .invalidNode(
                    node: last.name, type: last.type,
                    reason: "it gives output \(output) of '\(node.name)', which has \(outputCount)")
            }
            results[output] = result
            result += 1
        }
        guard !results.contains(nil) else {
            throw .invalidNode(
                node: last.name, type: last.type,
                reason: "it does not give all \(outputCount) outputs of '\(node.name)'")
        }
        self.results = results.compactMap { $0 }
    }
}
