// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@testable import ONNXImport

/// Models with gears have the form that GE's multi-batch pass gives them.
struct GearImportTests {
    /// y = x · w for x of n rows, and the sum of x over its rows.
    private func builder() -> ModelBuilder {
        var builder = ModelBuilder(opset: 13)
        builder.input("x", [-1, 4])
        builder.input("s", [3])
        builder.initializer("w", floats: (0..<12).map { Float($0) }, [4, 3])
        builder.initializer("axes", ints: [0])
        builder.node("MatMul", ["x", "w"], ["h"], name: "product")
        builder.node("Add", ["h", "s"], ["y"], name: "shift")
        builder.node("ReduceSum", ["x", "axes"], ["z"], name: "sum", ["keepdims": 0])
        builder.output("y", "z")
        return builder
    }

    private func model() throws -> Model {
        try builder().convert(
            ImportOptions(
                inputShapes: ["x": [-1, 4]],
                gears: ImportGears(kind: .batch, values: [[2], [5], [1]], inputOrder: ["x"])))
    }

    private func node(_ type: String, in graph: Graph) throws -> Node {
        guard let node = graph.nodes.first(where: { $0.type == type }) else { throw ConversionError("test", type) }
        return node
    }

    @Test func theRootChoosesABranch() throws {
        let model = try model()
        let inputs = model.graph.inputNodes.map { model.graph.nodes[$0] }
        #expect(inputs.map(\.name) == ["x", "s", "ascend_mbatch_shape_data"])
        #expect(inputs.map { $0.attributes.int("index") } == [0, 1, 2])
        #expect(inputs.map { $0.outputs[0].shape } == [[5, 4], [3], [1]])
        #expect(inputs[0].attributes.ints("_mbatch_origin_input_dims") == [-1, 4])
        #expect(inputs[1].attributes.ints("_mbatch_origin_input_dims") == nil)
        #expect(inputs[2].outputs[0].dataType == .int32)
        let table = try node("Const", in: model.graph)
        #expect(table.constant?.ints == [2, 5, 1])
        let choice = try node("Case", in: model.graph)
        #expect(choice.inputNames == ["branch_index", "input0", "input1"])
        #expect(choice.subgraphs == ["Batch_0", "Batch_1", "Batch_2"])
        #expect(choice.outputs.map(\.shape) == [[5, 3], [4]])
        #expect(choice.attributes.int("_batch_num") == 3)
        #expect(choice.attributes.ints("_pred_value_1") == [5])
        #expect(choice.attributes.int("mbatch_dynamic_type") == 1)
        #expect(choice.attributes.strings("user_designate_shape_order") == ["x"])
        let output = try node("NetOutput", in: model.graph)
        #expect(
            output.attributes.strings("_dynamic_output_dims") == [
                "0,0,2,3", "0,1,4", "1,0,5,3", "1,1,4", "2,0,1,3", "2,1,4",
            ])
        #expect(
            model.attributes.strings("attr_model_out_nodes_name")?.map { $0.split(separator: ":").last } == ["y", "z"])
        #expect(throws: Never.self) { try model.graph.validate() }
    }

    @Test func eachBranchIsTheNetworkInOneShape() throws {
        let model = try model()
        #expect(model.subgraphs.map(\.name) == ["Batch_0", "Batch_1", "Batch_2"])
        for (gear, (branch, size)) in zip(model.subgraphs, [2, 5, 1]).enumerated() {
            #expect(throws: Never.self) { try branch.validate() }
            #expect(branch.nodes.allSatisfy { $0.name.hasSuffix("_ascend_mbatch_batch_\(gear)") })
            #expect(branch.nodes.allSatisfy { $0.attributes.string("_batch_label") == "Batch_\(gear)" })
            let inputs = branch.inputNodes.map { branch.nodes[$0] }
            #expect(inputs.map { $0.attributes.int("_parent_node_index") } == [1, 2])
            #expect(inputs.map { $0.outputs[0].shape } == [[size, 4], [3]])
            let output = try node("NetOutput", in: branch)
            #expect(output.inputDescs.map(\.shape) == [[size, 3], [4]])
            #expect(output.inputDescs.map { $0.attributes.int("_parent_node_index") } == [0, 1])
        }
    }

    @Test func dimensionsAreGivenInTheOrderOfTheInputs() {
        let open = ["a": [-1, 3, -1], "b": [7], "c": [2, -1]]
        let dims = ImportGears(kind: .dims, values: [[1, 2, 3], [4, 5, 6]], inputOrder: ["c", "b", "a"])
        #expect(dims.shapes(open, gear: 0) == ["a": [2, 3, 3], "b": [7], "c": [2, 1]])
        #expect(dims.shapes(open, gear: 1) == ["a": [5, 3, 6], "b": [7], "c": [2, 4]])
        let image = ImportGears(kind: .imageSize, values: [[8, 9]], inputOrder: ["x", "y"])
        #expect(
            image.shapes(["x": [1, 3, -1, -1], "y": [2, 1, -1, -1]], gear: 0) == [
                "x": [1, 3, 8, 9], "y": [2, 1, 8, 9],
            ])
    }

    @Test func anErrorNamesTheGear() throws {
        var builder = ModelBuilder(opset: 13)
        builder.input("x", [-1, 3])
        builder.initializer("shape", ints: [2, -1])
        builder.node("Reshape", ["x", "shape"], ["y"], name: "view")
        builder.output("y")
        let gears = ImportGears(kind: .batch, values: [[2], [3]], inputOrder: ["x"])
        do {
            _ = try builder.convert(ImportOptions(inputShapes: ["x": [-1, 3]], gears: gears))
            Issue.record("nine elements do not make two rows")
        } catch {
            #expect(error.code == "E13014")
            #expect(error.message.contains("In gear [3]") && error.message.contains("view"))
        }
    }
}
