// SPDX-License-Identifier: Apache-2.0

public import GEGraph
import SaturatingArithmetic

/// A model with gears taken apart: one static graph per gear, all with the inputs and outputs of the whole model.
///
/// Source: GE's multi-batch pass puts the network as often as there are gears into the branches of a Case node, whose
/// branch a MapIndex node finds from the values in the input `ascend_mbatch_shape_data`.
public struct GearGraphs {
    let table: GearTable
    let graphs: [Graph]

    /// Nil for a model without gears.
    init?(_ model: Model) throws(GraphError) {
        guard !model.subgraphs.isEmpty,
            let number = model.graph.nodes.firstIndex(where: { $0.type == "Case" && $0.attributes["_batch_num"] != nil }
            )
        else { return nil }
        try model.graph.validate()
        let structure = try Structure(model, caseNode: number)
        table = GearTable(selectorInput: structure.selectorInput, gears: structure.gears)
        var graphs: [Graph] = []
        for (gear, branch) in structure.branches.enumerated() {
            try branch.validate()
            graphs.append(try Expansion(structure, gear: gear).graph)
        }
        self.graphs = graphs
    }

    /// A model of static shape for each gear, with the inputs and outputs of `model`; `model` itself if it has no gears.
    public static func staticModels(of model: Model) throws(GraphError) -> [Model] {
        guard let gears = try GearGraphs(model) else { return [model] }
        return gears.graphs.map { Model(name: model.name, graph: $0, attributes: model.attributes) }
    }
}

/// What the nodes around the branches say.
private struct Structure {
    let root: Graph
    let caseNode: Int
    let mapNode: Int
    let selectorInput: Int
    let gears: [[Int32]]
    let branches: [Graph]

    init(_ model: Model, caseNode: Int) throws(GraphError) {
        let root = model.graph
        self.root = root
        self.caseNode = caseNode
        let node = root.nodes[caseNode]
        guard let map = node.inputs.first ?? nil, root.nodes[map.node].type == "MapIndex",
            let selector = root.nodes[map.node].inputs.first ?? nil,
            let place = root.inputNodes.firstIndex(of: selector.node)
        else { throw node.invalid("its branch is not chosen by a MapIndex node from an input of the model") }
        if let input = root.inputNodes.first(where: { root.nodes[$0].outputs.isEmpty }) {
            throw root.nodes[input].invalid("it is an input without a descriptor")
        }
        mapNode = map.node
        selectorInput = place
        gears = try Self.gears(of: node)
        let desc = root.nodes[selector.node].outputs[selector.output]
        guard desc.dataType == .int32, desc.elementCount == gears[0].count else {
            throw root.nodes[selector.node].invalid(
                "it chooses the gear and is \(desc.dataType) \(desc.shape), expected \(gears[0].count) numbers of 32 bits"
            )
        }
        var graphs: [String: Graph] = [:]
        for graph in model.subgraphs { graphs[graph.name] = graph }
        var branches: [Graph] = []
        for name in node.subgraphs {
            guard let graph = graphs[name] else { throw .missingSubgraph(node: node.name, name: name) }
            branches.append(graph)
        }
        guard branches.count == gears.count, Set(node.subgraphs).count == gears.count else {
            throw node.invalid(
                "it has \(branches.count) branches, \(Set(node.subgraphs).count) of them different, for \(gears.count) gears"
            )
        }
        // Each gear gets the nodes around the branches: not much more in all than the model has.
        let inBranches = branches.reduce(0) { $0 + $1.nodes.count }
        guard root.nodes.count * gears.count <= max(1 << 16, inBranches) else {
            throw node.invalid("there are \(root.nodes.count) nodes around \(gears.count) gears, too many to repeat")
        }
        self.branches = branches
    }

    private static func gears(of node: Node) throws(GraphError) -> [[Int32]] {
        guard let count = node.attributes.int("_batch_num"), count > 0, count <= node.subgraphs.count else {
            throw node.invalid("it states _batch_num \(node.attributes.int("_batch_num") ?? 0)")
        }
        var gears: [[Int32]] = []
        for number in 0..<count {
            let values = (node.attributes.ints("_pred_value_\(number)") ?? []).map { Int32(exactly: $0) ?? 0 }
            guard !values.isEmpty, values.allSatisfy({ $0 > 0 }), values.count == gears.first?.count ?? values.count
            else {
                throw node.invalid("gear \(number) has the values \(values), expected as many positive ones as others")
            }
            gears.append(values)
        }
        return gears
    }

