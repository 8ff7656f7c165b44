// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@testable import ONNXImport

struct ImportTests {
    // MARK: - Names

    @Test func nodesInitializersAndOutputsAreNamedAsTheOriginalDoes() throws {
        var builder = ModelBuilder(opset: 13)
        builder.input("x", [2, 4])
        builder.initializer("w", floats: [Float](repeating: 0.5, count: 12), [4, 3])
        builder.initializer("b", floats: [1, 2, 3], [3])
        builder.node("Gemm", ["x", "w", "b"], ["h"], name: "dense")
        builder.node("Relu", ["h"], ["y"], name: "act")
        builder.output("y")
        let draft = try builder.imported()
        let names = draft.nodes.map(\.name)
        #expect(names.contains("b_Initializer_0") && names.contains("w_Initializer_1"))
        #expect(names.contains { $0.hasPrefix("PartitionedCall_dense_MatMulV2_") })
        #expect(names.contains("act") && names.contains("Node_Output"))
        let model = try builder.convert()
        #expect(model.attributes.strings("attr_model_out_nodes_name") == ["act:0:y"])
        #expect(model.graph.nodes.filter { $0.type == "MatMulV2" }.first?.inputs.count == 3)
    }

    @Test func namesAreMadeUpAndKeptUnique() throws {
        var builder = ModelBuilder(opset: 13)
        builder.input("x", [4])
        builder.node("Relu", ["x"], ["a"], name: "")
        builder.node("Tanh", ["a"], ["b"], name: "x")
        builder.node("Neg", ["b"], ["y"], name: "x")
        builder.output("y")
        let graph = try builder.convert().graph
        #expect(Set(graph.nodes.map(\.name)).count == graph.nodes.count)
        #expect(graph.nodes.contains { $0.name.hasPrefix("Relu_") })
        #expect(throws: Never.self) { try graph.validate() }
    }

    @Test func inputsThatAreInitializersAreConstants() throws {
        var builder = ModelBuilder(opset: 9)
        builder.input("x", [4])
        builder.input("w", [4])
        builder.initializer("w", floats: [1, 2, 3, 4], [4])
        builder.node("Mul", ["x", "w"], ["y"])
        builder.output("y")
        #expect(try builder.convert().graph.inputNodes.count == 1)
    }

    // MARK: - Forms by opset

    @Test(arguments: [12, 13])
    func axesAreAttributesOrInputs(opset: Int) throws {
        var builder = ModelBuilder(opset: opset)
        builder.input("x", [2, 1, 3])
        builder.initializer("axes", ints: [1])
        if opset < 13 {
            builder.node("Squeeze", ["x"], ["a"], ["axes": [1]])
            builder.node("Unsqueeze", ["a"], ["b"], ["axes": [0, 3]])
            builder.node("ReduceSum", ["b"], ["y"], ["axes": [1], "keepdims": 0])
        } else {
            builder.initializer("outer", ints: [0, 3])
            builder.node("Squeeze", ["x", "axes"], ["a"])
            builder.node("Unsqueeze", ["a", "outer"], ["b"])
            builder.node("ReduceSum", ["b", "axes"], ["y"], ["keepdims": 0])
        }
        builder.output("y")
        #expect(try builder.imported().outputShape == [1, 3, 1])
    }

    @Test(arguments: [9, 10])
    func sliceBoundsAreAttributesOrInputs(opset: Int) throws {
        var builder = ModelBuilder(opset: opset)
        builder.input("x", [4, 6])
        if opset < 10 {
            builder.node("Slice", ["x"], ["y"], ["starts": [1], "ends": [5], "axes": [1]])
        } else {
            for (name, value) in [("starts", 1), ("ends", 5), ("axes", 1)] { builder.initializer(name, ints: [value]) }
            builder.node("Slice", ["x", "starts", "ends", "axes"], ["y"])
        }
        builder.output("y")
        #expect(try builder.imported().outputShape == [4, 4])
    }

