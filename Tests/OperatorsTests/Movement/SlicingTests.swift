// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct SlicingTests {
    /// The positions that a slice takes from a dimension, found by looking at all of them.
    private func positions(_ size: Int, _ begin: Int, _ end: Int, _ step: Int) -> [Int] {
        let first = begin < 0 ? begin + size : begin
        let stop = end < 0 ? end + size : end
        if step > 0 {
            let start = max(first, 0)
            return (0..<size).filter { $0 >= start && $0 < stop && ($0 - start) % step == 0 }
        }
        let start = min(first, size - 1)
        return (0..<size).reversed().filter { $0 <= start && $0 > stop && (start - $0) % -step == 0 }
    }

    private func picked(_ x: Elements, _ positions: [[Int]]) -> Elements {
        Elements(x.type, positions.map(\.count)) { coordinates in
            x[coordinates.indices.map { positions[$0][coordinates[$0]] }]
        }
    }

    @Test(arguments: Elements.types) func partsAreTakenAsNumpyDoes(type: DataType) throws {
        var random = MovementRandom(11)
        for rank in 1...4 {
            for _ in 0..<12 {
                let x = Elements(type, random.shape(rank: rank, 1...7), seed: random.next())
                let begin = x.shape.map { random.number(-$0 - 1...$0 + 1) }
                let end = x.shape.map { random.number(-$0 - 1...$0 + 2) }
                let strides = x.shape.map { _ in [1, 1, 2, 3, -1, -2][random.number(0...5)] }
                let taken = x.shape.indices.map { positions(x.shape[$0], begin[$0], end[$0], strides[$0]) }
                let expected = picked(x, taken)
                #expect(
                    try runNode("StridedSlice", [.data(x), .ints(begin), .ints(end), .ints(strides)]) == [expected])
                let attributes: [String: Attribute] = [
                    "begin": .ints(begin.map(Int64.init)), "end": .ints(end.map(Int64.init)),
                    "strides": .ints(strides.map(Int64.init)),
                ]
                #expect(try runNode("StridedSliceD", [.data(x)], attributes) == [expected])
                let order = random.order(rank)
                let chosen: [Slot] = [begin, end, order, strides].enumerated().map { number, values in
                    .ints(number == 2 ? order : order.map { values[$0] })
                }
                #expect(try runNode("StridedSliceV2", [.data(x)] + chosen) == [expected])
                #expect(try runNode("StridedSliceV3", [.data(x)] + chosen) == [expected])
            }
        }
    }

    @Test func boundsFarOutsideAreMovedToTheEnds() throws {
        let x = Elements(.int32, [4], [1, 2, 3, 4])
        func slice(_ begin: Int, _ end: Int, _ step: Int) throws -> [Elements] {
            try runNode("StridedSliceV2", [.data(x), .ints([begin]), .ints([end]), .ints([0]), .ints([step])])
        }
        #expect(try slice(1, Int.max, 1) == [Elements(.int32, [3], [2, 3, 4])])
        #expect(try slice(Int.max, Int.min, -1) == [Elements(.int32, [4], [4, 3, 2, 1])])
        #expect(try slice(Int.min, Int.max, Int.max) == [Elements(.int32, [1], [1])])
        #expect(try slice(-1, Int.min, Int.min) == [Elements(.int32, [1], [4])])
    }

    @Test func axesMayBeLeftOut() throws {
        let x = Elements(.float, [4, 3], seed: 1)
        #expect(
            try runNode("StridedSliceV2", [.data(x), .ints([1], .int32), .ints([3], .int32)])
                == [picked(x, [[1, 2], [0, 1, 2]])])
        #expect(
            try runNode("StridedSliceV2", [.data(x), .ints([-1]), .ints([3]), .ints([1])]) == [
                picked(x, [[0, 1, 2, 3], [2]])
            ])
    }

    @Test func masksChangeTheMeaningOfEntries() throws {
        let x = Elements(.float, [3, 4, 5], seed: 2)
        func slice(_ entries: [[Int]], _ masks: [String: Int]) throws -> [Elements] {
            var attributes = masks.mapValues { Attribute.int(Int64($0)) }
            for (name, column) in zip(["begin", "end", "strides"], 0...) {
                attributes[name] = .ints(entries.map { Int64($0[column]) })
            }
            return try runNode("StridedSliceD", [.data(x)], attributes)
        }
        // x[1:, :3]
        #expect(
            try slice([[1, 7, 1], [2, 3, 1]], ["end_mask": 1, "begin_mask": 2])
                == [picked(x, [[1, 2], [0, 1, 2], [0, 1, 2, 3, 4]])])
        // x[::-1]
        #expect(
            try slice([[0, 0, -1]], ["begin_mask": 1, "end_mask": 1])
                == [picked(x, [[2, 1, 0], [0, 1, 2, 3], [0, 1, 2, 3, 4]])])
        // x[1, ..., 2]
        #expect(
            try slice([[1, 2, 1], [0, 0, 1], [2, 3, 1]], ["ellipsis_mask": 2, "shrink_axis_mask": 5])
                == [Elements(.float, [4]) { x[[1, $0[0], 2]] }])
        // x[-1, newaxis, 1:3]
        #expect(
            try slice([[-1, 0, 1], [0, 0, 1], [1, 3, 1]], ["new_axis_mask": 2, "shrink_axis_mask": 1])
                == [Elements(.float, [1, 2, 5]) { x[[2, 1 + $0[1], $0[2]]] }])
        // x[..., newaxis]
        #expect(
            try slice([[0, 0, 1], [0, 0, 1]], ["ellipsis_mask": 1, "new_axis_mask": 2])
                == [Elements(.float, [3, 4, 5, 1]) { x[Array($0.dropLast())] }])
    }

    @Test(arguments: Elements.types) func offsetsAndSizes(type: DataType) throws {
        let x = Elements(type, [3, 4, 5], seed: 3)
        let expected = picked(x, [[1, 2], [0, 1], [2, 3, 4]])
        #expect(try runNode("Slice", [.data(x), .ints([1, 0, 2]), .ints([-1, 2, 3])]) == [expected])
        #expect(
            try runNode("SliceD", [.data(x)], ["offsets": .ints([1, 0, 2]), "size": .ints([2, 2, -1])]) == [expected])
        #expect(try runNode("SliceDV2", [.data(x), .ints([1, 0, 2])], ["size": .ints([2, 2, 3])]) == [expected])
        #expect(
            try runNode("SliceD", [.data(x)], ["offsets": .ints([3, 0, 0]), "size": .ints([0, 4, 5])])
                == [picked(x, [[], [0, 1, 2, 3], [0, 1, 2, 3, 4]])])
    }

    @Test func impossiblePartsAreRefused() {
        let x = Slot.data(Elements(.float, [2, 3], seed: 1))
        expectRefused("StridedSlice", [x, .ints([0]), .ints([1]), .ints([0])], "a stride is 0")
        expectRefused("StridedSlice", [x, .ints([0]), .ints([1, 2]), .ints([1])], "expected equally many")
        expectRefused(
            "StridedSlice", [x, .ints([0, 0, 0]), .ints([1, 1, 1]), .ints([1, 1, 1])], "3 dimensions are sliced")
        expectRefused(
            "StridedSlice", [x, .ints([5]), .ints([6]), .ints([1])], ["shrink_axis_mask": .int(1)],
            "index 5 is outside a dimension of size 2")
        expectRefused(
            "StridedSlice", [x, .ints([0, 0]), .ints([1, 1]), .ints([1, 1])], ["ellipsis_mask": .int(3)],
            "more than one entry")
        expectRefused("StridedSliceV2", [x, .ints([0]), .ints([1]), .ints([2])], "axis 2 is out of range")
        expectRefused("StridedSliceV2", [x, .ints([0]), .ints([1]), .ints([0, 1])], "expected equally many")
        expectRefused("StridedSliceV2", [x, .data(Elements(.int64, [1], [0])), .ints([1])], "must be a constant")
        expectRefused(
            "Slice", [x, .ints([0, 2]), .ints([2, 2])], "size 2 is more than the 1 elements behind offset 2")
        expectRefused("Slice", [x, .ints([0, 4]), .ints([2, 0])], "offset 4 is outside a dimension of size 3")
        expectRefused("SliceD", [x], ["offsets": .ints([0]), "size": .ints([0])], "expected 2 of each")
    }
}
