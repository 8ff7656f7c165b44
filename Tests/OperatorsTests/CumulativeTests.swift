// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct CumulativeTests {
    static let types: Set<String> = ["Cumsum", "CumsumD", "Cumprod", "CumprodD"]

    @Test(arguments: types.sorted(), BinaryCase.reals + [.int8, .int32, .int64, .uint8])
    func accumulates(_ type: String, _ dataType: DataType) throws {
        var random = SeededGenerator(39)
        let isSum = type.hasPrefix("Cumsum")
        for (shape, axis) in [([7], 0), ([2, 3, 4], 1), ([2, 3, 4], -1), ([2, 3, 4], 0), ([2, 0], 1)] {
            for flags in 0..<4 {
                let (exclusive, reverse) = (flags & 1 != 0, flags & 2 != 0)
                let x = random.tensor(dataType, shape, 0...2)
                let along = axis < 0 ? axis + shape.count : axis
                let expected = places(shape).map { place -> Double in
                    let at = place[along]
                    let range = reverse ? at + (exclusive ? 1 : 0)..<shape[along] : 0..<at + (exclusive ? 0 : 1)
                    return range.reduce(isSum ? 0 : 1) { total, index in
                        var source = place
                        source[along] = index
                        let value = x.broadcast(source)
                        return isSum ? total + value : total * value
                    }
                }
                let attributes: [String: Attribute] = [
                    "exclusive": .bool(exclusive), "reverse": .bool(reverse), "axis": .int(Int64(axis)),
                ]
                let inputs = type.hasSuffix("D") ? [x] : [x, .ints([axis], .int32)]
                let y = try run(type, inputs, attributes, constants: [1])[0]
                // Each step may round once more.
                expectClose(
                    y, shape: shape, expected, Tolerance.of(dataType).times(5), note: "\(shape) \(axis) \(flags)")
            }
        }
    }

    @Test func refusesAxesThatAreNotThere() {
        let x = Tensor(.float, [2], [1, 2])
        expectRefusal("Cumsum", [x, .ints([1])], constants: [1], says: "axis 1 is out of range")
        expectRefusal("Cumsum", [x, .ints([0])], says: "input 1 must be a constant")
        expectRefusal("CumsumD", [Tensor(.float, [], [1])], says: "the input is a scalar")
    }
}
