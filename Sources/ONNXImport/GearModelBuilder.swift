// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// Makes one model of the graphs of all gears, in the form that GE's multi-batch pass gives it: a Case node with one branch
/// per gear, chosen by a MapIndex node from an additional input.
struct GearModelBuilder {
    private static let prefix = "ascend_mbatch_shape"
    private static let suffix = "_ascend_mbatch_batch_"

    private let gears: ImportGears
    private let baseOptions: ImportOptions
    /// The gears' graphs as they were imported.
    private var graphs: [Graph] = []
    private var attributes: [String: Attribute] = [:]
    private var elements: Set<Elements> = []

    /// Bytes hashed as a block.
    private struct Elements: Hashable {
        let bytes: [UInt8]

        func hash(into hasher: inout Hasher) {
            unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        }
    }

    init(_ gears: ImportGears, _ options: ImportOptions) {
        self.gears = gears
        baseOptions = options
    }

    /// What to import a gear with.
    func options(gear: Int) -> ImportOptions {
        var options = baseOptions
        options.gears = nil
        options.inputShapes = gears.shapes(baseOptions.inputShapes, gear: gear)
        return options
    }

    /// Adds the model of the next gear.
    mutating func append(_ model: Model) {
        if graphs.isEmpty { attributes = model.attributes }
        var graph = model.graph
        for number in graph.nodes.indices {
            guard var constant = graph.nodes[number].constant, case .inline(let bytes) = constant.data else { continue }
            // Equal constants of several gears share one array.
            constant.data = .inline(elements.insert(Elements(bytes: bytes)).memberAfterInsert.bytes)
            graph.nodes[number].attributes["value"] = .tensor(constant)
        }
        graphs.append(graph)
    }

    /// The model of all gears.
    func model(name: String) -> Model {
        Model(
            name: name, graph: root(name: name), subgraphs: graphs.indices.map { branch(gear: $0) },
            attributes: attributes)
    }

    private func branchName(_ gear: Int) -> String { "Batch_\(gear)" }

    // MARK: The root

    private func root(name: String) -> Graph {
        var root = Graph(name: name)
        var arguments: [TensorRef?] = []
        for position in graphs[0].inputNodes.indices {
            var node = graphs[0].nodes[graphs[0].inputNodes[position]]
            let descs = graphs.map { $0.nodes[$0.inputNodes[position]].outputs[0] }
            node.outputs = [Self.largest(descs)]
            if node.takesImages {
                Self.mergeImages(&node, graphs.map { $0.nodes[$0.inputNodes[position]] })
            } else {
                markOpen(&node)
            }
            arguments.append(root.append(node))
        }
        let values = gears.values[0].count
        let selector = root.append(
            Node(
                name: "\(Self.prefix)_data", type: "Data", outputs: [TensorDesc(.int32, [values])],
                outputNames: ["y"],
                attributes: [
                    "index": .int(Int64(arguments.count)), "mbatch-inserted-node": .bool(true),
                    "_is_multi_batch_shape_data": .bool(true),
                ]))
        let table = root.append(
            Node(
                constant: Constant(ints: gears.values.flatMap { $0 }, dataType: .int32), name: "\(Self.prefix)_const"))
        let number = root.append(
            Node(
                name: "\(Self.prefix)_mapindex", type: "MapIndex", inputs: [selector, table],
                inputNames: ["x", "data_seq"], outputs: [TensorDesc(.int32, [])], outputNames: ["y"]))
        let outputs = outputDescs
        let choice = root.append(
            Node(
                name: "\(Self.prefix)_case", type: "Case", inputs: [number] + arguments,
                inputNames: ["branch_index"] + arguments.indices.map { "input\($0)" },
                outputs: outputs.indices.map { output in Self.largest(outputs[output]) },
                outputNames: outputs.indices.map { "output\($0)" }, attributes: caseAttributes,
                subgraphs: graphs.indices.map { branchName($0) }))
        root.append(
            Node(
                name: "Node_Output", type: "NetOutput", inputs: outputs.indices.map { TensorRef(choice.node, $0) },
                inputNames: outputs.indices.map { "x\($0)" },
                attributes: ["_dynamic_output_dims": .strings(Self.list(outputs))]))
        return root
    }

