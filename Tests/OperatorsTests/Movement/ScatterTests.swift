// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct ScatterTests {
    static let numbers: [DataType] = [
        .int8, .uint8, .float16, .bfloat16, .int16, .uint16, .float, .int32, .uint32, .int64, .uint64, .double,
    ]
    /// Suffixes of the types, what ScatterElements calls them, and what they do with small numbers.
    static let reductions: [(suffix: String, name: String?, combine: @Sendable (Int, Int) -> Int)] = [
        ("Update", "none", { _, new in new }), ("Add", "add", { $0 + $1 }), ("Sub", nil, { $0 - $1 }),
        ("Mul", "mul", { $0 * $1 }), ("Max", "max", { max($0, $1) }), ("Min", "min", { min($0, $1) }),
    ]

    @Test(arguments: numbers) func singleElementsAreUpdated(type: DataType) throws {
        var random = MovementRandom(71)
        for rank in 1...3 {
            for axis in 0..<rank {
                let shape = random.shape(rank: rank)
                let small = shape.enumerated().map { $0.offset == axis ? 4 : random.number(1...$0.element) }
                // Large enough that no difference is negative.
                let data = coordinates(shape).map { _ in random.number(15...20) }
                let places = coordinates(small)
                let indices = places.map { _ in random.number(-shape[axis]...shape[axis] - 1) }
                let updates = places.map { _ in random.number(0...2) }
                for reduction in Self.reductions {
                    guard let name = reduction.name else { continue }
                    // Repeated products leave the range of types with few bits.
                    if name == "mul", type.bitWidth == 8 || type == .bfloat16 { continue }
                    var result = data
                    for (number, place) in places.enumerated() {
                        var target = place
                        target[axis] = indices[number] < 0 ? indices[number] + shape[axis] : indices[number]
                        let element = zip(target, shape).reduce(0) { $0 * $1.1 + $1.0 }
                        result[element] = reduction.combine(result[element], updates[number])
                    }
                    let slots: [Slot] = [
                        .data(Elements(type, shape, data)), .data(Elements(.int64, small, indices)),
                        .data(Elements(type, small, updates)),
                    ]
                    #expect(
                        try runNode(
                            "ScatterElements", slots, ["axis": .int(Int64(axis)), "reduction": .string(name)])
                            == [Elements(type, shape, result)])
                }
            }
        }
    }

    @Test(arguments: numbers) func slicesAreUpdated(type: DataType) throws {
        var random = MovementRandom(72)
        for (rank, length) in [(1, 1), (3, 1), (3, 2), (3, 3), (2, 0)] {
            let shape = random.shape(rank: rank, 2...4)
            let inner = shape[length...].reduce(1, *)
            let data = coordinates(shape).map { _ in random.number(10...14) }
            let tuples = (0..<3).map { _ in (0..<length).map { random.number(-shape[$0]...shape[$0] - 1) } }
            let updates = (0..<3 * inner).map { _ in random.number(0...2) }
            for reduction in Self.reductions {
                var result = data
                for (number, tuple) in tuples.enumerated() {
                    let row = zip(tuple, shape).reduce(0) { $0 * $1.1 + ($1.0 < 0 ? $1.0 + $1.1 : $1.0) }
                    for element in 0..<inner {
                        let target = row * inner + element
                        result[target] = reduction.combine(result[target], updates[number * inner + element])
                    }
                }
                let x = Slot.data(Elements(type, shape, data))
                let new = Slot.data(Elements(type, [3] + shape[length...], updates))
                for indices in [
                    Slot.data(Elements(.int32, [3, length], Array(tuples.joined()))),
                    .ints(Array(tuples.joined()), shape: [3, length]),
                ] {
                    #expect(
                        try runNode("ScatterNd" + reduction.suffix, [x, indices, new]) == [
                            Elements(type, shape, result)
                        ])
                    #expect(
                        try runNode("TensorScatter" + reduction.suffix, [x, indices, new])
                            == [Elements(type, shape, result)])
                }
                if length == 1 {
                    let rows = Slot.data(Elements(.int64, [3], Array(tuples.joined())))
                    #expect(
                        try runNode("Scatter" + reduction.suffix, [x, rows, new]) == [Elements(type, shape, result)])
                }
            }
        }
    }

    @Test(arguments: Elements.types) func elementsOfAnyTypeAreReplaced(type: DataType) throws {
        let x = Elements(type, [4, 3], seed: 1)
        let new = Elements(type, [2, 3], seed: 2)
        let expected = Elements(type, [4, 3]) { place in
            place[0] == 3 ? new[[0, place[1]]] : place[0] == 1 ? new[[1, place[1]]] : x[place]
        }
        let indices = Slot.data(Elements(.int64, [2, 1], [-1, 1]))
        #expect(try runNode("ScatterNdUpdate", [.data(x), indices, .data(new)]) == [expected])
        let each = Slot.data(Elements(.int64, [2, 3], [3, 3, 3, 1, 1, 1]))
        #expect(try runNode("ScatterElements", [.data(x), each, .data(new)]) == [expected])
    }

    @Test func slicesAreSummedOnZeros() throws {
        let indices = Slot.data(Elements(.int32, [3, 1], [2, 0, 2]))
        let updates = Slot.data(Elements(.float, [3, 2], [1, 2, 3, 4, 5, 6]))
        #expect(
            try runNode("ScatterNd", [indices, updates, .ints([4, 2])])
                == [Elements(.float, [4, 2], [3, 4, 0, 0, 6, 8, 0, 0])])
    }

    @Test func computedIndicesOutsideEndTheExecution() throws {
        let x = Slot.data(Elements(.float, [2, 2], [1, 2, 3, 4]))
        let updates = Slot.data(Elements(.float, [3, 2], [5, 6, 7, 8, 9, 10]))
        let rows = Slot.data(Elements(.int64, [3, 1], [0, 1, -3]))
        expectRefused("ScatterNdUpdate", [x, rows, updates], "element 2 of input 1 is -3, outside of -2...1")
        expectRefused("ScatterNd", [rows, updates, .ints([2, 2])], "element 2 of input 0 is -3, outside of -2...1")
        let each = Slot.data(Elements(.int64, [3, 2], [0, Int.max, 1, 1, -3, Int.min]))
        expectRefused("ScatterElements", [x, each, updates], "element 1 of input 1 is \(Int.max), outside of -2...1")
    }

    @Test func updatesThatDoNotFitAreRefused() {
        let x = Slot.data(Elements(.float, [2, 3], seed: 1))
        let row = Slot.data(Elements(.float, [1, 3], seed: 1))
        expectRefused("ScatterNdUpdate", [x, .ints([2], shape: [1, 1]), row], "index 2 in input 1")
        expectRefused(
            "ScatterNdUpdate", [x, .ints([0], shape: [1]), row], "the updates have the shape [1, 3], expected [3]")
        expectRefused("ScatterNdUpdate", [x, .ints([0, 0, 0], shape: [1, 3]), row], "do not fit data")
        expectRefused("ScatterUpdate", [x, .ints([0, 1]), row], "expected [2, 3]")
        expectRefused("ScatterElements", [x, .ints([0, 0, 0], shape: [1, 3]), x], "do not match")
        expectRefused("ScatterElements", [x, .ints([0, 0, 2], shape: [1, 3]), row], "index 2")
        expectRefused(
            "ScatterElements", [x, .ints([0, 0, 0], shape: [1, 3]), row], ["reduction": .string("mean")],
            "attribute reduction is 'mean'")
        let bools = Slot.data(Elements(.bool, [2], seed: 1))
        expectRefused("ScatterAdd", [bools, .ints([0, 1]), bools], "elements of type bool cannot be combined")
        expectRefused("ScatterNd", [.ints([5], shape: [1, 1]), row, .ints([4, 3])], "index 5 in input 0")
        expectRefused("ScatterNd", [.ints([0], shape: [1, 1]), row, .ints([-4, 3])], "is not a shape")
    }
}
