// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct PadTests {
    /// The element behind a coordinate outside of 0..<size, found by walking; nil for one that is filled.
    private func source(_ coordinate: Int, _ size: Int, _ mode: String) -> Int? {
        if (0..<size).contains(coordinate) { return coordinate }
        switch mode {
        case "edge": return coordinate < 0 ? 0 : size - 1
        case "wrap": return source(coordinate < 0 ? coordinate + size : coordinate - size, size, mode)
        case "constant": return nil
        default:
            if size == 1 { return 0 }
            // Reflection does not repeat the element at the edge, symmetry does.
            let edge = mode == "reflect" ? 0 : 1
            let mirrored = coordinate < 0 ? -coordinate - edge : 2 * (size - 1) - coordinate + edge
            return source(mirrored, size, mode)
        }
    }

    private func padded(_ x: Elements, _ margins: [[Int]], _ mode: String, _ fill: [UInt8]) -> Elements {
        Elements(x.type, x.shape.indices.map { x.shape[$0] + margins[$0][0] + margins[$0][1] }) { coordinates in
            var place: [Int] = []
            for axis in x.shape.indices {
                guard let index = source(coordinates[axis] - margins[axis][0], x.shape[axis], mode) else { return fill }
                place.append(index)
            }
            return x[place]
        }
    }

    @Test(arguments: Elements.types) func marginsAreFilled(type: DataType) throws {
        var random = MovementRandom(41)
        for rank in 1...4 {
            for round in 0..<2 {
                let x = Elements(type, random.shape(rank: rank, 2...5), seed: random.next())
                // Some margins cut off.
                let margins = x.shape.map { _ in [random.number(-1...3), random.number(round == 0 ? 0...0 : -1...3)] }
                let fill = Elements(type, [], [7])
                let zeros = padded(x, margins, "constant", Elements.zero(type))
                let sevens = padded(x, margins, "constant", fill[[]])
                let pairs = Slot.ints(Array(margins.joined()), shape: [rank, 2])
                let lists: [String: Attribute] = ["paddings": .intLists(margins.map { $0.map { Int64($0) } })]
                #expect(try runNode("PadV2", [.data(x), pairs, .data(fill)]) == [sevens])
                #expect(try runNode("PadV2D", [.data(x), .constant(fill.constant)], lists) == [sevens])
                #expect(try runNode("PadV3", [.data(x), pairs, .constant(fill.constant)]) == [sevens])
                let beginsFirst = Slot.ints(margins.map { $0[0] } + margins.map { $0[1] })
                #expect(
                    try runNode("PadV3", [.data(x), beginsFirst, .data(fill)], ["paddings_contiguous": .bool(false)])
                        == [sevens])
                guard ![.complex64, .complex128].contains(type) else { continue }
                #expect(try runNode("Pad", [.data(x), pairs]) == [zeros])
                #expect(try runNode("PadD", [.data(x)], lists) == [zeros])
                #expect(try runNode("PadV3", [.data(x), pairs]) == [zeros])
                #expect(
                    try runNode("PadV3D", [.data(x)], lists.merging(["constant_values": .int(1)]) { first, _ in first })
                        == [padded(x, margins, "constant", Elements(type, [], [1])[[]])])
            }
        }
    }

    @Test(arguments: ["reflect", "symmetric", "edge", "wrap"]) func marginsRepeatTheInside(mode: String) throws {
        var random = MovementRandom(42)
        for type in Elements.types {
            for rank in 1...4 {
                let x = Elements(type, random.shape(rank: rank, 1...4), seed: random.next())
                // Also wider than the tensor, and nothing in the last dimension.
                let margins = x.shape.indices.map {
                    $0 == 3 ? [0, 0] : [random.number(0...6), random.number(0...6)]
                }
                let expected = padded(x, margins, mode, [])
                let pairs = Slot.ints(Array(margins.joined()), .int32)
                #expect(try runNode("PadV3", [.data(x), pairs], ["mode": .string(mode)]) == [expected])
                #expect(
                    try runNode("MirrorPad", [.data(x), pairs], ["mode": .string(mode.uppercased())]) == [expected])
            }
        }
    }

    @Test func emptyTensorsAreFilled() throws {
        let x = Slot.data(Elements(.float, [0, 2], []))
        let fill = Slot.constant(Constant(floats: [7], shape: []))
        #expect(
            try runNode("PadV2", [x, .ints([1, 1, 0, 1]), fill]) == [Elements(.float, [2, 3], [7, 7, 7, 7, 7, 7])])
    }

    @Test func aCutMayReachIntoTheMargin() throws {
        let x = Slot.data(Elements(.float, [1], [5]))
        let fill = Slot.constant(Constant(floats: [7], shape: []))
        #expect(try runNode("PadV2", [x, .ints([3, -3]), fill]) == [Elements(.float, [1], [7])])
        #expect(try runNode("PadV2", [x, .ints([-3, 3]), fill]) == [Elements(.float, [1], [7])])
        #expect(try runNode("PadV2", [x, .ints([2, -1]), fill]) == [Elements(.float, [2], [7, 7])])
    }

    @Test func marginsThatDoNotFitAreRefused() {
        let x = Slot.data(Elements(.float, [2, 3], seed: 1))
        expectRefused("Pad", [x, .ints([1, 1])], "there are 2 paddings, expected 4 for 2 dimensions")
        expectRefused("Pad", [x, .ints([-2, -1, 0, 0])], "margins -2 and -1 do not fit a dimension of size 2")
        expectRefused("Pad", [x, .ints([Int.max, 0, 0, 0])], "do not fit a dimension of size 2")
        expectRefused("Pad", [x, .ints([1 << 40, 0, 1 << 40, 0])], "too large")
        expectRefused("PadV3", [x, .ints([1, 1, 1, 1])], ["mode": .string("mirror")], "attribute mode is 'mirror'")
        expectRefused("PadV3", [x, .ints([1 << 40, 0, 0, 0])], ["mode": .string("edge")], "too large for this mode")
        expectRefused(
            "PadV2", [x, .ints([1, 1, 1, 1]), .constant(Constant(floats: [1, 2]))], "is not a single number")
        expectRefused("PadV2", [x, .ints([1, 1, 1, 1]), .ints([1])], "have types float and int64")
        expectRefused(
            "PadV3", [.data(Elements(.float, [0], [])), .ints([1, 0])], ["mode": .string("reflect")],
            "nothing to repeat")
        expectRefused(
            "Pad", [.data(Elements(.complex64, [1], seed: 1)), .ints([1, 0])], "there is no number of type complex64")
        expectRefused("Pad", [x, .data(Elements(.int64, [2, 2], [0, 0, 0, 0]))], "must be a constant")
    }
}
