// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct ConcatTests {
    @Test(arguments: Elements.types) func tensorsAreJoined(type: DataType) throws {
        var random = MovementRandom(31)
        for rank in 1...4 {
            for axis in 0..<rank {
                let shape = random.shape(rank: rank)
                let parts = (0..<random.number(1...4)).map { _ in
                    var part = shape
                    part[axis] = random.number(0...3)
                    return Elements(type, part, seed: random.next())
                }
                var joined = shape
                joined[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
                let expected = Elements(type, joined) { coordinates in
                    var rest = coordinates
                    for part in parts {
                        if rest[axis] < part.shape[axis] { return part[rest] }
                        rest[axis] -= part.shape[axis]
                    }
                    return []
                }
                let slots = parts.map { Slot.data($0) }
                let attributes: [String: Attribute] = ["concat_dim": .int(Int64(axis)), "N": .int(Int64(parts.count))]
                #expect(try runNode("ConcatD", slots, attributes) == [expected])
                #expect(try runNode("ConcatV2D", slots, ["concat_dim": .int(Int64(axis - rank))]) == [expected])
                #expect(try runNode("Concat", [.ints([axis], shape: [], .int32)] + slots) == [expected])
                #expect(try runNode("ConcatV2", slots + [.ints([axis - rank], shape: [], .int32)]) == [expected])
            }
        }
    }

    @Test(arguments: Elements.types) func tensorsAreStacked(type: DataType) throws {
        var random = MovementRandom(32)
        for rank in 0...3 {
            for axis in 0...rank {
                let shape = random.shape(rank: rank)
                let parts = (0..<3).map { _ in Elements(type, shape, seed: random.next()) }
                let expected = Elements(type, Array(shape[..<axis]) + [3] + Array(shape[axis...])) { coordinates in
                    var rest = coordinates
                    return parts[rest.remove(at: axis)][rest]
                }
                let attributes: [String: Attribute] = ["axis": .int(Int64(axis - rank - 1)), "N": .int(3)]
                #expect(try runNode("Pack", parts.map { .data($0) }, attributes) == [expected])
            }
        }
    }

    @Test func partsThatDoNotFitAreRefused() {
        let x = Slot.data(Elements(.float, [2, 3], seed: 1))
        let y = Slot.data(Elements(.float, [2, 4], seed: 1))
        let whole = Slot.data(Elements(.int32, [2, 3], seed: 1))
        expectRefused("ConcatD", [x, y], ["concat_dim": .int(0)], "have the shapes [2, 3] and [2, 4]")
        expectRefused("ConcatD", [x, y], ["concat_dim": .int(2)], "axis 2 is out of range")
        expectRefused("ConcatD", [x, whole], ["concat_dim": .int(0)], "have types float and int32")
        expectRefused("ConcatD", [x, y], "attribute concat_dim is missing")
        expectRefused("ConcatV2", [.ints([0])], "there is nothing to join")
        expectRefused("Pack", [x, y], "have the shapes [2, 3] and [2, 4]")
        expectRefused("Pack", [x], ["axis": .int(3)], "axis 3 is out of range")
    }
}

@Suite struct SplitTests {
    private func part(_ x: Elements, _ axis: Int, _ range: Range<Int>) -> Elements {
        var shape = x.shape
        shape[axis] = range.count
        return Elements(x.type, shape) { coordinates in
            var source = coordinates
            source[axis] += range.lowerBound
            return x[source]
        }
    }

    @Test(arguments: Elements.types) func tensorsAreCut(type: DataType) throws {
        var random = MovementRandom(33)
        for rank in 1...4 {
            for axis in 0..<rank {
                var shape = random.shape(rank: rank)
                shape[axis] = 6
                let x = Elements(type, shape, seed: random.next())
                for count in [1, 2, 3, 6] {
                    let size = 6 / count
                    let expected = (0..<count).map { part(x, axis, $0 * size..<($0 + 1) * size) }
                    let number: [String: Attribute] = ["num_split": .int(Int64(count))]
                    #expect(try runNode("Split", [.ints([axis], shape: [], .int32), .data(x)], number) == expected)
                    let attributes = number.merging(["split_dim": .int(Int64(axis - rank))]) { first, _ in first }
                    #expect(try runNode("SplitD", [.data(x)], attributes) == expected)
                }
                let expected = [part(x, axis, 0..<2), part(x, axis, 2..<2), part(x, axis, 2..<6)]
                let number: [String: Attribute] = ["num_split": .int(3)]
                #expect(
                    try runNode("SplitV", [.data(x), .ints([2, 0, 4]), .ints([axis], .int32)], number) == expected)
                let attributes: [String: Attribute] = [
                    "num_split": .int(3), "split_dim": .int(Int64(axis)), "size_splits": .ints([2, 0, -1]),
                ]
                #expect(try runNode("SplitVD", [.data(x)], attributes) == expected)
                let slices = (0..<6).map { place in
                    let whole = part(x, axis, place..<place + 1)
                    return Elements(type, Array(shape[..<axis]) + Array(shape[(axis + 1)...])) { coordinates in
                        whole[coordinates[..<axis] + [0] + coordinates[axis...]]
                    }
                }
                #expect(try runNode("Unpack", [.data(x)], ["num": .int(6), "axis": .int(Int64(axis))]) == slices)
            }
        }
    }

    @Test func sizesThatDoNotFitAreRefused() {
        let x = Slot.data(Elements(.float, [2, 5], seed: 1))
        func splits(_ axis: Int, _ count: Int, _ sizes: [Int64]? = nil) -> [String: Attribute] {
            var attributes: [String: Attribute] = ["split_dim": .int(Int64(axis)), "num_split": .int(Int64(count))]
            attributes["size_splits"] = sizes.map { .ints($0) }
            return attributes
        }
        expectRefused("SplitD", [x], splits(1, 2), "cannot be cut into 2 equal parts")
        expectRefused("SplitD", [x], splits(2, 1), "axis 2 is out of range")
        expectRefused("SplitD", [x], splits(1, 0), "attribute num_split is 0")
        expectRefused("SplitD", [x], splits(1, 1 << 40), "attribute num_split")
        expectRefused("SplitVD", [x], splits(1, 2, [2, 2]), "do not add up to dimension 1")
        expectRefused("SplitVD", [x], splits(1, 2, [-1, -1]), "do not add up")
        expectRefused("SplitVD", [x], splits(1, 2, [6, -1]), "do not add up")
        expectRefused("SplitVD", [x], splits(1, 2, [.max, .max]), "are not sizes")
        expectRefused("SplitVD", [x], splits(1, 2, [5]), "there are 1 sizes for 2 outputs")
        expectRefused("Unpack", [x], ["num": .int(3), "axis": .int(0)], "attribute num is 3")
    }
}
