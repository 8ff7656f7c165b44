// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct TopKTests {
    static let types: Set<String> = ["TopK", "TopKV2", "TopKD"]

    @Test(arguments: types.sorted(), BinaryCase.reals + BinaryCase.integers)
    func findsTheBest(_ type: String, _ dataType: DataType) throws {
        var random = SeededGenerator(40)
        for (shape, axis, k) in [([9], 0, 4), ([3, 7, 2], 1, 7), ([3, 7, 2], -1, 1), ([30], -1, 12), ([2, 3], 1, 0)] {
            for largest in [true, false] {
                // Few different numbers, so that equal ones meet.
                let x = Tensor(dataType, shape, random.tensor(.int32, shape, 0...6).values)
                let along = axis < 0 ? axis + shape.count : axis
                var output = shape
                output[along] = k
                let expected = places(output).map { place -> (value: Double, index: Double) in
                    let row = (0..<shape[along]).map { index -> (index: Int, value: Double) in
                        var source = place
                        source[along] = index
                        return (index, x.broadcast(source))
                    }
                    let ordered = row.sorted {
                        ($0.value == $1.value) ? $0.index < $1.index : ($0.value > $1.value) == largest
                    }
                    return (ordered[place[along]].value, Double(ordered[place[along]].index))
                }
                let results = try run(
                    type, type == "TopKD" ? [x] : [x, .ints([k], .int32)],
                    [
                        "dim": .int(Int64(axis)), "largest": .bool(largest), "k": .int(Int64(k)),
                        "indices_dtype": .dataType(.int64),
                    ], constants: [1], outputs: ["values", "indices"])
                expectClose(results[0], shape: output, expected.map(\.value), note: "\(shape) \(axis) \(k) \(largest)")
                expectClose(results[1], shape: output, expected.map(\.index), note: "\(shape) \(axis) \(k) \(largest)")
                #expect(results[1].type == .int64)
            }
        }
    }

    @Test func countsNaNAsTheLargest() throws {
        let x = Tensor(.float, [4], [1, .nan, 3, 2])
        let best = try run("TopK", [x, .ints([2], .int32)], constants: [1], outputs: ["values", "indices"])
        expectClose(best[1], shape: [2], [1, 2])
        let worst = try run(
            "TopK", [x, .ints([4], .int32)], ["largest": .bool(false)], constants: [1], outputs: ["values", "indices"])
        expectClose(worst[1], shape: [4], [0, 3, 2, 1])
        // Without the indices as a result.
        expectClose(try run("TopK", [x, .ints([1])], ["largest": .bool(false)], constants: [1])[0], shape: [1], [1])
    }

    @Test func refusesWhatIsNotThere() {
        let x = Tensor(.float, [2], [1, 2])
        expectRefusal("TopK", [x, .ints([3])], constants: [1], says: "k is 3, expected 0...2")
        expectRefusal("TopK", [x, .ints([-1])], constants: [1], says: "k is -1")
        expectRefusal("TopKD", [x], says: "k is missing")
        expectRefusal("TopK", [x, .ints([1])], ["dim": .int(1)], constants: [1], says: "axis 1 is out of range")
        expectRefusal("TopK", [Tensor(.float, [], [1]), .ints([1])], constants: [1], says: "the input is a scalar")
        expectRefusal("TopKD", [x], ["k": .int(1), "indices_dtype": .int(0)], says: "attribute indices_dtype is float")
    }
}
