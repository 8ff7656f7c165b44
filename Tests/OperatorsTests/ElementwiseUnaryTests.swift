// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Glibc
import Testing

/// An element-wise operator with its exact function.
struct UnaryCase: Sendable, CustomTestStringConvertible {
    let type: String
    var attributes: [String: Attribute] = [:]
    var range: ClosedRange<Double> = -4...4
    /// Whether it takes integers too.
    var integers = false
    let function: @Sendable (Double) -> Double

    init(
        _ type: String, _ attributes: [String: Attribute] = [:], _ range: ClosedRange<Double> = -4...4,
        integers: Bool = false, _ function: @escaping @Sendable (Double) -> Double
    ) {
        self.type = type
        self.attributes = attributes
        self.range = range
        self.integers = integers
        self.function = function
    }

    var testDescription: String { "\(type) \(attributes.keys.sorted())" }

    private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    private static func normal(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

    static let all: [UnaryCase] = [
        UnaryCase("Abs", integers: true) { fabs($0) },
        UnaryCase("Neg", integers: true) { -$0 },
        UnaryCase("Sign", integers: true) { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 },
        UnaryCase("Square", integers: true) { $0 * $0 },
        UnaryCase("Sqrt", [:], 0.1...9) { $0.squareRoot() },
        UnaryCase("Rsqrt", [:], 0.1...9) { Glibc.pow($0, -0.5) },
        UnaryCase("Reciprocal", [:], 0.5...3) { 1 / $0 },
        UnaryCase("Inv", [:], -3...(-0.5)) { 1 / $0 },
        UnaryCase("Expm1") { Glibc.exp($0) - 1 },
        UnaryCase("Log1p", [:], -0.5...4) { Glibc.log(1 + $0) },
        UnaryCase("Erf") { 1 - erfc($0) },
        UnaryCase("Floor") { $0.rounded(.down) },
        UnaryCase("Ceil") { $0.rounded(.up) },
        UnaryCase("Round") { $0.rounded(.toNearestOrEven) },
        UnaryCase("Rint") { $0.rounded(.toNearestOrEven) },
        UnaryCase("Trunc") { $0.rounded(.towardZero) },
        UnaryCase("Sin") { Glibc.sin($0) },
        UnaryCase("Cos") { Glibc.cos($0) },
        UnaryCase("Tan", [:], -1.2...1.2) { Glibc.sin($0) / Glibc.cos($0) },
        UnaryCase("Asin", [:], -0.9...0.9) { Glibc.asin($0) },
        UnaryCase("Acos", [:], -0.9...0.9) { Glibc.acos($0) },
        UnaryCase("Atan") { Glibc.atan($0) },
        UnaryCase("Sinh") { (exp($0) - exp(-$0)) / 2 },
        UnaryCase("Cosh") { (exp($0) + exp(-$0)) / 2 },
        UnaryCase("Tanh") { 1 - 2 / (exp(2 * $0) + 1) },
        UnaryCase("Asinh") { Glibc.asinh($0) },
        UnaryCase("Acosh", [:], 1.1...4) { Glibc.log($0 + ($0 * $0 - 1).squareRoot()) },
        UnaryCase("Atanh", [:], -0.9...0.9) { Glibc.log((1 + $0) / (1 - $0)) / 2 },
        UnaryCase("Exp") { Glibc.exp($0) },
        UnaryCase("Exp", ["base": .float(2), "scale": .float(0.5), "shift": .float(1)]) { exp2(0.5 * $0 + 1) },
        UnaryCase("Log", [:], 0.1...9) { Glibc.log($0) },
        UnaryCase("Log", ["base": .float(10), "scale": .float(2), "shift": .float(1)], 0.1...9) { log10(2 * $0 + 1) },
        UnaryCase("Muls", ["value": .float(1.5)]) { 1.5 * $0 },
        UnaryCase("Adds", ["value": .float(-0.75)]) { $0 - 0.75 },
        UnaryCase("Power", ["power": .float(3), "scale": .float(0.5), "shift": .float(3)]) {
            (0.5 * $0 + 3) * (0.5 * $0 + 3) * (0.5 * $0 + 3)
        },
        UnaryCase("Power", ["power": .float(2)]) { $0 * $0 },
        UnaryCase("Relu", integers: true) { max($0, 0) },
        UnaryCase("Relu6", [:], -4...9) { min(max($0, 0), 6) },
        UnaryCase("Relu6D", [:], -4...9) { min(max($0, 0), 6) },
        UnaryCase("Selu") { 1.0507009873554805 * ($0 > 0 ? $0 : 1.6732632423543772 * (exp($0) - 1)) },
        UnaryCase("Sigmoid") { sigmoid($0) },
        UnaryCase("LogSigmoid") { Glibc.log(sigmoid($0)) },
        UnaryCase("HardSwish") { $0 * min(max($0 + 3, 0), 6) / 6 },
        UnaryCase("Mish") { x in
            let e = exp(x)
            return x * ((1 + e) * (1 + e) - 1) / ((1 + e) * (1 + e) + 1)
        },
        UnaryCase("FastGelu") { $0 * sigmoid(1.702 * $0) },
        UnaryCase("Softplus") { Glibc.log(1 + exp($0)) },
        UnaryCase("Softsign") { $0 / (1 + abs($0)) },
        UnaryCase("LeakyRelu", ["negative_slope": .float(0.125)]) { $0 < 0 ? 0.125 * $0 : $0 },
        UnaryCase("Elu") { $0 < 0 ? exp($0) - 1 : $0 },
        UnaryCase("Elu", ["alpha": .float(0.5), "scale": .float(2), "input_scale": .float(0.25)]) {
            $0 < 0 ? exp(0.25 * $0) - 1 : 2 * $0
        },
        UnaryCase("Celu", ["alpha1": .float(2), "alpha2": .float(2)]) { max(0, $0) + min(0, 2 * (exp($0 / 2) - 1)) },
        UnaryCase("HardSigmoid", ["alpha": .float(0.25), "beta": .float(0.5)]) { min(max(0.25 * $0 + 0.5, 0), 1) },
        UnaryCase("Swish", ["scale": .float(0.5)]) { $0 * sigmoid(0.5 * $0) },
        UnaryCase("Swish") { $0 * sigmoid($0) },
        UnaryCase("Gelu") { $0 * normal($0) },
        UnaryCase("GeluV2") { $0 * normal($0) },
        UnaryCase("GeluV2", ["approximate": .string("tanh")]) {
            0.5 * $0 * (1 + Glibc.tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0)))
        },
        UnaryCase("Shrink", ["lambd": .float(1), "bias": .float(0.5)]) { $0 < -1 ? $0 + 0.5 : $0 > 1 ? $0 - 0.5 : 0 },
        UnaryCase("HardShrink") { abs($0) > 0.5 ? $0 : 0 },
        UnaryCase("SoftShrink") { $0 < -0.5 ? $0 + 0.5 : $0 > 0.5 ? $0 - 0.5 : 0 },
        UnaryCase("Threshold", ["threshold": .float(0.5)]) { $0 > 0.5 ? 1 : 0 },
    ]
}