    @Test(arguments: [10, 11])
    func clipBoundsAreAttributesOrInputs(opset: Int) throws {
        var builder = ModelBuilder(opset: opset)
        builder.input("x", [4])
        if opset < 11 {
            builder.node("Clip", ["x"], ["y"], ["min": Float(0), "max": Float(6)])
        } else {
            builder.initializer("low", floats: [0], [])
            builder.initializer("high", floats: [6], [])
            builder.node("Clip", ["x", "low", "high"], ["y"])
        }
        builder.output("y")
        #expect(try builder.imported().computingTypes == ["ClipByValue"])
    }

    @Test func oneSidedClips() throws {
        for (inputs, type) in [(["x", "bound"], "Maximum"), (["x", "", "bound"], "Minimum"), (["x"], "Identity")] {
            // Only a type with infinities needs the other bound.
            for (element, expected) in [(ONNXTensorProto.DataType.float, "ClipByValue"), (.int64, type)] {
                var builder = ModelBuilder(opset: 13)
                builder.input("x", [4], type: element)
                builder.input("bound", [], type: element)
                builder.node("Clip", inputs, ["y"])
                builder.output("y")
                #expect(try builder.imported().computingTypes == [expected])
            }
        }
    }

    @Test(arguments: [10, 11])
    func padsAreAttributesOrInputs(opset: Int) throws {
        var builder = ModelBuilder(opset: opset)
        builder.input("x", [2, 3])
        if opset < 11 {
            builder.node("Pad", ["x"], ["y"], ["pads": [0, 1, 0, 2]])
        } else {
            builder.initializer("pads", ints: [0, 1, 0, 2])
            builder.node("Pad", ["x", "pads"], ["y"])
        }
        builder.output("y")
        #expect(try builder.imported().outputShape == [2, 6])
    }

    @Test func softmaxRowsSpanSeveralDimensionsBeforeOpset13() throws {
        func types(opset: Int, shape: [Int]) throws -> [String] {
            var builder = ModelBuilder(opset: opset)
            builder.input("x", shape)
            builder.node("Softmax", ["x"], ["y"], ["axis": 1])
            builder.output("y")
            return try builder.imported().computingTypes
        }
        #expect(try types(opset: 12, shape: [2, 3, 4]) == ["Reshape", "SoftmaxV2", "Reshape"])
        #expect(try types(opset: 12, shape: [2, 3, 1, 1]) == ["SoftmaxV2"])
        #expect(try types(opset: 13, shape: [2, 3, 4]) == ["SoftmaxV2"])
    }

    // MARK: - Shapes

    @Test func shapeArithmeticIsFolded() throws {
        var builder = ModelBuilder(opset: 13)
        builder.input("x", [-1, 6, -1])
        builder.initializer("last", ints: [2])
        builder.initializer("open", ints: [-1])
        builder.node("Shape", ["x"], ["shape"])
        builder.node("Gather", ["shape", "last"], ["width"])
        builder.node("Concat", ["open", "width"], ["target"], ["axis": 0])
        builder.node("Reshape", ["x", "target"], ["y"])
        builder.output("y")
        let graph = try builder.convert(ImportOptions(inputShapes: ["x": [2, 6, 5]])).graph
        #expect(graph.nodes.filter { !["Data", "Const", "NetOutput"].contains($0.type) }.map(\.type) == ["Reshape"])
        #expect(graph.desc(of: TensorRef(graph.nodes.firstIndex { $0.type == "Reshape" } ?? 0)).shape == [12, 5])
    }

    @Test func sameAndOneDimensionalConvolutions() throws {
        var builder = ModelBuilder(opset: 13)
        builder.input("x", [1, 2, 7])
        builder.initializer("w", floats: [Float](repeating: 1, count: 24), [3, 2, 4])
        builder.node("Conv", ["x", "w"], ["y"], ["auto_pad": "SAME_UPPER", "strides": [2]])
        builder.output("y")
        let draft = try builder.imported()
        #expect(draft.outputShape == [1, 3, 4])
        // Reach 3·2 + 4 = 10 over 7 elements: 3 more, the larger half at the end.
        #expect(draft.node(ofType: "Conv2D")?.attributes.ints("pads") == [0, 0, 1, 2])
    }

