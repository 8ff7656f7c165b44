// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct ExpandTests {
    /// numpy's broadcasting of one tensor to a shape.
    private func expanded(_ x: Elements, _ shape: [Int]) -> Elements {
        Elements(x.type, shape) { coordinates in
            x[zip(coordinates.suffix(x.shape.count), x.shape).map { $1 == 1 ? 0 : $0 }]
        }
    }

    @Test(arguments: Elements.types) func dimensionsAreRepeated(type: DataType) throws {
        var random = MovementRandom(51)
        for rank in 0...4 {
            for _ in 0..<4 {
                let target = random.shape(rank: rank)
                let shape = target.suffix(random.number(0...rank)).map { random.number(0...1) == 0 ? 1 : $0 }
                let x = Elements(type, shape, seed: random.next())
                let expected = expanded(x, target)
                let attribute: [String: Attribute] = ["shape": .ints(target.map { Int64($0) })]
                #expect(try runNode("Expand", [.data(x), .ints(target)]) == [expected])
                #expect(try runNode("BroadcastTo", [.data(x), .ints(target, .int32)]) == [expected])
                #expect(try runNode("ExpandD", [.data(x)], attribute) == [expected])
                #expect(try runNode("BroadcastToD", [.data(x)], attribute) == [expected])
            }
        }
    }

    @Test func theInputMayBeTheLargerOne() throws {
        let x = Elements(.float, [3, 1], seed: 1)
        #expect(try runNode("Expand", [.data(x), .ints([2, 1, 6])]) == [expanded(x, [2, 3, 6])])
        #expect(try runNode("Expand", [.data(x), .ints([1])]) == [x])
        #expect(try runNode("BroadcastTo", [.data(x), .ints([-1, 4])]) == [expanded(x, [3, 4])])
    }

    @Test(arguments: Elements.types) func tensorsAreTiled(type: DataType) throws {
        var random = MovementRandom(52)
        for rank in 0...4 {
            let x = Elements(type, random.shape(rank: rank, 1...4), seed: random.next())
            let multiples = x.shape.map { _ in random.number(1...3) }
            let expected = Elements(type, zip(x.shape, multiples).map { $0 * $1 }) { coordinates in
                x[zip(coordinates, x.shape).map { $0 % $1 }]
            }
            #expect(try runNode("Tile", [.data(x), .ints(multiples)]) == [expected])
            #expect(
                try runNode("TileD", [.data(x)], ["multiples": .ints(multiples.map { Int64($0) })]) == [expected])
        }
        #expect(
            try runNode("Tile", [.data(Elements(type, [2, 3], seed: 1)), .ints([0, 2])]) == [
                Elements(type, [0, 6], [])
            ])
    }

    @Test func shapesThatDoNotFitAreRefused() {
        let x = Slot.data(Elements(.float, [2, 3], seed: 1))
        expectRefused("Expand", [x, .ints([3, 3])], "do not broadcast")
        expectRefused("Expand", [x, .ints([-2, 3])], "is not a shape")
        expectRefused("Expand", [x, .ints([-1, 2, 3])], "keeps a dimension")
        expectRefused("Expand", [x, .ints([1 << 46, 2, 3])], "too large")
        expectRefused("Expand", [x, .ints([0, Int.max, 2, 3])], "too large")
        expectRefused("ExpandD", [x], "attribute shape is missing")
        expectRefused("Tile", [x, .ints([2])], "expected 2 numbers")
        expectRefused("Tile", [x, .ints([2, -1])], "expected 2 numbers of at least 0")
        expectRefused("Tile", [x, .ints([Int.max, 1])], "too large")
    }
}

@Suite struct FillTests {
    @Test(arguments: Elements.types) func aValueIsRepeated(type: DataType) throws {
        let value = Elements(type, [], seed: 3)
        let expected = Elements(type, [2, 3, 5]) { _ in value.bytes }
        #expect(try runNode("Fill", [.ints([2, 3, 5]), .data(value)]) == [expected])
        #expect(try runNode("Fill", [.ints([2, 3, 5], .int32), .constant(value.constant)]) == [expected])
        #expect(try runNode("FillD", [.data(value)], ["dims": .ints([2, 3, 5])]) == [expected])
        #expect(try runNode("Fill", [.ints([0, 3]), .data(value)]) == [Elements(type, [0, 3], [])])
        #expect(try runNode("Fill", [.ints([]), .data(value)]) == [value])
    }

    @Test(arguments: Elements.types.filter { ![.complex64, .complex128].contains($0) })
    func onesAndZeros(type: DataType) throws {
        let x = Slot.data(Elements(type, [3, 4], seed: 4))
        #expect(try runNode("OnesLike", [x]) == [Elements(type, [3, 4], [Int](repeating: 1, count: 12))])
        #expect(try runNode("ZerosLike", [x]) == [Elements(type, [3, 4], [Int](repeating: 0, count: 12))])
    }

