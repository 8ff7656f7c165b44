// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Glibc
import Testing

/// An element-wise operator on two operands with its exact function.
struct BinaryCase: Sendable, CustomTestStringConvertible {
    let type: String
    var first: ClosedRange<Double> = -4...4
    var second: ClosedRange<Double> = -4...4
    let types: [DataType]
    let function: @Sendable (Double, Double) -> Double

    var testDescription: String { type }

    static let reals: [DataType] = [.float, .double, .float16, .bfloat16]
    static let integers: [DataType] = [.int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64]

    init(
        _ type: String, _ first: ClosedRange<Double> = -4...4, _ second: ClosedRange<Double> = -4...4,
        _ types: [DataType] = reals + integers, _ function: @escaping @Sendable (Double, Double) -> Double
    ) {
        self.type = type
        self.first = first
        self.second = second
        self.types = types
        self.function = function
    }

    private static func floorRemainder(_ a: Double, _ b: Double) -> Double { a - b * (a / b).rounded(.down) }

    static let all: [BinaryCase] = [
        BinaryCase("Add") { $0 + $1 },
        BinaryCase("AddV2") { $0 + $1 },
        BinaryCase("Sub", 4...9, 0...4) { $0 - $1 },
        BinaryCase("Mul") { $0 * $1 },
        BinaryCase("RealDiv", -9...9, 1...4, reals) { $0 / $1 },
        BinaryCase("RealDiv", -9...9, 1...4, integers) { ($0 / $1).rounded(.towardZero) },
        BinaryCase("Div", -9...9, 1...4, reals) { $0 / $1 },
        BinaryCase("Div", -9...9, (-4)...(-1), [.int8, .int64]) { ($0 / $1).rounded(.towardZero) },
        BinaryCase("DivNoNan", -9...9, 1...4, reals) { $0 / $1 },
        BinaryCase("FloorDiv", -9...9, 1...4) { ($0 / $1).rounded(.down) },
        BinaryCase("TruncateDiv", -9...9, 1...4) { ($0 / $1).rounded(.towardZero) },
        BinaryCase("Maximum") { max($0, $1) },
        BinaryCase("Minimum") { min($0, $1) },
        BinaryCase("Mod", -9...9, 1...4, integers) { $0 - $1 * ($0 / $1).rounded(.towardZero) },
        BinaryCase("Mod", -9...9, 1...4, [.double]) { fmod($0, $1) },
        BinaryCase("TruncateMod", -9...9, 1...4, integers) { $0 - $1 * ($0 / $1).rounded(.towardZero) },
        BinaryCase("FloorMod", -9...9, 1...4, integers) { floorRemainder($0, $1) },
        BinaryCase("FloorMod", -9...9, (-4)...(-1), [.int8, .int16, .int32, .int64]) { floorRemainder($0, $1) },
        BinaryCase("FloorMod", -9...9, 1...4, [.double]) { floorRemainder($0, $1) },
        BinaryCase("SquaredDifference", 2...6, 0...2) { ($0 - $1) * ($0 - $1) },
        BinaryCase("Atan2", -4...4, 0.5...4, reals) { Glibc.atan2($0, $1) },
        BinaryCase("Xlogy", -4...4, 0.5...4, reals) { $0 * Glibc.log($1) },
        BinaryCase("Xdivy", -4...4, 0.5...4, reals) { $0 / $1 },
        BinaryCase("Pow", 0.5...2, -2...2, reals) { Glibc.exp($1 * Glibc.log($0)) },
        BinaryCase("Pow", 0...3, 0...3, integers) { Glibc.pow($0, $1) },
        BinaryCase("BitwiseAnd", 0...100, 0...100, integers) { Double(Int($0) & Int($1)) },
        BinaryCase("BitwiseOr", 0...100, 0...100, integers) { Double(Int($0) | Int($1)) },
        BinaryCase("BitwiseXor", 0...100, 0...100, integers) { Double(Int($0) ^ Int($1)) },
        BinaryCase("LeftShift", 0...7, 0...3, integers) { $0 * exp2($1) },
        BinaryCase("RightShift", 0...100, 0...5, integers) { ($0 / exp2($1)).rounded(.down) },
    ]
}

