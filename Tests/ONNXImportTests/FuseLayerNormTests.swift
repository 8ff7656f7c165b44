// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@testable import ONNXImport

struct FuseLayerNormTests {
    enum Square: CaseIterable { case pow, mul }

    private func graph(_ square: Square, axes: [Int], parameters: [Int]) throws -> DraftBuilder {
        var builder = DraftBuilder()
        let x = builder.data([2, 3, 8])
        let keep: [String: Attribute] = ["keep_dims": .bool(true)]
        let mean = try builder.node("ReduceMean", [x, builder.constant(ints: axes)], keep)
        let centred = try builder.node("Sub", [x, mean])
        let squared =
            try square == .pow
            ? builder.node("Pow", [centred, builder.scalar(2)]) : builder.node("Mul", [centred, centred])
        let variance = try builder.node("ReduceMean", [squared, builder.constant(ints: axes)], keep)
        let root = try builder.node("Sqrt", [builder.node("Add", [variance, builder.scalar(1e-3)])])
        let normal = try builder.node("RealDiv", [centred, root])
        let scaled = try builder.node("Mul", [normal, builder.randomConstant(parameters)])
        builder.output(try builder.node("Add", [scaled, builder.randomConstant(parameters)]))
        return builder
    }

    @Test(arguments: Square.allCases, [[-1], [2], [1, 2]])
    func rowsOverTheLastDimensions(square: Square, axes: [Int]) throws {
        var builder = try graph(square, axes: axes, parameters: axes.count == 2 ? [3, 8] : [8])
        let values = builder.randomValues(48, -3, 3)
        let result = try check(builder, fuseLayerNorm, becomes: ["LayerNorm"], inputs: [values])
        #expect(result == (true, true, true))
    }

    @Test func rowsOverAnotherDimensionStay() throws {
        var builder = try graph(.mul, axes: [1], parameters: [8])
        #expect(try fuseLayerNorm(&builder.draft) == false)
    }

    @Test func parametersOfAnotherShapeStay() throws {
        var builder = try graph(.mul, axes: [-1], parameters: [1])
        #expect(try fuseLayerNorm(&builder.draft) == false)
    }
}
