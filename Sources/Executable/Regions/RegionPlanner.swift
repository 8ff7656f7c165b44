// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Operators
import SaturatingArithmetic
import SystemMemory

/// Plans a region for inputs of known shapes: infers and folds what can be, cuts the nodes into stages at control flow,
/// and leaves to the rest what depends on something that only an execution finds out.
struct RegionPlanner {
    /// What is known of a tensor.
    private enum State {
        case constant(Constant)
        /// Computed in this plan, with this type and shape.
        case known(TensorDesc)
        /// Computed in this plan; its shape is found out then.
        case found
        /// Left to the rest.
        case deferred
    }

    private let graph: Graph
    private let context: RegionContext
    private let inputs: [Region.Input]
    private let liveness: Liveness
    private var budget: FoldingBudget
    private var states: [[State]]
    /// Per node the stage that computes it: programs and the control flow behind them have one number.
    private var levels: [Int]
    /// Control-flow nodes of this plan, with what their stages are made of.
    private var controlFlow: [Int: ControlFlow] = [:]
    /// Tensors whose values the rest depends on.
    private var wanted: Set<TensorRef> = []
    private var counted: [TensorRef: Int] = [:]

    private let depth: Int

    /// - depth: how many regions the one to be planned is the rest of.
    init(_ graph: Graph, _ context: RegionContext, inputs: [Region.Input], depth: Int) throws {
        self.depth = depth
        self.graph = graph
        self.context = context
        self.inputs = inputs
        liveness = try Liveness(graph)
        budget = context.budget
        states = graph.nodes.map { $0.outputs.map { _ in State.deferred } }
        levels = [Int](repeating: 0, count: graph.nodes.count)
    }

    mutating func plan() throws -> RegionPlan {
        for (input, number) in graph.inputNodes.enumerated() where inputs.indices.contains(input) {
            states[number] = [inputs[input].value.map { .constant($0) } ?? .known(inputs[input].desc)]
        }
        for number in liveness.live {
            try SystemMemory.check()
            try visit(number)
        }
        var assembly = StageAssembly(graph, levels: levels, inputNodes: graph.inputNodes)
        return try assemble(&assembly)
    }

    // MARK: Knowledge

    private func state(_ ref: TensorRef) -> State {
        states[ref.node].indices.contains(ref.output) ? states[ref.node][ref.output] : .deferred
    }

    private func isKnown(_ ref: TensorRef) -> Bool {
        switch state(ref) {
        case .constant, .known: true
        case .found, .deferred: false
        }
    }

    private func desc(_ ref: TensorRef) -> TensorDesc? {
        switch state(ref) {
        case .constant(let constant): constant.desc
        case .known(let desc): desc
        case .found, .deferred: nil
        }
    }

    private func constant(_ ref: TensorRef) -> Constant? {
        if case .constant(let constant) = state(ref) { context.inlined(constant) } else { nil }
    }

    private func isDeferred(_ number: Int) -> Bool {
        if case .deferred? = states[number].first { true } else { false }
    }

    private mutating func visit(_ number: Int) throws {
        let node = graph.nodes[number]
        if Graph.dataTypes.contains(node.type) || node.type == "NetOutput" { return }
        if let value = node.constant {
            states[number] = [.constant(value)]
            return
        }
        let refs = node.inputs.compactMap { $0 }
        guard refs.allSatisfy(isKnown) else { return }
        levels[number] = refs.map { level(after: $0) }.max() ?? 0
        if ControlFlow.types.contains(node.type) { return try visitControlFlow(number) }
        let wantedValues = WantedValues()
        do {
            let inferred = try NodeFolding.infer(
                node, inputs: node.inputs.map { $0.flatMap { desc($0) } },
                constants: node.inputs.map { $0.flatMap { constant($0) } }, budget: &budget, wanted: wantedValues)
            switch inferred {
            case .outputs(let descs): states[number] = descs.map { .known($0) }
            case .constants(let values): states[number] = values.map { .constant($0) }
            case .counted(let descs, let axes):
                states[number] = descs.map { .known($0) }
                for (output, axis) in axes.enumerated() {
                    guard let axis else { continue }
                    counted[TensorRef(number, output)] = axis
                    states[number][output] = .found
                }
                bounds[number] = descs
            case .missingOperator: throw GraphError.unsupportedOperators([(node.type, node.name)])
            }
        } catch let error as GraphError {
            // What the operator asked for may be the reason; it is known when the rest is planned.
            let missing = wantedValues.slots.compactMap { node.inputs[$0] }.filter { ref in
                desc(ref)?.elementCount ?? Int.max <= Inference.longestList
            }
            guard !missing.isEmpty, missing.count == wantedValues.slots.count else { throw error }
            wanted.formUnion(missing)
        }
    }

    /// The largest shapes of what is counted, by node.
    private var bounds: [Int: [TensorDesc]] = [:]