@Suite struct ElementwiseUnaryTests {
    static let types = Set(UnaryCase.all.map(\.type)).union(["Invert", "LogicalNot", "IsNan", "IsInf", "IsFinite"])

    @Test(arguments: UnaryCase.all)
    func matchesTheExactFunction(_ operation: UnaryCase) throws {
        var random = SeededGenerator(1)
        // Small, and large enough for several parts.
        for (type, shape) in [
            (DataType.float, [3, 5]), (.float, [2, 9, 160]), (.float, []), (.float, [0, 3]), (.double, [4, 5]),
            (.float16, [33]), (.bfloat16, [33]),
        ] {
            let x = random.tensor(type, shape, operation.range)
            let y = try run(operation.type, [x], operation.attributes)[0]
            #expect(y.type == type)
            expectClose(y, shape: shape, x.values.map(operation.function), note: "\(type) \(shape)")
        }
    }

    @Test(arguments: UnaryCase.all.filter(\.integers))
    func calculatesIntegersExactly(_ operation: UnaryCase) throws {
        var random = SeededGenerator(2)
        for type in [DataType.int8, .int16, .int32, .int64] {
            let x = random.tensor(type, [37], -11...11)
            expectClose(try run(operation.type, [x])[0], shape: [37], x.values.map(operation.function), note: "\(type)")
        }
    }

