// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct ComparisonTests {
    static let types = Set(comparisons.keys).union(logic.keys)

    static let comparisons: [String: @Sendable (Double, Double) -> Bool] = [
        "Equal": { $0 == $1 }, "NotEqual": { $0 != $1 }, "Greater": { $0 > $1 }, "GreaterEqual": { $0 >= $1 },
        "Less": { $0 < $1 }, "LessEqual": { $0 <= $1 },
    ]
    static let logic: [String: @Sendable (Bool, Bool) -> Bool] = [
        "LogicalAnd": { $0 && $1 }, "LogicalOr": { $0 || $1 }, "LogicalXor": { $0 != $1 },
    ]

    @Test(arguments: comparisons.keys.sorted())
    func compares(_ type: String) throws {
        let function = try #require(Self.comparisons[type])
        var random = SeededGenerator(7)
        for dataType in BinaryCase.reals + BinaryCase.integers {
            for (left, right) in [([4, 5], [4, 5]), ([3, 1, 4], [5, 1]), ([40, 60], []), ([0], [1])] {
                // Few different numbers, so that equal ones meet.
                let a = Tensor(dataType, left, random.tensor(.int32, left, 0...3).values)
                let b = Tensor(dataType, right, random.tensor(.int32, right, 0...3).values)
                let (shape, expected) = ElementwiseBinaryTests.apply(a, b) { function($0, $1) ? 1 : 0 }
                let y = try run(type, [a, b])[0]
                #expect(y.type == .bool)
                expectClose(y, shape: shape, expected, note: "\(dataType) \(left) \(right)")
            }
        }
    }

    @Test func comparesNaN() throws {
        let (a, b) = (Tensor(.float, [2], [.nan, .nan]), Tensor(.float, [2], [.nan, 1]))
        for type in Self.comparisons.keys {
            let expected = type == "NotEqual" ? 1.0 : 0
            expectClose(try run(type, [a, b])[0], shape: [2], [expected, expected], note: type)
        }
    }

    @Test(arguments: logic.keys.sorted())
    func combinesBooleans(_ type: String) throws {
        let function = try #require(Self.logic[type])
        // Any byte other than 0 is true.
        let (a, b) = (Tensor(.bool, [4, 1], [0, 1, 7, 255]), Tensor(.bool, [4], [0, 1, 2, 128]))
        let (shape, expected) = ElementwiseBinaryTests.apply(a, b) { function($0 != 0, $1 != 0) ? 1 : 0 }
        expectClose(try run(type, [a, b])[0], shape: shape, expected)
    }

    @Test func comparesBooleans() throws {
        let (a, b) = (Tensor(.bool, [3], [0, 1, 2]), Tensor(.bool, [3], [0, 2, 0]))
        expectClose(try run("Equal", [a, b])[0], shape: [3], [1, 1, 0])
        expectClose(try run("NotEqual", [a, b])[0], shape: [3], [0, 0, 1])
    }

    @Test func refusesOtherTypes() {
        let x = Tensor(.float, [1], [1])
        expectRefusal("LogicalAnd", [x, x], says: "input 0 has type float, expected one of bool")
        expectRefusal("Greater", [Tensor(.bool, [1], [1]), Tensor(.bool, [1], [1])], says: "input 0 has type bool")
        expectRefusal("Equal", [x, Tensor(.double, [1], [1])], says: "input 1 has type double, expected one of float")
    }
}
