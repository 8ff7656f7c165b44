// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import Plan
import Testing

@testable import Executable

@Suite struct GraphCompilerTests {
    @Test func fusesActivationsAndResidualsIntoConvolutions() throws {
        let program = try GraphCompiler.compile(Graphs.residual(channels: 8, size: 8, blocks: 3), weightBytes: 0)
            .program
        let names = Set(program.steps.map(\.name))
        #expect(
            names.isSubset(
                of: (0..<3).reduce(into: ["Node_Output"]) {
                    $0.insert("conv_\($1)_a"); $0.insert("conv_\($1)_b")
                }))
    }

    @Test func plansCloseToTheLiveBytesWithoutOverlap() throws {
        let program = try GraphCompiler.compile(Graphs.residual(channels: 16, size: 32, blocks: 6), weightBytes: 0)
            .program
        let placement = try Placement(program)
        let bound = try MemoryPlan.lowerBound(placement.requests, alignment: Alignment.bytes)
        #expect(Double(placement.totalBytes) <= 1.15 * Double(bound))
    }

    @Test func namesEveryMissingOperator() {
        var graph = Graph(name: "g")
        let x = Graphs.data(&graph, "x", [1])
        let first = Graphs.unary(&graph, "NoSuchOperator", x)
        Graphs.output(&graph, [Graphs.unary(&graph, "NorThisOne", first)])
        #expect(
            throws: GraphError.unsupportedOperators([
                ("NoSuchOperator", "NoSuchOperator_1"), ("NorThisOne", "NorThisOne_2"),
            ])
        ) { try GraphCompiler.compile(graph, weightBytes: 0) }
    }

    @Test func refusesConstantsThatTheFileIsTooShortFor() {
        var graph = Graph(name: "g")
        let desc = TensorDesc(.float, [4])
        let value = graph.append(
            Node(
                name: "c", type: "Const", outputs: [desc],
                attributes: ["value": .tensor(Constant(desc, .weights(512..<528)))]))
        Graphs.output(&graph, [Graphs.unary(&graph, "Relu", value)])
        #expect(throws: GraphError.self) { try GraphCompiler.compile(graph, weightBytes: 520) }
    }

    @Test func refusesShapesThatContradictTheOperator() {
        var graph = Graph(name: "g")
        let x = Graphs.data(&graph, "x", [2, 3])
        graph.append(Node(name: "relu", type: "Relu", inputs: [x], outputs: [TensorDesc(.float, [3, 3])]))
        Graphs.output(&graph, [TensorRef(1)])
        #expect(throws: GraphError.self) { try GraphCompiler.compile(graph, weightBytes: 0) }
    }

    @Test func refusesInputsOfUnknownShape() {
        var graph = Graph(name: "g")
        let x = Graphs.data(&graph, "x", [-1, 3])
        Graphs.output(&graph, [Graphs.unary(&graph, "Relu", x)])
        #expect(throws: GraphError.self) { try GraphCompiler.compile(graph, weightBytes: 0) }
    }

    @Test func writesTheSameTensorToSeveralOutputs() throws {
        var graph = Graph(name: "g")
        let x = Graphs.data(&graph, "x", [3])
        let y = Graphs.unary(&graph, "Relu", x)
        Graphs.output(&graph, [y, y, x])
        let running = try Running(graph)
        #expect(try running.run([[-1, 2, 3]]) == [[0, 2, 3], [0, 2, 3], [-1, 2, 3]])
    }
}