@Suite struct ElementwiseBinaryTests {
    static let types = Set(BinaryCase.all.map(\.type)).union(["AddN", "AccumulateNV2"])

    /// Shapes of two operands; the last ones are large enough for several parts.
    static let shapes: [([Int], [Int])] = [
        ([4, 5], [4, 5]), ([], []), ([3], [1]), ([2, 3, 4], [4]), ([4], [2, 3, 4]), ([2, 1, 4], [3, 1]), ([0, 3], [3]),
        ([1, 2, 1, 3, 1, 2], [2, 1, 2, 1, 3, 1]), ([5, 1, 1], [1, 1, 7]),
        ([2, 8, 12, 15], [2, 8, 12, 15]), ([2, 8, 12, 15], [8, 1, 1]), ([8, 1, 1], [2, 8, 12, 15]), ([60, 50], [1]),
        ([2, 1, 30, 40], [5, 1, 40]),
    ]

    static func broadcast(_ a: [Int], _ b: [Int]) -> [Int] {
        let rank = max(a.count, b.count)
        let left = Array(repeating: 1, count: rank - a.count) + a
        let right = Array(repeating: 1, count: rank - b.count) + b
        return zip(left, right).map { $0 == 1 ? $1 : $0 }
    }

    static func apply(_ a: Tensor, _ b: Tensor, _ function: (Double, Double) -> Double) -> (shape: [Int], [Double]) {
        let shape = broadcast(a.shape, b.shape)
        return (shape, places(shape).map { function(a.broadcast($0), b.broadcast($0)) })
    }

    @Test(arguments: BinaryCase.all)
    func matchesTheExactFunction(_ operation: BinaryCase) throws {
        var random = SeededGenerator(3)
        for type in operation.types {
            let isUnsigned = [.uint8, .uint16, .uint32, .uint64].contains(type)
            func range(_ range: ClosedRange<Double>) -> ClosedRange<Double> {
                isUnsigned ? max(range.lowerBound, 0)...range.upperBound : range
            }
            // All shapes for the type that vector kernels take, a few for the others.
            for (left, right) in type == .float ? Self.shapes : Array(Self.shapes[3..<6]) {
                let a = random.tensor(type, left, range(operation.first))
                let b = random.tensor(type, right, range(operation.second))
                let (shape, expected) = Self.apply(a, b, operation.function)
                let y = try run(operation.type, [a, b])[0]
                #expect(y.type == type)
                expectClose(y, shape: shape, expected, Tolerance.of(type).times(2), note: "\(type) \(left) \(right)")
            }
        }
    }

    @Test(arguments: BinaryCase.all.filter { $0.types.contains(.float) })
    func takesConstants(_ operation: BinaryCase) throws {
        var random = SeededGenerator(4)
        for (left, right) in [([4, 5], [1]), ([4, 5], [5]), ([2, 8, 12, 15], [8, 1, 1]), ([60, 50], [])] {
            for slot in 0...1 {
                let a = random.tensor(.float, slot == 1 ? left : right, operation.first)
                let b = random.tensor(.float, slot == 1 ? right : left, operation.second)
                let (shape, expected) = Self.apply(a, b, operation.function)
                expectClose(
                    try run(operation.type, [a, b], constants: [slot])[0], shape: shape, expected,
                    Tolerance.of(.float).times(2), note: "slot \(slot): \(left) \(right)")
            }
        }
    }

    @Test func raisesToConstantPowers() throws {
        var random = SeededGenerator(5)
        let x = random.tensor(.float, [40, 80], 0.5...2)
        for power in [-1.0, 0.5, 1, 2, 3, 2.5] {
            let y = try run("Pow", [x, Tensor(.float, [], [power])], constants: [1])[0]
            expectClose(y, shape: [40, 80], x.values.map { Glibc.pow($0, power) }, note: "\(power)")
        }
        let y = try run("Pow", [x, Tensor(.int64, [], [2])], constants: [1])[0]
        expectClose(y, shape: [40, 80], x.values.map { $0 * $0 })
    }