    private var caseAttributes: [String: Attribute] {
        var attributes: [String: Attribute] = [
            "_batch_num": .int(Int64(gears.values.count)), "mbatch_dynamic_type": .int(Int64(gears.kind.rawValue)),
            "user_designate_shape_order": .strings(gears.inputOrder), "mbatch-inserted-node": .bool(true),
        ]
        for (gear, values) in gears.values.enumerated() {
            attributes["_pred_value_\(gear)"] = .ints(values.map { Int64($0) })
        }
        return attributes
    }

    /// By output and gear.
    private var outputDescs: [[TensorDesc]] {
        let byGear = graphs.map { graph in
            (graph.outputNode.map { graph.nodes[$0].inputs } ?? []).compactMap { $0.map { graph.desc(of: $0) } }
        }
        return byGear[0].indices.map { output in byGear.map { $0[output] } }
    }

    private static func largest(_ descs: [TensorDesc]) -> TensorDesc {
        descs.dropFirst().reduce(descs[0]) { ($1.byteCount ?? 0) > ($0.byteCount ?? 0) ? $1 : $0 }
    }

    /// `gear,output,d0,d1,…` for each gear and output.
    private static func list(_ outputs: [[TensorDesc]]) -> [String] {
        (outputs.first?.indices ?? 0..<0).flatMap { gear in
            outputs.indices.map { output in
                ([gear, output] + outputs[output][gear].shape).map(String.init).joined(separator: ",")
            }
        }
    }

    /// The attributes of an input behind which AIPP works, for all gears: one entry per gear, or −1 where they differ.
    private static func mergeImages(_ node: inout Node, _ nodes: [Node]) {
        for name in ["_aipp_inputs", "_aipp_outputs"] {
            node.attributes[name] = .strings(nodes.flatMap { $0.attributes.strings(name) ?? [] })
        }
        func merged(_ shapes: [[Int]]) -> Attribute {
            .ints(
                shapes[0].indices.map { axis in
                    shapes.allSatisfy { $0[axis] == shapes[0][axis] } ? Int64(shapes[0][axis]) : -1
                })
        }
        node.attributes["input_dims"] = merged(nodes.map { $0.attributes.ints("input_dims") ?? $0.outputs[0].shape })
        node.attributes["_mbatch_origin_input_dims"] = merged(nodes.map { $0.outputs[0].shape })
    }

    /// Notes the shape with −1 where gears change it.
    private func markOpen(_ node: inout Node) {
        guard let shape = baseOptions.inputShapes[node.name], shape.contains(-1) else { return }
        node.attributes["_mbatch_origin_input_dims"] = .ints(shape.map { Int64($0) })
    }

    // MARK: A branch

    private func branch(gear: Int) -> Graph {
        var graph = graphs[gear]
        graph.name = branchName(gear)
        for (position, number) in graph.inputNodes.enumerated() {
            if !graph.nodes[number].takesImages { markOpen(&graph.nodes[number]) }
            // Input 0 of the Case node is the number of the branch.
            graph.nodes[number].attributes["_parent_node_index"] = .int(Int64(position + 1))
        }
        if let number = graph.outputNode {
            graph.nodes[number].inputDescs = graph.nodes[number].inputs.enumerated().compactMap { slot, ref in
                guard var desc = ref.map({ graph.desc(of: $0) }) else { return nil }
                desc.attributes["_parent_node_index"] = .int(Int64(slot))
                return desc
            }
        }
        for number in graph.nodes.indices {
            graph.nodes[number].name += "\(Self.suffix)\(gear)"
            graph.nodes[number].attributes["_batch_label"] = .string("Batch_\(gear)")
        }
        return graph
    }
}

extension Node {
    /// Whether AIPP works behind this input.
    fileprivate var takesImages: Bool { attributes["_data_related_aipp_mode"] != nil }
}
