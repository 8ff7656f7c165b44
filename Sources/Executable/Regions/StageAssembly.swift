// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// Puts the nodes of a plan together to stages, and gives each tensor that goes from one to another a slot.
struct StageAssembly {
    private let graph: Graph
    private let levels: [Int]
    private let inputOf: [Int: Int]
    var constants: [TensorRef: Constant] = [:]
    /// Known types and shapes; the largest for what is counted.
    var descs: [TensorRef: TensorDesc] = [:]
    /// The dimension of a tensor that an execution finds out.
    var counted: [TensorRef: Int] = [:]
    private(set) var slots: [RegionPlan.Slot] = []
    private var slotOf: [TensorRef: Int] = [:]
    private var controlFlow: [Int: (flow: ControlFlow, inputs: [RegionPlan.Source?])] = [:]

    init(_ graph: Graph, levels: [Int], inputNodes: [Int]) {
        self.graph = graph
        self.levels = levels
        inputOf = Dictionary(zip(inputNodes, 0...), uniquingKeysWith: { first, _ in first })
    }

    /// Where a tensor is found by others than the program that computes it.
    mutating func source(of ref: TensorRef) -> RegionPlan.Source {
        if let input = inputOf[ref.node], constants[ref] == nil { return .input(input) }
        if let slot = slotOf[ref] { return .slot(slot) }
        slots.append(
            RegionPlan.Slot(desc: constants[ref]?.desc ?? descs[ref], countedAxis: counted[ref]))
        slotOf[ref] = slots.count - 1
        return .slot(slots.count - 1)
    }

    mutating func add(_ flow: ControlFlow, number: Int) {
        let read = flow.readInputs
        let inputs = graph.nodes[number].inputs.enumerated().map { slot, ref in
            read.contains(slot) ? ref.map { source(of: $0) } : nil
        }
        for output in graph.nodes[number].outputs.indices { _ = source(of: TensorRef(number, output)) }
        controlFlow[number] = (flow, inputs)
    }

    /// - isProgram: per node whether a program computes it.
    mutating func stages(_ context: RegionContext, isProgram: [Bool]) throws -> [any Stage] {
        let members = graph.nodes.indices.filter { isProgram[$0] }
        // Tensors that go from one program to another get their slots first.
        for number in members {
            for case let ref? in graph.nodes[number].inputs
            where constants[ref] == nil && (levels[ref.node] != levels[number] || controlFlow[ref.node] != nil) {
                _ = source(of: ref)
            }
        }
        let last = (members + controlFlow.keys).map { levels[$0] }.max() ?? 0
        var stages: [any Stage] = []
        for level in 0...last {
            let exported = slotOf.keys.filter { ref in
                // A constant that somebody wants as a tensor is copied in the beginning.
                constants[ref] == nil ? isProgram[ref.node] && levels[ref.node] == level : level == 0
            }.sorted { ($0.node, $0.output) < ($1.node, $1.output) }
            if !exported.isEmpty {
                stages.append(try program(exported, members.filter { levels[$0] == level }, context))
            }
            for number in controlFlow.keys.sorted() where levels[number] == level {
                guard let (flow, inputs) = controlFlow[number] else { continue }
                let outputs = graph.nodes[number].outputs.indices.compactMap { slotOf[TensorRef(number, $0)] }
                stages.append(flow.stage(inputs: inputs, outputs: outputs))
            }
        }
        return stages
    }

    private mutating func program(
        _ exported: [TensorRef], _ members: [Int], _ context: RegionContext
    ) throws -> ProgramStage {
        var part = Graph(name: graph.name)
        var names = Set(members.map { graph.nodes[$0].name })
        var places: [TensorRef: TensorRef] = [:]
        var inputs: [RegionPlan.Source] = []
        func place(_ ref: TensorRef, _ source: (TensorRef) -> RegionPlan.Source) -> TensorRef {
            if let place = places[ref] { return place }
            let name = names.fresh("\(graph.nodes[ref.node].name)_\(ref.output)")
            let node: Node
            if let value = constants[ref] {
                node = Node(name: name, type: "Const", outputs: [value.desc], attributes: ["value": .tensor(value)])
            } else {
                node = Node(
                    name: name, type: "Data",
                    outputs: descs[ref].map { [TensorDesc($0.dataType, $0.shape, format: $0.format)] } ?? [],
                    attributes: ["index": .int(Int64(inputs.count))])
                inputs.append(source(ref))
            }
            places[ref] = part.append(node)
            return places[ref] ?? ref
        }
        for number in members {
            var node = graph.nodes[number]
            for (slot, ref) in node.inputs.enumerated() {
                guard let ref else { continue }
                node.inputs[slot] = place(ref) { source(of: $0) }
            }
            node.controlInputs = []
            node.inputDescs = []
            node.outputs = node.outputs.indices.map { descs[TensorRef(number, $0)] ?? node.outputs[$0] }
            let number = (number, part.append(node).node)
            for output in node.outputs.indices {
                places[TensorRef(number.0, output)] = TensorRef(number.1, output)
            }
        }
        let results = exported.map { ref in place(ref) { source(of: $0) } }
        part.append(Node(name: names.fresh("Node_Output"), type: "NetOutput", inputs: results))
        let found = exported.enumerated().compactMap { output, ref in
            counted[ref].map { (output: output, axis: $0, node: graph.nodes[ref.node].name) }
        }
        return ProgramStage(
            program: try StageProgram(part, context), inputs: inputs,
            outputs: exported.compactMap { slotOf[$0] }, counted: found)
    }
}
