// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct ArgMaxTests {
    static let types: Set<String> = ["ArgMaxV2", "ArgMaxD", "ArgMin", "ArgMinD"]

    @Test(arguments: types.sorted())
    func findsTheFirstExtreme(_ type: String) throws {
        var random = SeededGenerator(11)
        let largest = type.hasPrefix("ArgMax")
        for dataType in BinaryCase.reals + BinaryCase.integers {
            for (shape, axis) in [([9], 0), ([3, 4, 5], 1), ([3, 4, 5], -1), ([3, 4, 5], 0), ([2, 1], 1)] {
                // Few different numbers, so that equal ones meet.
                let x = Tensor(dataType, shape, random.tensor(.int32, shape, 0...5).values)
                let positive = axis < 0 ? axis + shape.count : axis
                let (expectedShape, expected) = ReductionTests.reduce(x, [positive], keeps: false) { row in
                    let best = row.reduce(row[0]) { largest ? max($0, $1) : min($0, $1) }
                    return Double(row.firstIndex(of: best) ?? -1)
                }
                let usesInput = !type.hasSuffix("D")
                for index in [DataType.int32, .int64] {
                    let y = try run(
                        type, usesInput ? [x, .ints([axis], .int32)] : [x],
                        ["dimension": .int(Int64(axis)), "dtype": .dataType(index)], constants: [1])[0]
                    #expect(y.type == index)
                    expectClose(y, shape: expectedShape, expected, note: "\(dataType) \(shape) \(axis)")
                }
            }
        }
    }

    @Test func prefersNaN() throws {
        let x = Tensor(.float, [4], [1, .nan, 2, .nan])
        for type in ["ArgMaxV2", "ArgMin"] {
            expectClose(try run(type, [x, .ints([0], .int32)], constants: [1])[0], shape: [], [1], note: type)
        }
    }

    @Test func refusesAxesThatAreNotThere() {
        let x = Tensor(.float, [2, 2], [1, 2, 3, 4])
        expectRefusal("ArgMaxV2", [x, .ints([2])], constants: [1], says: "axis 2 is out of range")
        expectRefusal("ArgMaxD", [x], says: "the axis is missing")
        expectRefusal(
            "ArgMaxD", [Tensor(.float, [0, 2], [])], ["dimension": .int(0)], says: "axis 0 of [0, 2] is empty")
        expectRefusal("ArgMaxD", [x], ["dimension": .int(0), "dtype": .int(0)], says: "attribute dtype is float")
    }
}