    @Test func raisesToPowersOfAnotherType() throws {
        let base = Tensor(.int32, [3], [2, 3, 4])
        expectClose(try run("Pow", [base, Tensor(.float, [3], [3, 2, 0.5])])[0], shape: [3], [8, 9, 2])
        let real = Tensor(.double, [2], [2, 0.5])
        expectClose(try run("Pow", [real, Tensor(.int64, [2], [10, -2])])[0], shape: [2], [1024, 4])
    }

    @Test func raisesIntegersToNegativePowers() throws {
        let base = Tensor(.int32, [5], [1, -1, -1, 2, 0])
        let exponent = Tensor(.int32, [5], [-3, -3, -2, -1, -1])
        expectClose(try run("Pow", [base, exponent])[0], shape: [5], [1, -1, 1, 0, 0])
    }

    @Test func survivesDivisionByZero() throws {
        let (a, b) = (Tensor(.int32, [3], [5, -7, .init(Int32.min)]), Tensor(.int32, [3], [0, 0, -1]))
        for operation in ["RealDiv", "FloorDiv"] {
            expectClose(try run(operation, [a, b])[0], shape: [3], [0, 0, .init(Int32.min)], note: operation)
        }
        for operation in ["Mod", "FloorMod"] {
            expectClose(try run(operation, [a, b])[0], shape: [3], [0, 0, 0], note: operation)
        }
        let (x, zero) = (Tensor(.float, [2], [1, 0]), Tensor(.float, [2], [0, 0]))
        expectClose(try run("RealDiv", [x, zero])[0], shape: [2], [.infinity, .nan])
        expectClose(try run("DivNoNan", [x, zero])[0], shape: [2], [0, 0])
        expectClose(try run("Xdivy", [zero, zero])[0], shape: [2], [0, 0])
        expectClose(try run("Xlogy", [zero, zero])[0], shape: [2], [0, 0])
    }

    @Test func keepsTheLowBitsOfIntegers() throws {
        let (a, b) = (Tensor(.int8, [2], [127, -128]), Tensor(.int8, [2], [1, -1]))
        expectClose(try run("Add", [a, b])[0], shape: [2], [-128, 127])
        expectClose(try run("Mul", [a, b])[0], shape: [2], [127, -128])
        expectClose(
            try run("LeftShift", [Tensor(.uint8, [2], [255, 1]), Tensor(.uint8, [2], [4, 9])])[0], shape: [2], [240, 0])
    }

    @Test(arguments: ["AddN", "AccumulateNV2"])
    func addsAnyNumberOfTensors(_ type: String) throws {
        var random = SeededGenerator(6)
        for (dataType, shape) in [(DataType.float, [3, 4]), (.float, [50, 60]), (.int32, [3, 4]), (.float16, [7])] {
            for count in 1...4 {
                let inputs = (0..<count).map { _ in random.tensor(dataType, shape) }
                let expected = inputs[0].values.indices.map { place in inputs.reduce(0) { $0 + $1.values[place] } }
                let y = try run(type, inputs, ["N": .int(Int64(count))])[0]
                expectClose(y, shape: shape, expected, Tolerance.of(dataType).times(4))
            }
        }
    }

    @Test func refusesOperandsThatDoNotFit() {
        let x = Tensor(.float, [2, 3], [Double](repeating: 0, count: 6))
        expectRefusal("Add", [x, Tensor(.float, [2], [0, 0])], says: "the shapes [2, 3] and [2] do not broadcast")
        expectRefusal(
            "Add", [x, Tensor(.int32, [3], [0, 0, 0])], says: "input 1 has type int32, expected one of float")
        expectRefusal("Add", [x], says: "input 1 is missing")
        expectRefusal("BitwiseAnd", [x, x], says: "input 0 has type float")
        expectRefusal("AddN", [x, nil], says: "input 1 is missing")
        expectRefusal(
            "Mul", descs: [TensorDesc(.float, [1 << 40, 1]), TensorDesc(.float, [1, 1 << 40])], says: "is too large")
        expectRefusal(
            "Add", descs: [TensorDesc(.string, [1]), TensorDesc(.string, [1])], says: "input 0 has type string")
    }
}
