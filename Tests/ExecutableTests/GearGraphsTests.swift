// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@testable import Executable

/// Models in the form that GE's multi-batch pass gives them, built by hand.
@Suite struct GearGraphsTests {
    /// y = relu(x · 2 weights + z), x [n, 3], for n of 1 and 4; the weights are a constant of the root, as in GE's files.
    private func model() -> Model {
        var root = Graph(name: "root")
        func data(_ name: String, _ type: DataType, _ shape: [Int], _ index: Int64, open: [Int64]? = nil) -> TensorRef {
            var attributes: [String: Attribute] = ["index": .int(index)]
            if let open { attributes["_mbatch_origin_input_dims"] = .ints(open) }
            return root.append(
                Node(name: name, type: "Data", outputs: [TensorDesc(type, shape)], attributes: attributes))
        }
        let x = data("x", .float, [4, 3], 0, open: [-1, 3])
        let z = data("z", .float, [3], 1)
        let selector = data("ascend_mbatch_shape_data", .int32, [1], 2)
        let weights = Graphs.const(&root, "weights", [1, 2, 3], [3])
        let table = Constant(ints: [1, 4], dataType: .int32)
        let tableRef = root.append(
            Node(name: "table", type: "Const", outputs: [table.desc], attributes: ["value": .tensor(table)]))
        let number = root.append(
            Node(name: "map", type: "MapIndex", inputs: [selector, tableRef], outputs: [TensorDesc(.int32, [])]))
        let choice = root.append(
            Node(
                name: "case", type: "Case", inputs: [number, x, weights, z], outputs: [TensorDesc(.float, [4, 3])],
                attributes: [
                    "_batch_num": .int(2), "_pred_value_0": .ints([1]), "_pred_value_1": .ints([4]),
                    "mbatch_dynamic_type": .int(1), "user_designate_shape_order": .strings(["x", "z"]),
                ], subgraphs: ["Batch_0", "Batch_1"]))
        // Nodes behind the Case node state the shape of the largest gear.
        let relu = root.append(
            Node(name: "relu", type: "Relu", inputs: [choice], outputs: [TensorDesc(.float, [4, 3])]))
        Graphs.output(&root, [relu])
        return Model(name: "gears", graph: root, subgraphs: [branch(0, 1), branch(1, 4)])
    }

    private func branch(_ gear: Int, _ size: Int) -> Graph {
        var graph = Graph(name: "Batch_\(gear)")
        func data(_ name: String, _ shape: [Int], _ parent: Int64) -> TensorRef {
            graph.append(
                Node(
                    name: "\(name)_\(gear)", type: "Data", outputs: [TensorDesc(.float, shape)],
                    attributes: ["_parent_node_index": .int(parent)]))
        }
        let z = data("z", [3], 3)
        let x = data("x", [size, 3], 1)
        let weights = data("weights", [3], 2)
        let product = graph.append(
            Node(
                name: "product_\(gear)", type: "Mul", inputs: [x, weights], outputs: [TensorDesc(.float, [size, 3])]))
        let sum = graph.append(
            Node(name: "sum_\(gear)", type: "Add", inputs: [product, z], outputs: [TensorDesc(.float, [size, 3])]))
        Graphs.output(&graph, [sum])
        graph.nodes[graph.nodes.count - 1].name += "_\(gear)"
        return graph
    }

    /// Its place in the root.
    private static let caseNode = 6

    private func prepare(_ model: Model) throws -> PreparedModel {
        try unsafe PreparedModel(model, weights: UnsafeRawBufferPointer(start: nil, count: 0), threads: 1)
    }

    @Test func eachGearHasItsShapesAndAllTheInputs() throws {
        let prepared = try prepare(model())
        #expect(prepared.gears == GearTable(selectorInput: 2, gears: [[1], [4]]))
        #expect(prepared.inputBytes == [48, 12, 4])
        #expect(prepared.inputBytes(gear: 0) == [12, 12, 4])
        #expect(prepared.outputBytes == [48])
        #expect(prepared.outputDescs(gear: 0).map(\.shape) == [[1, 3]])
        #expect(prepared.outputDescs(gear: 1).map(\.shape) == [[4, 3]])
        // The one constant is stored once.
        #expect(prepared.weightBytes == 64 + 63)
    }

