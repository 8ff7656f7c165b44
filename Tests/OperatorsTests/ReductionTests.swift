// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Glibc
import Testing

/// A reduction with its exact function of all elements that fall together.
struct ReductionCase: Sendable, CustomTestStringConvertible {
    let type: String
    var attributes: [String: Attribute] = [:]
    /// Where the axes are: in input 1, or in the attribute of this name.
    var axesAttribute: String?
    var keepAttribute = "keep_dims"
    let types: [DataType]
    let function: @Sendable ([Double]) -> Double

    var testDescription: String { "\(type) \(attributes.keys.sorted())" }

    private static func pair(
        _ type: String, _ types: [DataType], _ function: @escaping @Sendable ([Double]) -> Double
    ) -> [ReductionCase] {
        [
            ReductionCase(type: type, types: types, function: function),
            ReductionCase(type: type + "D", axesAttribute: "axes", types: types, function: function),
        ]
    }

    private static let signed: [DataType] = [.int16, .int32, .int64]
    static let all: [ReductionCase] =
        pair("ReduceSum", BinaryCase.reals + signed) { $0.reduce(0, +) }
        + pair("ReduceMean", BinaryCase.reals) { $0.reduce(0, +) / Double($0.count) }
        + pair("ReduceMean", signed) { ($0.reduce(0, +) / Double($0.count)).rounded(.towardZero) }
        + pair("ReduceMax", BinaryCase.reals + signed + [.int8]) { $0.reduce(-.infinity, max) }
        + pair("ReduceMin", BinaryCase.reals + signed + [.int8]) { $0.reduce(.infinity, min) }
        + pair("ReduceProd", [.double, .int64]) { $0.reduce(1, *) }
        + pair("ReduceAny", [.bool]) { $0.contains { $0 != 0 } ? 1 : 0 }
        + pair("ReduceAll", [.bool]) { $0.allSatisfy { $0 != 0 } ? 1 : 0 }
        + pair("ReduceLogSumExp", BinaryCase.reals) { Glibc.log($0.reduce(0) { $0 + exp($1) }) }
        + pair("EuclideanNorm", BinaryCase.reals) { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        + [
            ReductionCase(type: "SquareSumV1", axesAttribute: "axis", types: BinaryCase.reals + signed) {
                $0.reduce(0) { $0 + $1 * $1 }
            },
            ReductionCase(
                type: "LpNormV2", attributes: ["p": .float(1)], axesAttribute: "axes", keepAttribute: "keepdim",
                types: BinaryCase.reals
            ) { $0.reduce(0) { $0 + abs($1) } },
            ReductionCase(
                type: "LpNormV2", attributes: ["p": .float(2)], axesAttribute: "axes", keepAttribute: "keepdim",
                types: BinaryCase.reals
            ) { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() },
        ]
}

@Suite struct ReductionTests {
    static let types = Set(ReductionCase.all.map(\.type)).union(["ReduceLogSum", "ReduceLogSumD"])

