// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct GatherTests {
    @Test(arguments: Elements.types) func slicesArePickedByIndex(type: DataType) throws {
        var random = MovementRandom(21)
        for (round, indexType) in [DataType.int32, .int64, .int32, .int64, .int64, .uint8].enumerated() {
            let x = Elements(type, random.shape(rank: 1 + round % 4), seed: random.next())
            let axis = random.number(0...x.shape.count - 1)
            let size = x.shape[axis]
            let indexShape = random.shape(rank: round % 3, 1...4)
            let numbers = (0..<indexShape.reduce(1, *)).map { _ in
                indexType == .uint8 ? random.number(0...size - 1) : random.number(-size...size - 1)
            }
            let indices = Elements(indexType, indexShape, numbers)
            let expected = Elements(
                type, Array(x.shape[..<axis]) + indexShape + Array(x.shape[(axis + 1)...])
            ) { coordinates in
                let place = coordinates[axis..<axis + indexShape.count]
                let number = zip(place, indexShape).reduce(0) { $0 * $1.1 + $1.0 }
                let index = numbers[number] < 0 ? numbers[number] + size : numbers[number]
                return x[coordinates[..<axis] + [index] + coordinates[(axis + indexShape.count)...]]
            }
            // The same with indices that are known when the model is made.
            for slot in [Slot.data(indices), .constant(indices.constant)] {
                #expect(try runNode("GatherV2", [.data(x), slot, .ints([axis], shape: [], .int32)]) == [expected])
                #expect(
                    try runNode("GatherV2D", [.data(x), slot], ["axis": .int(Int64(axis - x.shape.count))]) == [
                        expected
                    ])
                if axis == 0 { #expect(try runNode("Gather", [.data(x), slot]) == [expected]) }
            }
        }
    }

    @Test func batchDimensionsGoTogether() throws {
        let x = Elements(.float, [2, 3, 4, 5], seed: 1)
        let numbers = [3, 0, 2, 1, 1, 3]
        let indices = Slot.data(Elements(.int64, [2, 3], numbers))
        let expected = Elements(.float, [2, 3, 3, 5]) { x[[$0[0], $0[1], numbers[$0[0] * 3 + $0[2]], $0[3]]] }
        #expect(
            try runNode("GatherV2", [.data(x), indices, .ints([2])], ["batch_dims": .int(1)]) == [expected])
        #expect(
            try runNode("GatherV2", [.data(x), indices, .ints([2])], ["batch_dims": .int(-1)]) == [expected])
    }

    @Test func computedIndicesOutsideEndTheExecution() throws {
        let x = Slot.data(Elements(.float, [2, 3], [1, 2, 3, 4, 5, 6]))
        func indices(_ shape: [Int], _ values: [Int], _ type: DataType = .int64) -> Slot {
            .data(Elements(type, shape, values))
        }
        expectRefused(
            "GatherV2", [x, indices([4], [1, 2, -3, -2]), .ints([0])], "element 1 of input 1 is 2, outside of -2...1")
        expectRefused("GatherV2", [x, indices([2], [1, -3], .int32), .ints([0])], "element 1 of input 1 is -3")
        for value in [Int.max, Int.min] {
            expectRefused("GatherV2", [x, indices([1], [value]), .ints([0])], "element 0 of input 1 is \(value)")
        }
        expectRefused(
            "GatherElements", [x, indices([1, 3], [1, 9, -9])], "element 1 of input 1 is 9, outside of -2...1")
        expectRefused(
            "GatherNd", [x, indices([3, 2], [1, 1, 0, 3, -3, 0], .int32)],
            "element 3 of input 1 is 3, outside of -3...2")
        let empty = Slot.data(Elements(.float, [0, 3], []))
        expectRefused("GatherV2", [empty, indices([1], [0]), .ints([0])], "an empty dimension")
    }

    @Test(arguments: Elements.types) func singleElementsArePicked(type: DataType) throws {
        var random = MovementRandom(22)
        for rank in 1...4 {
            for axis in 0..<rank {
                let x = Elements(type, random.shape(rank: rank), seed: random.next())
                let shape = x.shape.enumerated().map {
                    $0.offset == axis ? random.number(1...6) : random.number(1...$0.element)
                }
                let size = x.shape[axis]
                let numbers = coordinates(shape).map { _ in random.number(-size...size - 1) }
                let indices = Elements(rank % 2 == 0 ? .int32 : .int64, shape, numbers)
                var next = numbers.makeIterator()
                let expected = Elements(type, shape) { coordinates in
                    let index = next.next() ?? 0
                    var source = coordinates
                    source[axis] = index < 0 ? index + size : index
                    return x[source]
                }
                for slot in [Slot.data(indices), .constant(indices.constant)] {
                    #expect(
                        try runNode("GatherElements", [.data(x), slot], ["dim": .int(Int64(axis))]) == [expected])
                }
            }
        }
    }

    @Test(arguments: Elements.types) func slicesArePickedByTuples(type: DataType) throws {
        var random = MovementRandom(23)
        for (rank, batch, length) in [(3, 0, 1), (3, 0, 2), (3, 0, 3), (4, 1, 2), (4, 2, 1), (2, 0, 0)] {
            let x = Elements(type, random.shape(rank: rank), seed: random.next())
            let outer = Array(x.shape[..<batch]) + random.shape(rank: 2, 1...3)
            let sizes = Array(x.shape[batch..<batch + length])
            let tuples = coordinates(outer).map { _ in sizes.map { random.number(-$0...$0 - 1) } }
            let indices = Elements(.int64, outer + [length], Array(tuples.joined()))
            let expected = Elements(type, outer + x.shape[(batch + length)...]) { coordinates in
                let number = zip(coordinates, outer).reduce(0) { $0 * $1.1 + $1.0 }
                let tuple = zip(tuples[number], sizes).map { $0 < 0 ? $0 + $1 : $0 }
                return x[coordinates[..<batch] + tuple + coordinates[outer.count...]]
            }
            #expect(
                try runNode("GatherNd", [.data(x), .data(indices)], ["batch_dims": .int(Int64(batch))]) == [expected])
        }
    }

    @Test func wrongIndicesAreRefused() {
        let x = Slot.data(Elements(.float, [2, 3], seed: 1))
        expectRefused("GatherV2", [x, .ints([2]), .ints([0])], "index 2 in input 1 is outside a dimension of size 2")
        expectRefused("GatherV2", [x, .ints([-3]), .ints([0])], "index -3 in input 1")
        expectRefused("GatherV2", [x, .ints([0]), .ints([2])], "axis 2 is out of range")
        expectRefused(
            "GatherV2", [x, .data(Elements(.float, [1], [0])), .ints([0])], "expected indices of type int32, int64")
        expectRefused(
            "GatherV2", [x, .ints([0]), .ints([0])], ["batch_dims": .int(1)], "differ in the first 1 dimensions")
        expectRefused("GatherV2", [x, .ints([0]), .data(Elements(.int32, [1], [0]))], "must be a constant")
        expectRefused(
            "GatherElements", [x, .ints([0], shape: [1])],
            "indices of the shape [1] do not fit data of the shape [2, 3]")
        expectRefused("GatherElements", [x, .ints([0, 0, 0, 5], shape: [1, 4])], ["dim": .int(1)], "index 5")
        expectRefused("GatherNd", [x, .ints([0, 0, 0], shape: [1, 3])], "do not fit data of the shape [2, 3]")
        expectRefused("GatherNd", [x, .ints([0, 3], shape: [1, 2])], "index 3 in input 1")
    }
}