    @Test func eachGearComputes() throws {
        let running = try Running(model(), misalignment: 5)
        let z: [Float] = [1, -2, 3]
        for (gear, size) in [(1, 4), (0, 1), (1, 4)] {
            let x = (0..<3 * size).map { Float($0) - 5 }
            var expected: [Float] = []
            for (index, value) in x.enumerated() {
                expected.append(max(value * Float(index % 3 + 1) + z[index % 3], 0))
            }
            #expect(try running.run([x, z, [0]], gear: gear) == [expected])
        }
        #expect(running.isSurroundingIntact)
    }

    @Test func eachGearKeepsNaN() throws {
        let running = try Running(model(), misalignment: 5)
        for (number, (gear, size)) in [(1, 4), (0, 1), (1, 4)].enumerated() {
            let x = [.nan] + [Float](repeating: 1, count: 3 * size - 1)
            let found = try running.run([x, [1, -2, 3], [0]], gear: gear)[0]
            #expect(found.map(\.isNaN) == x.map(\.isNaN))
            #expect(running.exactExecutions == running.exactExecutions(after: number + 1))
        }
        #expect(running.isSurroundingIntact)
    }

    @Test func valuesChooseTheGear() {
        let table = GearTable(selectorInput: 0, gears: [[1, 2], [1, 3], [4, 2]])
        for (values, gear) in [
            ([1, 2], 0), ([1, 3], 1), ([4, 2], 2), ([4, 3], nil), ([2, 1], nil), ([0, 0], nil),
        ]
            as [([Int32], Int?)]
        {
            unsafe values.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else { return }
                #expect(unsafe table.index(at: start) == gear)
                #expect(unsafe table.values(at: start) == values)
            }
        }
        #expect(table.selectorBytes == 8)
        #expect(table.gears == [[1, 2], [1, 3], [4, 2]])
    }

    @Test func dimensionsGoToTheInputsInTheDesignatedOrder() throws {
        var model = model()
        model.graph.nodes[0].attributes["_mbatch_origin_input_dims"] = .ints([-1, -1])
        model.graph.nodes[1].attributes["_mbatch_origin_input_dims"] = .ints([-1])
        model.graph.nodes[2].outputs[0].shape = [3]
        let place = Self.caseNode
        model.graph.nodes[place].attributes["user_designate_shape_order"] = .strings(["z", "x"])
        model.graph.nodes[place].attributes["_pred_value_0"] = .ints([3, 1, 3])
        model.graph.nodes[place].attributes["_pred_value_1"] = .ints([3, 4, 3])
        let prepared = try prepare(model)
        #expect(prepared.inputBytes(gear: 0) == [12, 12, 12])
        #expect(prepared.inputBytes(gear: 1) == [48, 12, 12])
    }

    @Test(arguments: [
        "_batch_num", "_pred_value_1", "case", "map", "branch", "selector", "parent", "shape", "output", "data",
    ])
    func refusesModelsThatDoNotFitTogether(defect: String) throws {
        var model = model()
        let place = Self.caseNode
        switch defect {
        case "_batch_num": model.graph.nodes[place].attributes["_batch_num"] = .int(3)
        case "_pred_value_1": model.graph.nodes[place].attributes["_pred_value_1"] = .ints([4, 5])
        case "case": model.graph.nodes[place].inputs[0] = TensorRef(0)
        case "map": model.graph.nodes[place + 1].inputs = [TensorRef(place - 1)]
        case "branch": model.graph.nodes[place].subgraphs = ["Batch_0", "Batch_2"]
        case "selector": model.graph.nodes[2].outputs[0] = TensorDesc(.int64, [1])
        case "parent": model.subgraphs[1].nodes[0].attributes["_parent_node_index"] = .int(9)
        case "shape": model.graph.nodes[0].attributes["_mbatch_origin_input_dims"] = .ints([-1, -1])
        case "data":
            model.graph.nodes.insert(Node(name: "none", type: "Data", attributes: ["index": .int(9)]), at: 0)
            for number in model.graph.nodes.indices {
                model.graph.nodes[number].inputs = model.graph.nodes[number].inputs.map { ref in
                    ref.map { TensorRef($0.node + 1, $0.output) }
                }
            }
        default: model.subgraphs[0].nodes[5].inputs = []
        }
        #expect(throws: GraphError.self) { try prepare(model) }
    }
}
