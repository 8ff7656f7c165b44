// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct ReverseTests {
    @Test(arguments: Elements.types) func dimensionsAreTurnedAround(type: DataType) throws {
        var random = MovementRandom(81)
        for rank in 1...4 {
            for _ in 0..<4 {
                let x = Elements(type, random.shape(rank: rank), seed: random.next())
                let axes = Array(random.order(rank).prefix(random.number(0...rank)))
                let expected = Elements(type, x.shape) { coordinates in
                    x[
                        coordinates.indices.map {
                            axes.contains($0) ? x.shape[$0] - 1 - coordinates[$0] : coordinates[$0]
                        }]
                }
                #expect(try runNode("ReverseV2", [.data(x), .ints(axes, .int32)]) == [expected])
                #expect(
                    try runNode("ReverseV2D", [.data(x)], ["axis": .ints(axes.map { Int64($0 - rank) })]) == [expected])
            }
        }
        #expect(
            try runNode("ReverseV2", [.data(Elements(type, [0, 2], [])), .ints([0, 1])]) == [
                Elements(type, [0, 2], [])
            ])
    }

    @Test(arguments: Elements.types) func sequencesAreTurnedAround(type: DataType) throws {
        var random = MovementRandom(82)
        for (rank, batch, step) in [(2, 0, 1), (2, 1, 0), (3, 1, 0), (4, 0, 2), (4, 3, 1), (4, 2, 3)] {
            let x = Elements(type, random.shape(rank: rank), seed: random.next())
            let lengths = (0..<x.shape[batch]).map { _ in random.number(0...x.shape[step]) }
            let expected = Elements(type, x.shape) { coordinates in
                var source = coordinates
                let length = lengths[coordinates[batch]]
                if coordinates[step] < length { source[step] = length - 1 - coordinates[step] }
                return x[source]
            }
            let attributes: [String: Attribute] = ["seq_dim": .int(Int64(step)), "batch_dim": .int(Int64(batch))]
            for indexType in [DataType.int32, .int64, .uint8] {
                let slot = Slot.data(Elements(indexType, [lengths.count], lengths))
                #expect(try runNode("ReverseSequence", [.data(x), slot], attributes) == [expected])
            }
        }
    }

    @Test func computedLengthsOutsideEndTheExecution() throws {
        let x = Slot.data(Elements(.float, [2, 3], [1, 2, 3, 4, 5, 6]))
        for value in [4, -1, Int.max, Int.min] {
            let lengths = Slot.data(Elements(.int64, [2], [3, value]))
            expectRefused(
                "ReverseSequence", [x, lengths], ["seq_dim": .int(1)],
                "element 1 of input 1 is \(value), outside of 0...3")
        }
    }

    @Test func axesThatAreNoneAreRefused() {
        let x = Slot.data(Elements(.float, [2, 3], seed: 1))
        expectRefused("ReverseV2", [x, .ints([2])], "axis 2 is out of range")
        expectRefused("ReverseV2", [x, .ints([0, -2])], "name one dimension twice")
        expectRefused("ReverseSequence", [x, .ints([1, 1])], "attribute seq_dim is missing")
        expectRefused("ReverseSequence", [x, .ints([1, 1])], ["seq_dim": .int(0)], "are both 0")
        expectRefused("ReverseSequence", [x, .ints([1])], ["seq_dim": .int(1)], "the lengths have the shape [1]")
        expectRefused("ReverseSequence", [x, .ints([1, 4])], ["seq_dim": .int(1)], "length 4 is outside")
    }
}

@Suite struct TriangleTests {
    private func kept(_ x: Elements, _ diagonal: Int, upper: Bool) -> Elements {
        Elements(x.type, x.shape) { place in
            let distance = place[place.count - 1] - place[place.count - 2]
            return (upper ? distance >= diagonal : distance <= diagonal) ? x[place] : Elements.zero(x.type)
        }
    }

    @Test(arguments: Elements.types) func oneTriangleIsKept(type: DataType) throws {
        for shape in [[3, 4], [2, 5, 3], [1, 1], [2, 2, 4, 4]] {
            let x = Elements(type, shape, seed: 9)
            for diagonal in -5...5 {
                let k = Slot.ints([diagonal], shape: [])
                let attribute: [String: Attribute] = ["diagonal": .int(Int64(diagonal))]
                let (upper, lower) = (kept(x, diagonal, upper: true), kept(x, diagonal, upper: false))
                #expect(try runNode("Trilu", [.data(x), k], ["upper": .int(1)]) == [upper])
                #expect(try runNode("Trilu", [.data(x), k]) == [lower])
                #expect(try runNode("Triu", [.data(x)], attribute) == [upper])
                #expect(try runNode("Tril", [.data(x)], attribute) == [lower])
            }
            #expect(try runNode("Trilu", [.data(x)], ["upper": .int(1)]) == [kept(x, 0, upper: true)])
            #expect(try runNode("Triu", [.data(x)], ["diagonal": .int(.min)]) == [x])
            #expect(try runNode("Tril", [.data(x)], ["diagonal": .int(.max)]) == [x])
        }
    }

    @Test(arguments: Elements.types.filter { ![.complex64, .complex128].contains($0) })
    func vectorsBecomeDiagonals(type: DataType) throws {
        for shape in [[4], [2, 3], [2, 0]] {
            let x = Elements(type, shape, seed: 10)
            let expected = Elements(type, shape + [shape[shape.count - 1]]) { place in
                place[place.count - 1] == place[place.count - 2] ? x[Array(place.dropLast())] : Elements.zero(type)
            }
            #expect(try runNode("MatrixDiag", [.data(x)]) == [expected])
        }
    }

    @Test func whatIsNoMatrixIsRefused() {
        let x = Slot.data(Elements(.float, [3], seed: 1))
        expectRefused("Trilu", [x], "holds no matrices")
        expectRefused("Trilu", [.data(Elements(.float, [3, 3], seed: 1)), .ints([1, 2])], "k has 2 values")
        expectRefused("MatrixDiag", [.data(Elements(.float, [], [1]))], "a scalar has no diagonal")
    }
}
