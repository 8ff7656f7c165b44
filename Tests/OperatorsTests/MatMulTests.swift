// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct MatMulTests {
    static let types: Set<String> = ["MatMul", "MatMulV2", "BatchMatMul", "BatchMatMulV2", "FullyConnection"]

    /// The product by its definition, for operands of at least two dimensions.
    static func product(_ a: Tensor, _ b: Tensor, _ transposeA: Bool, _ transposeB: Bool) -> (
        shape: [Int], values: [Double]
    ) {
        let (left, right) = (Array(a.shape.suffix(2)), Array(b.shape.suffix(2)))
        let (rows, depth) = transposeA ? (left[1], left[0]) : (left[0], left[1])
        let columns = transposeB ? right[0] : right[1]
        let batch = ElementwiseBinaryTests.broadcast(Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)))
        let shape = batch + [rows, columns]
        let values = places(shape).map { place -> Double in
            let (row, column) = (place[place.count - 2], place[place.count - 1])
            let outer = Array(place.dropLast(2))
            return (0..<depth).reduce(0) { sum, k in
                sum + a.broadcast(outer + (transposeA ? [k, row] : [row, k]))
                    * b.broadcast(outer + (transposeB ? [column, k] : [k, column]))
            }
        }
        return (shape, values)
    }

    private static func swapped(_ shape: [Int]) -> [Int] {
        shape.dropLast(2) + [shape[shape.count - 1], shape[shape.count - 2]]
    }

    static let operands: [([Int], [Int])] = [
        ([3, 4], [4, 5]), ([1, 1], [1, 1]), ([2, 3, 4], [2, 4, 5]), ([2, 3, 4], [4, 5]), ([3, 4], [2, 4, 5]),
        ([2, 1, 3, 4], [1, 5, 4, 2]), ([1, 64], [64, 40]), ([2, 16, 33], [33, 20]), ([0, 3], [3, 2]),
        ([2, 0], [0, 3]),
    ]

    @Test(arguments: ["MatMul", "MatMulV2", "BatchMatMul", "BatchMatMulV2"], [false, true])
    func multiplies(_ type: String, _ isConstant: Bool) throws {
        var random = SeededGenerator(13)
        let names = type.hasPrefix("Batch") ? ("adj_x1", "adj_x2") : ("transpose_x1", "transpose_x2")
        for (left, right) in Self.operands {
            for flags in 0..<4 {
                let (transposeA, transposeB) = (flags & 1 != 0, flags & 2 != 0)
                let a = random.tensor(.float, transposeA ? Self.swapped(left) : left)
                let b = random.tensor(.float, transposeB ? Self.swapped(right) : right)
                let expected = Self.product(a, b, transposeA, transposeB)
                let y = try run(
                    type, [a, b], [names.0: .bool(transposeA), names.1: .bool(transposeB)],
                    constants: isConstant ? [1] : [])[0]
                expectClose(
                    y, shape: expected.shape, expected.values, Tolerance.of(.float).times(5),
                    note: "\(left) \(right) \(flags)")
            }
        }
    }

    @Test(arguments: [DataType.double, .float16, .bfloat16, .int32, .int64, .uint32, .uint64])
    func multipliesOtherTypes(_ type: DataType) throws {
        var random = SeededGenerator(14)
        let isUnsigned = type == .uint32 || type == .uint64
        for (left, right) in [([3, 4], [4, 5]), ([2, 3, 20], [20, 17]), ([2, 1, 3, 4], [1, 5, 4, 2])] {
            let a = random.tensor(type, left, isUnsigned ? 0...4 : -2...2)
            let b = random.tensor(type, Self.swapped(right), isUnsigned ? 0...4 : -2...2)
            let expected = Self.product(a, b, false, true)
            let y = try run("BatchMatMulV2", [a, b], ["adj_x2": .bool(true)])[0]
            #expect(y.type == type)
            expectClose(
                y, shape: expected.shape, expected.values, Tolerance.of(type).times(5), note: "\(left) \(right)")
        }
    }

    @Test func takesVectors() throws {
        let matrix = Tensor(.float, [2, 3], [1, 2, 3, 4, 5, 6])
        let (short, long) = (Tensor(.float, [2], [1, -1]), Tensor(.float, [3], [1, 0, 2]))
        expectClose(try run("MatMul", [short, matrix])[0], shape: [3], [-3, -3, -3])
        expectClose(try run("MatMul", [matrix, long])[0], shape: [2], [7, 16])
        expectClose(try run("MatMul", [long, long])[0], shape: [], [5])
    }

    @Test(arguments: [DataType.float, .float16, .int32])
    func addsABias(_ type: DataType) throws {
        var random = SeededGenerator(15)
        let (a, b) = (random.tensor(type, [2, 5, 6]), random.tensor(type, [6, 7]))
        for shape in [[7], [1, 7], [5, 7], [2, 5, 7], [1], [2, 1, 1]] {
            for isConstant in [false, true] {
                let bias = random.tensor(type, shape)
                let product = Self.product(a, b, false, false)
                let expected = zip(places(product.shape), product.values).map { $1 + bias.broadcast($0) }
                let y = try run("BatchMatMulV2", [a, b, bias], constants: isConstant ? [1, 2] : [])[0]
                expectClose(y, shape: [2, 5, 7], expected, Tolerance.of(type).times(5), note: "\(shape)")
            }
        }
    }

    @Test(arguments: [DataType.float, .float16, .double])
    func connectsFully(_ type: DataType) throws {
        var random = SeededGenerator(16)
        let (x, bias) = (random.tensor(type, [2, 3, 2, 2]), random.tensor(type, [5]))
        let w = random.tensor(type, [5, 12])
        let rows = Tensor(type, [2, 12], x.values)
        let product = Self.product(rows, w, false, true).values
        let expected = product.enumerated().map { $1 + bias.values[$0 % 5] }
        let y = try run("FullyConnection", [x, w, bias], ["num_output": .int(5)])[0]
        expectClose(y, shape: [2, 5], expected, Tolerance.of(type).times(5))
        // Weights stored transposed, and rows from dimension 2 on.
        let turned = random.tensor(type, [4, 5])
        let deep = Self.product(Tensor(type, [6, 4], x.values), turned, false, false).values
        let z = try run(
            "FullyConnection", [x, turned], ["num_output": .int(5), "transpose": .bool(true), "axis": .int(2)])[0]
        expectClose(z, shape: [2, 3, 5], deep, Tolerance.of(type).times(5))
    }

    @Test func refusesOperandsThatDoNotFit() {
        let (a, b) = (Tensor(.float, [2, 3], [Double](repeating: 0, count: 6)), Tensor(.float, [2, 2], [0, 0, 0, 0]))
        expectRefusal("MatMul", [a, b], says: "the inner dimensions of [2, 3] and [2, 2] are 3 and 2")
        expectRefusal("MatMul", [a, Tensor(.float, [], [1])], says: "expected vectors or matrices")
        expectRefusal("MatMul", [a, Tensor(.double, [3, 1], [0, 0, 0])], says: "input 1 has type double")
        expectRefusal("MatMul", [b, b, a], says: "the bias has the shape [2, 3]")
        expectRefusal("MatMulV2", [b, b, nil, b], says: "offset_w, is not supported")
        expectRefusal(
            "MatMul", descs: [TensorDesc(.float, [1 << 40, 1]), TensorDesc(.float, [1, 1 << 40])], says: "is too large")
        expectRefusal(
            "MatMul", descs: [TensorDesc(.float, [-1, 3]), TensorDesc(.float, [3, 2])], says: "expected a known one")
        expectRefusal("FullyConnection", [a, b], ["num_output": .int(3)], says: "attribute num_output does not divide")
        expectRefusal("FullyConnection", [a, b], ["num_output": .int(2)], says: "expected 2 elements from axis 1 on")
        expectRefusal(
            "FullyConnection", [a, b], ["num_output": .int(2), "axis": .int(0)], says: "attribute axis is 0")
    }
}