    @Test func aConditionKnownAtConversionChoosesTheBranch() throws {
        var branches: [String: Any] = [:]
        for (name, type) in [("then_branch", "Relu"), ("else_branch", "Tanh")] {
            var graph = ONNXGraphProto()
            graph.node = [ModelBuilder.node(type, ["x"], ["\(type)_y"], name: type)]
            graph.output = [ModelBuilder.value("\(type)_y", [], .float)]
            branches[name] = graph
        }
        var builder = ModelBuilder(opset: 13)
        builder.input("x", [3])
        builder.initializer("three", ints: [3])
        builder.node("Shape", ["x"], ["shape"])
        builder.node("Equal", ["shape", "three"], ["condition"])
        builder.node("If", ["condition"], ["y"], branches)
        builder.output("y")
        #expect(try builder.imported().computingTypes == ["Relu"])
    }

    // MARK: - Errors

    @Test func everyMissingOperatorIsNamed() throws {
        var builder = ModelBuilder(opset: 13)
        builder.input("x", [3])
        builder.node("Nonsense", ["x"], ["a"], name: "first")
        builder.node("Absurd", ["a"], ["y"], name: "second")
        builder.output("y")
        let error = #expect(throws: ConversionError.self) { try builder.convert() }
        #expect(error?.code == "E16002")
        #expect(error?.message.contains("[ai.onnx::13::Nonsense] of node [first]") == true)
        #expect(error?.message.contains("[ai.onnx::13::Absurd] of node [second]") == true)
    }

    @Test func operatorsThatTheRuntimeLacksAreNamed() throws {
        var builder = ModelBuilder(opset: 13)
        builder.input("x", [3, 3])
        builder.node("Det", ["x"], ["a"], name: "first")
        builder.node("Neg", ["a"], ["y"], name: "second")
        builder.output("y")
        let error = #expect(throws: ConversionError.self) { try builder.convert() }
        #expect(error?.code == "E10501")
        #expect(error?.message.contains("[MatrixDeterminant] of node [first]") == true)
        #expect(error?.message.contains("second") == false)
    }

    @Test func damagedTensorsAreRefused() throws {
        var builder = ModelBuilder(opset: 13)
        builder.input("x", [3])
        builder.initializer("w", floats: [1, 2], [3])
        builder.node("Mul", ["x", "w"], ["y"])
        builder.output("y")
        let error = #expect(throws: ConversionError.self) { try builder.convert() }
        #expect(error?.code == "E13014")
        #expect(error?.message.contains("initializer [w]") == true)
    }

    @Test(arguments: [
        ("Reshape", [5]), ("Expand", [4]), ("Transpose", [0]),
    ])
    func nodesThatDoNotFitAreNamed(type: String, numbers: [Int]) throws {
        var builder = ModelBuilder(opset: 13)
        builder.input("x", [2, 3])
        builder.initializer("numbers", ints: numbers)
        if type == "Transpose" {
            builder.node(type, ["x"], ["y"], name: "culprit", ["perm": numbers])
        } else {
            builder.node(type, ["x", "numbers"], ["y"], name: "culprit")
        }
        builder.output("y")
        let error = #expect(throws: ConversionError.self) { try builder.convert() }
        #expect(error?.code == "E13014")
        #expect(error?.message.contains("[culprit]") == true)
    }

    @Test func nodesComeInAnyOrder() throws {
        var builder = ModelBuilder(opset: 13)
        builder.input("x", [3])
        builder.node("Neg", ["a"], ["y"], name: "late")
        builder.node("Abs", ["x"], ["a"], name: "early")
        builder.output("y")
        #expect(try builder.convert().graph.nodes.map(\.name) == ["x", "early", "late", "Node_Output"])
    }
}