    static func reduce(_ x: Tensor, _ axes: [Int], keeps: Bool, _ function: ([Double]) -> Double) -> (
        shape: [Int], [Double]
    ) {
        let kept = x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] }
        var groups: [[Double]] = Array(repeating: [], count: kept.reduce(1, *))
        for (place, value) in zip(places(x.shape), x.values) {
            let target = zip(zip(place, kept), x.shape).reduce(0) { sum, entry in
                sum * entry.0.1 + (entry.0.1 == 1 ? 0 : entry.0.0)
            }
            groups[target].append(value)
        }
        let shape = keeps ? kept : x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] }
        return (shape, groups.map(function))
    }

    static let layouts: [(shape: [Int], axes: [Int])] = [
        ([7], [0]), ([3, 4, 5], [1]), ([3, 4, 5], [-1]), ([3, 4, 5], [0, 2]), ([3, 4, 5], [0]),
        ([2, 3, 2, 3], [1, -1]),
        ([2, 1, 300], [0]), ([2, 3, 10, 12], [2, 3]), ([4, 8, 12, 15], [2, 3]), ([4, 8, 12, 15], [3]),
        ([4, 8, 12, 15], [1]), ([4, 8, 12, 15], [0, 2]), ([1, 6000], [1]), ([1, 1], [0, 1]),
    ]

    @Test(arguments: ReductionCase.all)
    func matchesTheExactFunction(_ operation: ReductionCase) throws {
        var random = SeededGenerator(9)
        for type in operation.types {
            for (index, (shape, axes)) in (type == .float ? Self.layouts : Array(Self.layouts[..<7])).enumerated() {
                let x = random.tensor(type, shape, type == .bool ? 0...1 : -2...2)
                let keeps = index % 2 == 0
                var attributes = operation.attributes
                attributes[operation.keepAttribute] = .bool(keeps)
                var inputs = [x]
                if let name = operation.axesAttribute {
                    attributes[name] = .ints(axes.map { Int64($0) })
                } else {
                    inputs.append(.ints(axes, index % 3 == 0 ? .int64 : .int32))
                }
                let positive = axes.map { $0 < 0 ? $0 + shape.count : $0 }
                let (expectedShape, expected) = Self.reduce(x, positive, keeps: keeps, operation.function)
                let y = try run(operation.type, inputs, attributes, constants: [1])[0]
                let terms = Double(positive.reduce(1) { $0 * shape[$1] })
                expectClose(
                    y, shape: expectedShape, expected, Tolerance.of(type).times(max(1, terms.squareRoot())),
                    note: "\(type) \(shape) \(axes)")
            }
        }
    }

    @Test func takesTheLogarithmOfASum() throws {
        var random = SeededGenerator(10)
        let x = random.tensor(.float, [5, 6], 0.5...2)
        let (_, expected) = Self.reduce(x, [1], keeps: false) { Glibc.log($0.reduce(0, +)) }
        expectClose(try run("ReduceLogSum", [x, .ints([1])], constants: [1])[0], shape: [5], expected)
        expectClose(try run("ReduceLogSumD", [x], ["axes": .ints([1])])[0], shape: [5], expected)
    }

    @Test func doesNotOverflowInExponentials() throws {
        let x = Tensor(.float, [3], [1000, 1000, 999])
        let y = try run("ReduceLogSumExp", [x, .ints([0])], constants: [1])[0]
        expectClose(y, shape: [], [1000 + Glibc.log(2 + exp(-1))])
    }

    @Test func reducesAllAxesWhereNoneAreNamed() throws {
        let x = Tensor(.float, [2, 2], [1, 2, 3, 4])
        expectClose(try run("ReduceSum", [x, .ints([])], constants: [1])[0], shape: [], [10])
        expectClose(try run("ReduceSum", [x, nil])[0], shape: [], [10])
        let kept = try run("ReduceSum", [x, .ints([])], ["noop_with_empty_axes": .bool(true)], constants: [1])[0]
        expectClose(kept, shape: [2, 2], [1, 2, 3, 4])
    }

    @Test func foldsNothing() throws {
        let x = Tensor(.float, [2, 0], [])
        for (type, expected) in [
            ("ReduceSum", 0.0), ("ReduceProd", 1), ("ReduceMax", -.infinity), ("ReduceMean", .nan),
        ] {
            expectClose(
                try run(type, [x, .ints([1])], constants: [1])[0], shape: [2], [expected, expected], note: type)
        }
    }

    @Test func passesNaNOn() throws {
        let x = Tensor(.float, [3], [1, .nan, 2])
        for type in ["ReduceMax", "ReduceMin", "ReduceSum"] {
            expectClose(try run(type, [x, .ints([0])], constants: [1])[0], shape: [], [.nan], note: type)
        }
    }

    @Test func refusesWhatItCannotReduce() {
        let x = Tensor(.float, [2, 2], [1, 2, 3, 4])
        expectRefusal("ReduceSum", [x, .ints([2])], constants: [1], says: "axis 2 is out of range for 2 dimensions")
        expectRefusal("ReduceSum", [x, .ints([0])], says: "input 1 must be a constant")
        expectRefusal("ReduceAny", [x, .ints([0])], constants: [1], says: "expected one of bool")
        expectRefusal("LpNormV2", [x], ["p": .float(3), "axes": .ints([0])], says: "attribute p is 3.0")
        expectRefusal("ReduceMeanD", [x], ["axes": .ints([-3])], says: "axis -3 is out of range")
    }
}
