// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Glibc
import Testing

@Suite struct SoftmaxTests {
    static let types: Set<String> = ["SoftmaxV2", "LogSoftmaxV2", "HardMax"]

    static func expected(_ type: String, _ x: Tensor, _ axes: [Int]) -> [Double] {
        var rows: [[Int]: [(place: Int, value: Double)]] = [:]
        for (index, (place, value)) in zip(places(x.shape), x.values).enumerated() {
            let key = place.indices.filter { !axes.contains($0) }.map { place[$0] }
            rows[key, default: []].append((index, value))
        }
        var result = x.values
        for row in rows.values {
            let sum = row.reduce(0) { $0 + exp($1.value) }
            let best = row.map(\.value).max()
            let winner = row.first { $0.value == best }?.place
            for (place, value) in row {
                switch type {
                case "SoftmaxV2": result[place] = exp(value) / sum
                case "LogSoftmaxV2": result[place] = value - Glibc.log(sum)
                default: result[place] = place == winner ? 1 : 0
                }
            }
        }
        return result
    }

    @Test(arguments: types.sorted())
    func matchesTheExactFunction(_ type: String) throws {
        var random = SeededGenerator(12)
        for (dataType, shape, axes) in [
            (DataType.float, [7], [0]), (.float, [3, 4, 5], [-1]), (.float, [3, 4, 5], [1]),
            (.float, [3, 4, 5], [1, 2]),
            (.float, [20, 100], [1]), (.float, [4, 30, 20], [1]), (.float, [4, 30, 20], [0, 1]),
            (.double, [3, 5], [0]),
            (.float16, [3, 5], [1]), (.bfloat16, [3, 5], [1]), (.float, [2, 0], [0]),
        ] {
            let x = random.tensor(dataType, shape, -3...3)
            let positive = axes.map { $0 < 0 ? $0 + shape.count : $0 }
            let y = try run(
                type, [x], ["axes": .ints(axes.map { Int64($0) }), "axis": .int(Int64(axes[0]))])[0]
            expectClose(y, shape: shape, Self.expected(type, x, positive), note: "\(dataType) \(shape) \(axes)")
        }
    }

    @Test func doesNotOverflow() throws {
        let x = Tensor(.float, [3], [1000, 1000, -1000])
        expectClose(try run("SoftmaxV2", [x])[0], shape: [3], [0.5, 0.5, 0])
        let y = try run("LogSoftmaxV2", [x])[0]
        expectClose(y, shape: [3], [-0.6931471805599453, -0.6931471805599453, -2000.6931471805599453])
    }

    @Test func widensHalves() throws {
        let x = Tensor(.float16, [2], [0, 0])
        let y = try run("SoftmaxV2", [x], ["half_to_float": .bool(true)])[0]
        #expect(y.type == .float)
        expectClose(y, shape: [2], [0.5, 0.5])
    }

    @Test func refusesAxesThatFormNoRow() {
        let x = Tensor(.float, [2, 1, 2], [1, 2, 3, 4])
        expectRefusal("SoftmaxV2", [x], ["axes": .ints([0, 2])], says: "expected neighbouring axes")
        expectRefusal("SoftmaxV2", [x], ["axes": .ints([3])], says: "axis 3 is out of range")
        expectRefusal("SoftmaxV2", [Tensor.ints([1])], says: "input 0 has type int64")
    }
}
