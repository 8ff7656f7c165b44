// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct ReshapeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var type: String
        var shape: [Int]
        var parameter: [Int]?
        var attributes: [String: Attribute] = [:]
        var expected: [Int]

        var testDescription: String { "\(type) \(shape) \(parameter ?? []) \(attributes)" }
    }

    static let cases: [Case] = [
        Case(type: "Reshape", shape: [2, 3, 4], parameter: [4, 6], expected: [4, 6]),
        Case(type: "Reshape", shape: [2, 3, 4], parameter: [0, -1], expected: [2, 12]),
        Case(type: "Reshape", shape: [2, 3, 4], parameter: [-1], expected: [24]),
        Case(type: "Reshape", shape: [1, 1], parameter: [], expected: []),
        Case(
            type: "Reshape", shape: [0, 3], parameter: [3, 0], attributes: ["allowzero": .int(1)], expected: [3, 0]),
        Case(type: "Reshape", shape: [0, 3], parameter: [0, 7], expected: [0, 7]),
        Case(
            type: "Reshape", shape: [2, 3, 4, 5], parameter: [-1], attributes: ["axis": .int(1), "num_axes": .int(2)],
            expected: [2, 12, 5]),
        Case(
            type: "Reshape", shape: [2, 3, 4, 5], parameter: [0, 5, -1], attributes: ["axis": .int(-3)],
            expected: [2, 3, 4, 5, 1]),
        Case(type: "Squeeze", shape: [1, 3, 1, 2], expected: [3, 2]),
        Case(type: "Squeeze", shape: [1, 3, 1, 2], attributes: ["axis": .ints([-2])], expected: [1, 3, 2]),
        Case(type: "SqueezeV2", shape: [1, 3, 1], attributes: ["axis": .ints([0, 2])], expected: [3]),
        Case(type: "SqueezeV3", shape: [1, 3, 1], parameter: [0], expected: [3, 1]),
        Case(type: "SqueezeV3", shape: [1, 3, 1], expected: [3]),
        Case(type: "Unsqueeze", shape: [3, 2], attributes: ["axes": .ints([0, 3])], expected: [1, 3, 2, 1]),
        Case(type: "Unsqueeze", shape: [], attributes: ["axes": .ints([0])], expected: [1]),
        Case(type: "UnsqueezeV2", shape: [3, 2], attributes: ["axis": .ints([-2])], expected: [3, 1, 2]),
        Case(type: "UnsqueezeV3", shape: [3, 2], parameter: [2, 0], expected: [1, 3, 1, 2]),
        Case(type: "ExpandDims", shape: [3, 2], parameter: [-1], expected: [3, 2, 1]),
        Case(type: "Flatten", shape: [2, 3, 4], expected: [2, 12]),
        Case(type: "Flatten", shape: [2, 3, 4], attributes: ["axis": .int(0)], expected: [1, 24]),
        Case(type: "Flatten", shape: [2, 3, 4], attributes: ["axis": .int(-1)], expected: [6, 4]),
        Case(type: "Flatten", shape: [2, 3, 4], attributes: ["axis": .int(3)], expected: [24, 1]),
        Case(type: "FlattenV2", shape: [2, 3, 4, 5], expected: [2, 60]),
        Case(
            type: "FlattenV2", shape: [2, 3, 4, 5], attributes: ["axis": .int(1), "end_axis": .int(2)],
            expected: [2, 12, 5]),
    ]

    @Test(arguments: cases) func elementsStayAndTheShapeChanges(one: Case) throws {
        for type in Elements.types {
            let x = Elements(type, one.shape, seed: 1)
            let results = try runNode(
                one.type, [.data(x)] + (one.parameter.map { [.ints($0)] } ?? []), one.attributes)
            #expect(results.map(\.shape) == [one.expected])
            #expect(results.first?.bytes == x.bytes)
        }
    }

    @Test func shapesThatDoNotFitAreRefused() {
        let x = Slot.data(Elements(.float, [2, 3], seed: 1))
        expectRefused("Reshape", [x, .ints([7])], "6 elements of the shape [2, 3] do not fit the shape [7]")
        expectRefused("Reshape", [x, .ints([4, -1])], "do not fit the shape [4, -1]")
        expectRefused("Reshape", [x, .ints([-1, -1])], "more than one dimension open")
        expectRefused("Reshape", [x, .ints([-2, -3])], "is not a shape")
        expectRefused("Reshape", [x, .ints([1, 1, 0])], "takes over dimension 2")
        expectRefused("Reshape", [x, .ints([Int.max, Int.max, 4])], "is not a shape")
        expectRefused("Reshape", [x, .ints([6])], ["axis": .int(9)], "axis 9")
        expectRefused("Reshape", [x, .data(Elements(.int64, [1], [6]))], "input 1 must be a constant")
        expectRefused("Squeeze", [x], ["axis": .ints([0])], "dimension 0 of the shape [2, 3] has size 2, expected 1")
        expectRefused("Squeeze", [x], ["axis": .ints([2])], "axis 2 is out of range")
        expectRefused("Unsqueeze", [x], ["axes": .ints([0, -4])], "name one dimension twice")
        expectRefused("Unsqueeze", [x], "attribute axes is missing")
        expectRefused("ExpandDims", [x, .ints([3])], "axis 3 is out of range")
        expectRefused("Flatten", [x], ["axis": .int(3)], "axis 3 is out of range")
        expectRefused("FlattenV2", [x], ["axis": .int(1), "end_axis": .int(0)], "axis 1 lies behind end_axis 0")
    }

    @Test func aComputedShapeIsAcceptedWhereTheModelStatesTheResult() throws {
        var graph = Graph(name: "test")
        let x = graph.append(Node(name: "x", type: "Data", outputs: [TensorDesc(.float, [2, 3])]))
        let shape = graph.append(
            Node(name: "shape", type: "Data", outputs: [TensorDesc(.int64, [1])], attributes: ["index": .int(1)]))
        let node = Node(
            name: "node", type: "Reshape", inputs: [x, shape], outputs: [TensorDesc(.float, [3, 2])])
        #expect(try inferred(node, in: graph).map(\.shape) == [[3, 2]])
    }
}

