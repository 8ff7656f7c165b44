// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@testable import ONNXImport

struct FoldAffineTests {
    /// A convolution of x[2, 4, 6, 6] to 6 channels.
    private func convolution(
        _ builder: inout DraftBuilder, groups: Int = 1, bias: Bool = true
    ) throws -> TensorRef {
        try builder.node(
            "Conv2D",
            [
                builder.data([2, 4, 6, 6]), builder.randomConstant([6, 4 / groups, 3, 3]),
                bias ? builder.randomConstant([6]) : nil,
            ],
            [
                "strides": .ints([1, 1, 1, 1]), "pads": .ints([1, 1, 1, 1]), "dilations": .ints([1, 1, 1, 1]),
                "groups": .int(Int64(groups)), "data_format": .string("NCHW"),
            ])
    }

    private func transposed(_ builder: inout DraftBuilder, groups: Int) throws -> TensorRef {
        let size = builder.draft.addConstant(Constant(ints: [0, 0, 0, 0]), name: "size")
        return try builder.node(
            "Conv2DTranspose",
            [size, builder.data([2, 4, 6, 6]), builder.randomConstant([4, 6 / groups, 2, 2])],
            [
                "strides": .ints([1, 1, 2, 2]), "pads": .ints([0, 0, 0, 0]), "dilations": .ints([1, 1, 1, 1]),
                "groups": .int(Int64(groups)), "data_format": .string("NCHW"), "output_padding": .ints([0, 0, 0, 0]),
            ])
    }

    private func normalization(_ builder: inout DraftBuilder, _ x: TensorRef) throws -> TensorRef {
        try builder.node(
            "BatchNorm",
            [
                x, builder.randomConstant([6]), builder.randomConstant([6]), builder.randomConstant([6]),
                builder.randomConstant([6], 0.5, 2),
            ], ["epsilon": .float(1e-5), "data_format": .string("NCHW"), "is_training": .bool(false)])
    }

    private func run(_ builder: DraftBuilder, becomes types: [String], inputs: Int) throws {
        var random = SplitMix(state: 3)
        let values = (0..<inputs).map { _ in random.unit() * 2 - 1 }
        let result = try check(builder, foldAffine, becomes: types, inputs: [values])
        #expect(result == (true, true, true))
    }

    @Test(arguments: [1, 2], [false, true])
    func normalizationScaleAndShiftGoIntoAConvolution(groups: Int, bias: Bool) throws {
        var builder = DraftBuilder()
        var x = try normalization(&builder, convolution(&builder, groups: groups, bias: bias))
        x = try builder.node("Mul", [x, builder.randomConstant([6, 1, 1])])
        x = try builder.node("Add", [builder.randomConstant([1, 6, 1, 1]), x])
        x = try builder.node("RealDiv", [x, builder.scalar(3)])
        x = try builder.node("Sub", [builder.scalar(1), x])
        builder.output(x)
        try run(builder, becomes: ["Conv2D"], inputs: 288)
    }

    @Test(arguments: [1, 2])
    func normalizationGoesIntoATransposedConvolution(groups: Int) throws {
        var builder = DraftBuilder()
        builder.output(try normalization(&builder, transposed(&builder, groups: groups)))
        try run(builder, becomes: ["Conv2DTranspose"], inputs: 288)
    }

    @Test func scaleAndShiftGoIntoANormalization() throws {
        var builder = DraftBuilder()
        var x = try normalization(&builder, builder.data([2, 6, 5]))
        x = try builder.node("Mul", [x, builder.randomConstant([6, 1])])
        builder.output(try builder.node("Sub", [x, builder.randomConstant([6, 1])]))
        try run(builder, becomes: ["BatchNorm"], inputs: 60)
    }

    @Test(arguments: [false, true])
    func scaleAndBiasGoIntoAProduct(isTransposed: Bool) throws {
        var builder = DraftBuilder()
        let weights = builder.randomConstant(isTransposed ? [5, 4] : [4, 5])
        var x = try builder.node(
            "BatchMatMulV2", [builder.data([2, 3, 4]), weights],
            ["adj_x1": .bool(false), "adj_x2": .bool(isTransposed)])
        x = try builder.node("Add", [builder.randomConstant([5]), x])
        x = try builder.node("Mul", [x, builder.scalar(0.25)])
        builder.output(x)
        try run(builder, becomes: ["BatchMatMulV2"], inputs: 24)
    }

    @Test func constantsAlongAnotherDimensionStay() throws {
        var builder = DraftBuilder()
        builder.output(try builder.node("Mul", [convolution(&builder), builder.randomConstant([6])]))
        #expect(try foldAffine(&builder.draft) == false)
    }

    @Test func aResultThatSomebodyElseReadsStays() throws {
        var builder = DraftBuilder()
        let x = try convolution(&builder)
        builder.output(try builder.node("Mul", [x, builder.scalar(2)]), x)
        #expect(try foldAffine(&builder.draft) == false)
    }

    @Test func divisionOfAConstantStays() throws {
        var builder = DraftBuilder()
        builder.output(try builder.node("RealDiv", [builder.scalar(2), convolution(&builder)]))
        #expect(try foldAffine(&builder.draft) == false)
    }
}
