// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@testable import ONNXImport

struct SimplificationTests {
    private let values = (0..<24).map { Float($0) }

    private func reshape(_ builder: inout DraftBuilder, _ x: TensorRef, _ shape: [Int]) throws -> TensorRef {
        let target = builder.draft.addConstant(Constant(ints: shape), name: "shape")
        return try builder.node("Reshape", [x, target])
    }

    private func transpose(_ builder: inout DraftBuilder, _ x: TensorRef, _ order: [Int]) throws -> TensorRef {
        try builder.node("Transpose", [x, builder.constant(ints: order)])
    }

    @Test func nodesWithoutEffectGo() throws {
        var builder = DraftBuilder()
        var x = try builder.node("Relu", [builder.data([2, 3, 4])])
        x = try builder.node("Identity", [x])
        x = try builder.node("Cast", [x], ["dst_type": .int(0)])
        x = try reshape(&builder, x, [2, 3, 4])
        x = try transpose(&builder, x, [0, 1, 2])
        x = try builder.node("Add", [builder.scalar(0), x])
        x = try builder.node("Mul", [x, builder.scalar(1)])
        x = try builder.node("Sub", [x, builder.scalar(0)])
        x = try builder.node("RealDiv", [x, builder.scalar(1)])
        builder.output(x)
        let result = try check(builder, removeNoOps, becomes: ["Relu"], inputs: [values])
        #expect(result == (true, true, true))
    }

    @Test func arithmeticThatWidensStays() throws {
        var builder = DraftBuilder()
        builder.output(try builder.node("Add", [builder.data([2, 1, 4]), builder.constant([0, 0, 0], [3, 1])]))
        #expect(try removeNoOps(&builder.draft) == false)
    }

    @Test func anIdentityBetweenInputAndOutputStays() throws {
        var builder = DraftBuilder()
        builder.output(try builder.node("Identity", [builder.data([4])]))
        #expect(try removeNoOps(&builder.draft) == false)
    }

    @Test func reshapesInARowBecomeOne() throws {
        var builder = DraftBuilder()
        var x = try builder.node("Unsqueeze", [builder.data([2, 3, 4])], ["axes": .ints([0])])
        x = try reshape(&builder, x, [6, 4])
        x = try builder.node("Unsqueeze", [x], ["axes": .ints([1])])
        builder.output(try builder.node("Relu", [x]))
        var after = builder
        while try mergeReshapes(&after.draft) {}
        after.draft.removeUnused()
        #expect(after.types == ["Relu", "Reshape"])
        #expect(try after.compute([values]) == builder.compute([values]))
    }

    @Test func transposesInARowBecomeOne() throws {
        var builder = DraftBuilder()
        var x = try transpose(&builder, builder.data([2, 3, 4]), [1, 2, 0])
        x = try transpose(&builder, x, [2, 1, 0])
        builder.output(x)
        let result = try check(builder, mergeTransposes, becomes: ["Transpose"], inputs: [values])
        #expect(result == (true, true, true))
    }

    @Test func aTransposeOfSizeOneIsAReshape() throws {
        var builder = DraftBuilder()
        builder.output(try transpose(&builder, builder.data([2, 1, 3, 4]), [0, 2, 1, 3]))
        let result = try check(builder, mergeTransposes, becomes: ["Reshape"], inputs: [values])
        #expect(result == (true, true, true))
    }

    @Test func equalNodesAreShared() throws {
        var builder = DraftBuilder()
        let x = builder.data([2, 3, 4])
        let left = try builder.node("Add", [x, builder.constant([1, 2, 3, 4])])
        let right = try builder.node("Add", [x, builder.constant([1, 2, 3, 4])])
        let other = try builder.node("Add", [x, builder.constant([1, 2, 3, 5])])
        let product = try builder.node("Mul", [builder.node("Tanh", [left]), builder.node("Tanh", [right])])
        builder.output(try builder.node("Mul", [product, other]))
        let result = try check(
            builder, shareEqualNodes, becomes: ["Add", "Add", "Mul", "Mul", "Tanh"], inputs: [values])
        #expect(result == (true, true, true))
    }

    @Test func attributesMakeNodesDifferent() throws {
        var builder = DraftBuilder()
        let x = builder.data([4])
        let left = try builder.node("LeakyRelu", [x], ["negative_slope": .float(0.1)])
        builder.output(left, try builder.node("LeakyRelu", [x], ["negative_slope": .float(0.2)]))
        #expect(try shareEqualNodes(&builder.draft) == false)
    }

    @Test func removedNodesTakeTheirProducersAlong() throws {
        var builder = DraftBuilder()
        let x = builder.data([4])
        let kept = try builder.node("Relu", [x])
        let dead = try builder.node("Tanh", [builder.node("Sqrt", [x])])
        builder.output(kept)
        builder.draft.removeIfUnused(dead.node)
        #expect(builder.types == ["Relu"])
        let graph = builder.draft.finished(name: "graph")
        #expect(graph.nodes.map(\.type) == ["Data", "Relu", "NetOutput"])
        #expect(throws: Never.self) { try graph.validate() }
    }

    @Test func nodesAppendedLaterAreSortedToTheirReaders() throws {
        var builder = DraftBuilder()
        let x = builder.data([4])
        let relu = try builder.node("Relu", [x])
        builder.output(relu)
        let tanh = try builder.node("Tanh", [x])
        builder.draft.setInput(0, of: relu.node, to: tanh)
        let graph = builder.draft.finished(name: "graph")
        #expect(graph.nodes.map(\.type) == ["Data", "Tanh", "Relu", "NetOutput"])
        #expect(throws: Never.self) { try graph.validate() }
    }
}
