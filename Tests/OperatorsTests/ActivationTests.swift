// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

/// The activations with more than one operand; the others are among the element-wise functions.
@Suite struct ActivationTests {
    static let types: Set<String> = ["ClipByValue", "PRelu"]

    @Test(arguments: BinaryCase.reals + BinaryCase.integers)
    func clips(_ type: DataType) throws {
        var random = SeededGenerator(33)
        let isUnsigned = [.uint8, .uint16, .uint32, .uint64].contains(type)
        for shape in [[3, 5], [40, 60]] {
            let x = random.tensor(type, shape, isUnsigned ? 0...9 : -9...9)
            let (low, high) = (Tensor(type, [], [isUnsigned ? 2 : -2]), Tensor(type, [1], [5]))
            let expected = x.values.map { min(max($0, low.values[0]), 5) }
            for constants in [Set<Int>(), [1, 2]] {
                expectClose(try run("ClipByValue", [x, low, high], constants: constants)[0], shape: shape, expected)
            }
        }
    }

    @Test func clipsToBoundsOfEachElement() throws {
        let x = Tensor(.float, [2, 2], [-1, 1, 3, 5])
        let y = try run("ClipByValue", [x, Tensor(.float, [2], [0, 2]), Tensor(.float, [2, 1], [0.5, 4])])[0]
        expectClose(y, shape: [2, 2], [0, 0.5, 3, 4])
    }

    @Test(arguments: BinaryCase.reals)
    func scalesNegativeElements(_ type: DataType) throws {
        var random = SeededGenerator(34)
        // The shape of the weight, and how it broadcasts.
        for (shape, weight, aligned) in [
            ([2, 3, 4, 5], [3], [3, 1, 1]), ([2, 3, 4, 5], [3, 1, 1], [3, 1, 1]), ([2, 3, 4, 5], [1], [1]),
            ([2, 5], [5], [5]), ([2, 8, 12, 15], [8], [8, 1, 1]), ([2, 3, 4], [2, 3, 4], [2, 3, 4]),
        ] {
            let (x, slope) = (random.tensor(type, shape), random.tensor(type, weight))
            let spread = Tensor(type, aligned, slope.values)
            let expected = zip(places(shape), x.values).map { $1 < 0 ? $1 * spread.broadcast($0) : $1 }
            for constants in [Set<Int>(), [1]] {
                expectClose(
                    try run("PRelu", [x, slope], constants: constants)[0], shape: shape, expected,
                    note: "\(shape) \(weight)")
            }
        }
    }

    @Test func refusesOperandsThatDoNotFit() {
        let x = Tensor(.float, [2, 3], [Double](repeating: 0, count: 6))
        let wide = Tensor(.float, [4, 2, 3], [Double](repeating: 0, count: 24))
        expectRefusal("ClipByValue", [x, wide, x], says: "input 1 has the shape [4, 2, 3]")
        expectRefusal("ClipByValue", [x, x], says: "input 2 is missing")
        expectRefusal("PRelu", [x, wide], says: "input 1 has the shape [4, 2, 3]")
        expectRefusal("PRelu", [x, Tensor(.double, [1], [1])], says: "input 1 has type double")
    }
}