    /// The shape that each input with dimensions of −1 has in a gear, by node.
    ///
    /// As in GE, an input with as many open dimensions as a gear has values takes them all; otherwise the inputs take
    /// theirs one after the other, in the order of the option `--input_shape`.
    func inputShapes(gear: Int) throws(GraphError) -> [Int: [Int]] {
        let values = gears[gear].map { Int($0) }
        let named = root.nodes[caseNode].attributes.strings("user_designate_shape_order") ?? []
        let inputs = root.inputNodes
        let numbers = Dictionary(inputs.map { (root.nodes[$0].name, $0) }, uniquingKeysWith: { first, _ in first })
        let isNamed = Set(named)
        let ordered = named.compactMap { numbers[$0] } + inputs.filter { !isNamed.contains(root.nodes[$0].name) }
        var shapes: [Int: [Int]] = [:]
        var next = 0
        for input in ordered {
            guard var shape = root.nodes[input].attributes.ints("_mbatch_origin_input_dims") else { continue }
            let open = shape.indices.filter { shape[$0] < 0 }
            let first = open.count == values.count ? 0 : next
            guard first + open.count <= values.count else {
                throw root.nodes[input].invalid("its shape \(shape) has more open dimensions than a gear has values")
            }
            for (offset, axis) in open.enumerated() { shape[axis] = values[first + offset] }
            next += open.count
            shapes[input] = shape
        }
        return shapes
    }
}

/// The root graph with one branch in the place of the Case node.
private struct Expansion {
    private(set) var graph: Graph
    private let structure: Structure
    /// For each node of the root, where its outputs are found in `graph`.
    private var places: [[TensorRef?]] = []

    init(_ structure: Structure, gear: Int) throws(GraphError) {
        self.structure = structure
        graph = Graph(name: structure.branches[gear].name)
        let shapes = try structure.inputShapes(gear: gear)
        for (number, node) in structure.root.nodes.enumerated() {
            if number == structure.caseNode {
                places.append(try insert(structure.branches[gear], in: node))
            } else if number == structure.mapNode {
                places.append(node.outputs.map { _ in nil })
            } else {
                append(try renewed(node, shape: shapes[number]))
            }
        }
    }

    private mutating func append(_ node: Node) {
        let place = graph.append(node).node
        places.append(node.outputs.indices.map { TensorRef(place, $0) })
    }

    /// A node of the root for this gear: what the file states of its outputs holds for the largest gear only.
    private func renewed(_ node: Node, shape: [Int]?) throws(GraphError) -> Node {
        var node = node
        node.inputs = try places(of: node.inputs, for: node)
        node.controlInputs = []
        node.inputDescs = []
        if Graph.dataTypes.contains(node.type) {
            if let shape, !node.outputs.isEmpty { node.outputs[0].shape = shape }
        } else if node.constant == nil {
            for output in node.outputs.indices { node.outputs[output].shape = [-1] }
        }
        return node
    }

    private func places(of inputs: [TensorRef?], for node: Node) throws(GraphError) -> [TensorRef?] {
        var found: [TensorRef?] = []
        for (slot, ref) in inputs.enumerated() {
            guard let ref else {
                found.append(nil)
                continue
            }
            guard let place = places[ref.node][ref.output] else {
                throw node.invalid("input \(slot) depends on the number of the gear itself")
            }
            found.append(place)
        }
        return found
    }

    /// Appends the nodes of a branch, and returns where the outputs of the Case node are then found.
    private mutating func insert(_ branch: Graph, in node: Node) throws(GraphError) -> [TensorRef?] {
        // The first input is the number of the branch.
        let arguments = [nil] + (try places(of: Array(node.inputs.dropFirst()), for: node))
        var results = [TensorRef?](repeating: nil, count: node.outputs.count)
        var inner: [[TensorRef?]] = []
        for body in branch.nodes {
            if Graph.dataTypes.contains(body.type) {
                let index = body.attributes.int("_parent_node_index") ?? (body.attributes.int("index") ?? 0) + 1
                guard arguments.indices.contains(index), let argument = arguments[index] else {
                    throw body.invalid("it stands for input \(index) of '\(node.name)', which has none there")
                }
                // The bytes of images before AIPP stand in no shape, but in the descriptor of each gear.
                if body.attributes["_data_related_aipp_mode"] != nil, !body.outputs.isEmpty {
                    graph.nodes[argument.node].outputs = body.outputs
                }
                inner.append(body.outputs.map { _ in argument })
                continue
            }
            let inputs = body.inputs.map { ref in ref.flatMap { inner[$0.node][$0.output] } }
            if body.type == "NetOutput" {
                for (slot, ref) in inputs.enumerated() {
                    let stated = body.inputDescs.indices.contains(slot) ? body.inputDescs[slot] : nil
                    let index = stated?.attributes.int("_parent_node_index") ?? slot
                    guard results.indices.contains(index) else {
                        throw body.invalid("it gives output \(index) of '\(node.name)', which has \(results.count)")
                    }
                    results[index] = ref
                }
                inner.append(body.outputs.map { _ in nil })
                continue
            }
            var copy = body
            copy.inputs = inputs
            copy.controlInputs = []
            let place = graph.append(copy).node
            inner.append(copy.outputs.indices.map { TensorRef(place, $0) })
        }
        return results
    }
}