    /// The first stage that can read a tensor.
    private func level(after ref: TensorRef) -> Int {
        if case .constant = state(ref) { return 0 }
        return levels[ref.node] + (controlFlow[ref.node] == nil ? 0 : 1)
    }

    private mutating func visitControlFlow(_ number: Int) throws {
        let node = graph.nodes[number]
        let flow = try ControlFlow(
            node, constants: node.inputs.map { $0.flatMap { constant($0) } }, outputCount: node.outputs.count, context)
        controlFlow[number] = flow
        let descs = try flow.outputDescs(for: node.inputs.map { $0.flatMap { desc($0) } })
        states[number] = node.outputs.indices.map { output in
            descs?[output].map { .known($0) } ?? .found
        }
    }

    // MARK: Stages

    private func assemble(_ assembly: inout StageAssembly) throws -> RegionPlan {
        guard let end = graph.outputNode else { throw GraphError.missingOutputNode(graph: graph.name) }
        let results = graph.nodes[end].inputs.compactMap { $0 }
        let isComplete = results.allSatisfy { ref in
            if case .deferred = state(ref) { false } else { true }
        }
        for number in liveness.live where !isDeferred(number) {
            for (output, state) in states[number].enumerated() {
                let ref = TensorRef(number, output)
                switch state {
                case .constant(let value): assembly.constants[ref] = value
                case .known(let desc): assembly.descs[ref] = desc
                case .found: assembly.descs[ref] = bounds[number]?[output]
                case .deferred: break
                }
            }
        }
        assembly.counted = counted
        for (number, flow) in controlFlow { assembly.add(flow, number: number) }
        let ending: RegionPlan.End
        if isComplete {
            ending = .complete(results.map { assembly.source(of: $0) })
        } else {
            let rest = Rest(graph, liveness, isDeferred: { isDeferred($0) }, constant: { constantOrNil($0) })
            ending = .rest(
                Region(
                    rest.graph, context,
                    wantedInputs: rest.inputs.indices.filter { wanted.contains(rest.inputs[$0]) }, depth: depth + 1),
                inputs: rest.inputs.map { assembly.source(of: $0) })
        }
        let isProgram = graph.nodes.indices.map { number in
            liveness.isLive(number) && !isDeferred(number) && controlFlow[number] == nil
                && !states[number].allSatisfy { if case .constant = $0 { true } else { false } }
                && graph.nodes[number].type != "NetOutput" && !Graph.dataTypes.contains(graph.nodes[number].type)
        }
        let stages = try assembly.stages(context, isProgram: isProgram)
        if !isComplete, stages.isEmpty, wanted.isEmpty {
            throw GraphError.invalidNode(
                node: graph.name, type: "graph", reason: "some of its outputs depend on nothing that can be computed")
        }
        return try RegionPlan(
            stages: stages, slots: assembly.slots, end: ending, inputs: inputs.map(\.desc))
    }

    private func constantOrNil(_ ref: TensorRef) -> Constant? {
        if case .constant(let value) = state(ref) { value } else { nil }
    }
}

/// The nodes of a region that a plan leaves for later, as a graph.
private struct Rest {
    private(set) var graph: Graph
    /// The tensors that its input nodes stand for, in their order.
    private(set) var inputs: [TensorRef] = []
    private var places: [TensorRef: TensorRef] = [:]
    private var names: Set<String>

    init(
        _ whole: Graph, _ liveness: Liveness, isDeferred: (Int) -> Bool, constant: (TensorRef) -> Constant?
    ) {
        graph = Graph(name: whole.name)
        names = Set(whole.nodes.map(\.name))
        for number in liveness.live where isDeferred(number) || whole.nodes[number].type == "NetOutput" {
            var node = whole.nodes[number]
            for (slot, ref) in node.inputs.enumerated() {
                guard let ref else { continue }
                if places[ref] == nil {
                    if let value = constant(ref) {
                        places[ref] = graph.append(
                            Node(
                                name: names.fresh("\(whole.nodes[ref.node].name)_value"), type: "Const",
                                outputs: [value.desc], attributes: ["value": .tensor(value)]))
                    } else {
                        // Its shape is known when the rest is planned.
                        let desc = TensorDesc(whole.desc(of: ref).dataType, [-2])
                        places[ref] = graph.append(
                            Node(
                                name: names.fresh("\(whole.nodes[ref.node].name)_result"), type: "Data",
                                outputs: [desc], attributes: ["index": .int(Int64(inputs.count))]))
                        inputs.append(ref)
                    }
                }
                node.inputs[slot] = places[ref]
            }
            node.controlInputs = []
            let place = graph.append(node).node
            for output in node.outputs.indices { places[TensorRef(number, output)] = TensorRef(place, output) }
        }
    }
}

extension Set<String> {
    /// `name`, or one that begins with it and is not in the set yet; it is then.
    mutating func fresh(_ name: String) -> String {
        var candidate = name
        var number = 0
        while !insert(candidate).inserted {
            number += 1
            candidate = "\(name)_\(number)"
        }
        return candidate
    }
}