@Suite struct IdentityTests {
    @Test(arguments: ["Identity", "TensorMove", "StopGradient", "PlaceholderWithDefault", "Dropout"])
    func theInputIsPassedOn(type: String) throws {
        for element in Elements.types {
            let x = Elements(element, [3, 4], seed: 2)
            #expect(try runNode(type, [.data(x)]) == [x])
        }
    }

    @Test func severalInputsArePassedOn() throws {
        let (x, y) = (Elements(.float, [3, 4], seed: 3), Elements(.int8, [5], seed: 4))
        #expect(try runNode("IdentityN", [.data(x), .data(y)]) == [x, y])
    }

    @Test func formatsThatListTheirDimensionsAreExchanged() throws {
        let x = Elements(.float, [2, 3, 4, 5], seed: 5)
        func formats(_ source: String, _ target: String) -> [String: Attribute] {
            ["src_format": .string(source), "dst_format": .string(target)]
        }
        #expect(try runNode("TransData", [.data(x)], formats("NCHW", "ND")) == [x])
        #expect(
            try runNode("TransData", [.data(x)], formats("NCHW", "NHWC"))
                == [Elements(.float, [2, 4, 5, 3]) { x[[$0[0], $0[3], $0[1], $0[2]]] }])
        #expect(
            try runNode("TransData", [.data(x)], formats("NHWC", "NCHW"))
                == [Elements(.float, [2, 5, 3, 4]) { x[[$0[0], $0[2], $0[3], $0[1]]] }])
        #expect(
            try runNode("TransData", [.data(x)], formats("HWCN", "NCHW"))
                == [Elements(.float, [5, 4, 2, 3]) { x[[$0[2], $0[3], $0[1], $0[0]]] }])
        expectRefused("TransData", [.data(x)], formats("NCHW", "NC1HWC0"), "'NC1HWC0' is not supported")
        expectRefused("TransData", [.data(x)], formats("NCDHW", "NDHWC"), "do not fit 4 dimensions")
    }
}

@Suite struct ShapeQueryTests {
    @Test func shapesBecomeNumbers() throws {
        let x = Slot.data(Elements(.float16, [2, 0, 3], seed: 1))
        let y = Slot.data(Elements(.float, [4, 5], seed: 1))
        let wide: [String: Attribute] = ["dtype": .dataType(.int64)]
        #expect(try runNode("Shape", [x]) == [Elements(.int32, [3], [2, 0, 3])])
        #expect(try runNode("Shape", [x], ["dtype": .int(9)]) == [Elements(.int64, [3], [2, 0, 3])])
        #expect(
            try runNode("ShapeN", [x, y], wide) == [Elements(.int64, [3], [2, 0, 3]), Elements(.int64, [2], [4, 5])])
        #expect(try runNode("Size", [y], wide) == [Elements(.int64, [], [20])])
        #expect(try runNode("Size", [x]) == [Elements(.int32, [], [0])])
        #expect(try runNode("Rank", [x]) == [Elements(.int32, [], [3])])
    }

    @Test func numbersThatDoNotFitAreRefused() throws {
        var graph = Graph(name: "test")
        let x = graph.append(Node(name: "x", type: "Data", outputs: [TensorDesc(.int8, [1 << 20, 1 << 20])]))
        #expect(throws: GraphError.self) { try inferred(Node(name: "n", type: "Size", inputs: [x]), in: graph) }
        let wide = Node(name: "n", type: "Size", inputs: [x], attributes: ["dtype": .dataType(.int64)])
        #expect(try inferred(wide, in: graph) == [TensorDesc(.int64, [])])
        expectRefused(
            "Shape", [.data(Elements(.float, [1], seed: 1))], ["dtype": .dataType(.float)], "expected int32 or int64")
    }
}
