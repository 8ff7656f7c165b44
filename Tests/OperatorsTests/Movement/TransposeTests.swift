// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct TransposeTests {
    private func expected(_ x: Elements, _ permutation: [Int]) -> Elements {
        Elements(x.type, permutation.map { x.shape[$0] }) { coordinates in
            var source = coordinates
            for (target, dimension) in permutation.enumerated() { source[dimension] = coordinates[target] }
            return x[source]
        }
    }

    @Test(arguments: Elements.types) func dimensionsChangePlaces(type: DataType) throws {
        var random = MovementRandom(7)
        for rank in 0...5 {
            for _ in 0..<4 {
                let x = Elements(type, random.shape(rank: rank), seed: random.next())
                let permutation = random.order(rank)
                #expect(
                    try runNode("Transpose", [.data(x), .ints(permutation, .int32)]) == [expected(x, permutation)])
            }
        }
    }

    /// Larger than the blocks in which matrices are transposed, and no multiple of them.
    @Test(arguments: Elements.types) func matricesOfManyBlocks(type: DataType) throws {
        let x = Elements(type, [3, 37, 50], seed: 8)
        #expect(try runNode("TransposeD", [.data(x)], ["perm": .ints([0, 2, 1])]) == [expected(x, [0, 2, 1])])
        #expect(try runNode("Permute", [.data(x)], ["order": .ints([2, 0, 1])]) == [expected(x, [2, 0, 1])])
        #expect(try runNode("TransposeD", [.data(x)], ["perm": .ints([2, 1, 0])]) == [expected(x, [2, 1, 0])])
    }

    @Test func ordersThatAreNoneAreRefused() {
        let x = Slot.data(Elements(.float, [2, 3], seed: 1))
        expectRefused("Transpose", [x, .ints([0])], "expected an order of 2 dimensions")
        expectRefused("Transpose", [x, .ints([0, 0])], "name one dimension twice")
        expectRefused("Transpose", [x, .ints([0, 2])], "axis 2 is out of range")
        expectRefused("TransposeD", [x], "attribute perm is missing")
    }
}
