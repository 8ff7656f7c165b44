// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@testable import ONNXImport

struct FuseActivationsTests {
    private let values = (0..<24).map { Float($0) / 2 - 6 }

    /// clip(x + 3, 0, 6)
    private func clipped(_ builder: inout DraftBuilder, _ x: TensorRef) throws -> TensorRef {
        let sum = try builder.node("Add", [x, builder.scalar(3)])
        return try builder.node("ClipByValue", [sum, builder.scalar(0), builder.scalar(6)])
    }

    @Test(arguments: [false, true])
    func sixthOfAClipIsHardSigmoid(multiplies: Bool) throws {
        var builder = DraftBuilder()
        let clip = try clipped(&builder, builder.data([2, 12]))
        builder.output(
            multiplies
                ? try builder.node("Mul", [builder.scalar(1 / 6), clip])
                : try builder.node("RealDiv", [clip, builder.scalar(6)]))
        let result = try check(builder, fuseHardSigmoid, becomes: ["HardSigmoid"], inputs: [values])
        #expect(result == (true, true, true))
    }

    @Test func sixthOfAProductIsHardSwish() throws {
        var builder = DraftBuilder()
        let x = builder.data([2, 12])
        let product = try builder.node("Mul", [x, clipped(&builder, x)])
        builder.output(try builder.node("RealDiv", [product, builder.scalar(6)]))
        let result = try check(builder, fuseHardSwish, becomes: ["HardSwish"], inputs: [values])
        #expect(result == (true, true, true))
    }

    @Test func productWithHardSigmoidIsHardSwish() throws {
        var builder = DraftBuilder()
        let x = builder.data([2, 12])
        let sigmoid = try builder.node("HardSigmoid", [x], ["alpha": .float(0.1666667), "beta": .float(0.5)])
        builder.output(try builder.node("Mul", [sigmoid, x]))
        let result = try check(builder, fuseHardSwish, becomes: ["HardSwish"], inputs: [values])
        #expect(result == (true, true, true))
    }

    @Test func anotherSlopeIsNoHardSwish() throws {
        var builder = DraftBuilder()
        let x = builder.data([2, 12])
        let sigmoid = try builder.node("HardSigmoid", [x], ["alpha": .float(0.2), "beta": .float(0.5)])
        builder.output(try builder.node("Mul", [sigmoid, x]))
        #expect(try fuseHardSwish(&builder.draft) == false)
    }

    @Test func anotherShiftIsNoHardSigmoid() throws {
        var builder = DraftBuilder()
        let x = builder.data([2, 12])
        let sum = try builder.node("Add", [x, builder.scalar(2)])
        let clip = try builder.node("ClipByValue", [sum, builder.scalar(0), builder.scalar(6)])
        builder.output(try builder.node("RealDiv", [clip, builder.scalar(6)]))
        #expect(try fuseHardSigmoid(&builder.draft) == false)
    }

    @Test func productWithSigmoidIsSwish() throws {
        var builder = DraftBuilder()
        let x = builder.data([2, 12])
        builder.output(try builder.node("Mul", [x, builder.node("Sigmoid", [x])]))
        let result = try check(builder, fuseSwish, becomes: ["Swish"], inputs: [values])
        #expect(result == (true, true, true))
    }

    @Test func productWithSigmoidOfSomethingElseStays() throws {
        var builder = DraftBuilder()
        let x = builder.data([2, 12])
        let other = builder.data([2, 12], "other")
        builder.output(try builder.node("Mul", [x, builder.node("Sigmoid", [other])]))
        #expect(try fuseSwish(&builder.draft) == false)
    }
}

struct FuseGeluTests {
    /// The places where exporters put the factor 1/2.
    enum HalfPlace: CaseIterable { case atTheEnd, onX, onErf }

    @Test(arguments: HalfPlace.allCases, [false, true])
    func everyOrderIsRecognised(half: HalfPlace, divides: Bool) throws {
        var builder = DraftBuilder()
        let x = builder.data([3, 8])
        let scaled =
            try divides
            ? builder.node("RealDiv", [x, builder.scalar(Float(2).squareRoot())])
            : builder.node("Mul", [x, builder.scalar(Float(0.5).squareRoot())])
        var left = x
        var right = try builder.node("Add", [builder.node("Erf", [scaled]), builder.scalar(1)])
        if half == .onX { left = try builder.node("Mul", [x, builder.scalar(0.5)]) }
        if half == .onErf { right = try builder.node("Mul", [builder.scalar(0.5), right]) }
        var result = try builder.node("Mul", [left, right])
        if half == .atTheEnd { result = try builder.node("Mul", [result, builder.scalar(0.5)]) }
        builder.output(result)
        let values = (0..<24).map { Float($0) / 4 - 3 }
        let outcome = try check(builder, fuseGelu, becomes: ["GeluV2"], inputs: [values])
        #expect(outcome == (true, true, true))
    }

    @Test func anotherFactorStays() throws {
        var builder = DraftBuilder()
        let x = builder.data([3, 8])
        let scaled = try builder.node("RealDiv", [x, builder.scalar(Float(2).squareRoot())])
        let right = try builder.node("Add", [builder.node("Erf", [scaled]), builder.scalar(1)])
        builder.output(try builder.node("Mul", [builder.node("Mul", [x, right]), builder.scalar(0.7)]))
        #expect(try fuseGelu(&builder.draft) == false)
    }
}