    @Test func shapesThatAreNoneAreRefused() {
        let value = Slot.constant(Constant(floats: [1], shape: []))
        expectRefused("Fill", [.ints([-1]), value], "is not a shape")
        expectRefused("Fill", [.ints([1 << 40, 1 << 40]), value], "too large")
        expectRefused("Fill", [.ints([2]), .constant(Constant(floats: [1, 2]))], "expected a single element")
        expectRefused("Fill", [.data(Elements(.int32, [1], [2])), value], "must be a constant")
        expectRefused("OnesLike", [.data(Elements(.complex64, [1], seed: 1))], "expected numbers")
    }
}

@Suite struct SeriesTests {
    @Test func numbersAtEqualDistances() throws {
        func series(_ bounds: [Int], _ type: DataType) throws -> [Elements] {
            try runNode("Range", bounds.map { .constant(Elements(type, [], [$0]).constant) })
        }
        #expect(try series([2, 11, 3], .int64) == [Elements(.int64, [3], [2, 5, 8])])
        #expect(try series([2, 12, 3], .int32) == [Elements(.int32, [4], [2, 5, 8, 11])])
        #expect(try series([5, 0, -2], .int64) == [Elements(.int64, [3], [5, 3, 1])])
        #expect(try series([5, 0, 2], .int64) == [Elements(.int64, [0], [])])
        #expect(try series([0, 3, 1], .double) == [Elements(.double, [3], [0, 1, 2])])
        let floats: [Slot] = [0.5, 2, 0.25].map { .constant(Constant(floats: [$0], shape: [])) }
        let quarters: [Float] = [0.5, 0.75, 1, 1.25, 1.5, 1.75]
        #expect(
            try runNode("Range", floats)
                == [Elements(.float, [6]) { place in withBytes(of: quarters[place[0]]) }])
        #expect(
            try runNode("Range", [1, 7, 3].map { .ints([$0], shape: []) }, ["is_closed": .bool(true)])
                == [Elements(.int64, [3], [1, 4, 7])])
        #expect(
            try runNode(
                "RangeD", [.data(Elements(.int32, [4], seed: 1))],
                ["start": .float(1), "limit": .float(9), "delta": .float(2)]) == [Elements(.int32, [4], [1, 3, 5, 7])])
    }

    private func withBytes(of value: Float) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
    }

    @Test func rangesWithoutEndAreRefused() {
        func bounds(_ values: [Float]) -> [Slot] { values.map { .constant(Constant(floats: [$0], shape: [])) } }
        expectRefused("Range", bounds([0, 1, 0]), "has no end")
        expectRefused("Range", bounds([0, .infinity, 1]), "has no end")
        expectRefused("Range", bounds([0, .nan, 1]), "has no end")
        expectRefused("Range", bounds([0, 1e30, 1]), "too long")
        expectRefused(
            "Range", [.ints([0]), .data(Elements(.int64, [], [5])), .ints([1])], "input 1 must be a constant")
        expectRefused(
            "RangeD", [.data(Elements(.int8, [1], [0]))],
            ["start": .float(0), "limit": .float(300), "delta": .float(1)], "does not consist of numbers of type int8")
    }
}

/// Tensors so large that their copies are cut into pieces, which run on several threads.
@Suite struct LargeCopyTests {
    @Test func piecesMakeUpTheWhole() throws {
        let x = Elements(.int32, [7, 300, 301], seed: 1)
        let rows = 300 * 301 * 4
        #expect(
            try runNode(
                "StridedSliceD", [.data(x)],
                [
                    "begin": .ints([1]), "end": .ints([6]), "strides": .ints([1]),
                ]
            ).map(\.bytes) == [Array(x.bytes[rows..<6 * rows])])
        let parts = try runNode("SplitD", [.data(x)], ["split_dim": .int(0), "num_split": .int(7)])
        #expect(parts.flatMap(\.bytes) == x.bytes)
        let twice = try runNode("Tile", [.data(x), .ints([2, 1, 1])])
        #expect(twice.map(\.bytes) == [x.bytes + x.bytes])
        let back = try runNode("ReverseV2", [.data(x), .ints([0])])
        var reversed: [UInt8] = []
        for matrix in (0..<7).reversed() { reversed += x.bytes[matrix * rows..<(matrix + 1) * rows] }
        #expect(back.map(\.bytes) == [reversed])
        let turned = try runNode("Transpose", [.data(x), .ints([1, 0, 2])])
        var expected: [UInt8] = []
        for row in 0..<300 {
            for matrix in 0..<7 {
                let start = (matrix * 300 + row) * 301 * 4
                expected += x.bytes[start..<start + 301 * 4]
            }
        }
        #expect(turned.map(\.bytes) == [expected])
    }
}