    @Test func invertsBits() throws {
        let signed = Tensor(.int32, [3], [0, -1, 5])
        expectClose(try run("Invert", [signed])[0], shape: [3], [-1, 0, -6])
        let unsigned = Tensor(.uint8, [3], [0, 255, 5])
        expectClose(try run("Invert", [unsigned])[0], shape: [3], [255, 0, 250])
    }

    @Test func invertsBooleans() throws {
        // Any byte other than 0 is true.
        let y = try run("LogicalNot", [Tensor(.bool, [4], [0, 1, 2, 255])])[0]
        #expect(y.type == .bool)
        expectClose(y, shape: [4], [1, 0, 0, 0])
    }

    @Test(arguments: [DataType.float, .double, .float16, .bfloat16])
    func classifiesNumbers(_ type: DataType) throws {
        let x = Tensor(type, [4], [.nan, .infinity, -.infinity, 1])
        for (operation, expected) in [
            ("IsNan", [1.0, 0, 0, 0]), ("IsInf", [0, 1, 1, 0]), ("IsFinite", [0, 0, 0, 1]),
        ] {
            let y = try run(operation, [x])[0]
            #expect(y.type == .bool)
            expectClose(y, shape: [4], expected, note: "\(operation)")
        }
    }

    @Test func passesNaNOn() throws {
        let x = Tensor(.float, [2], [.nan, -1])
        for operation in ["Relu", "Relu6", "Sign", "Elu", "Sigmoid", "Floor", "Neg"] {
            #expect(try run(operation, [x])[0].values[0].isNaN, "\(operation)")
        }
    }

    @Test func roundsTiesToEven() throws {
        let x = Tensor(.float, [6], [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])
        expectClose(try run("Round", [x])[0], shape: [6], [-2, -2, 0, 0, 2, 2])
    }

    @Test func keepsTheLowBitsOfIntegers() throws {
        let x = Tensor(.int8, [2], [-128, 100])
        expectClose(try run("Abs", [x])[0], shape: [2], [-128, 100])
        expectClose(try run("Neg", [x])[0], shape: [2], [-128, -100])
        expectClose(try run("Square", [x])[0], shape: [2], [0, 16])
    }

    @Test func refusesWhatItCannotCalculate() {
        expectRefusal(
            "Exp", [Tensor.ints([1])], says: "input 0 has type int64, expected one of bfloat16, double, float, float16")
        expectRefusal("Exp", [], says: "input 0 is missing")
        expectRefusal("LogicalNot", [Tensor(.float, [1], [1])], says: "expected one of bool")
        expectRefusal("Muls", [Tensor(.float, [1], [1])], says: "attribute value is missing")
        expectRefusal("Log", [Tensor(.float, [1], [1])], ["base": .float(-3)], says: "attribute base is -3.0")
        expectRefusal("Celu", [Tensor(.float, [1], [1])], ["alpha2": .float(0)], says: "attribute alpha2 is 0")
        expectRefusal("Neg", descs: [TensorDesc(.float, [1 << 40, 1 << 40])], says: "is too large")
        expectRefusal("Neg", descs: [TensorDesc(.float, [1 << 61])], says: "is too large")
    }
}
