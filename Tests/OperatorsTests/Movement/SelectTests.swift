// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct SelectTests {
    private func chosen(_ condition: Elements, _ x: Elements, _ y: Elements, _ shape: [Int]) -> Elements {
        Elements(x.type, shape) { coordinates in
            func element(_ tensor: Elements) -> [UInt8] {
                tensor[zip(coordinates.suffix(tensor.shape.count), tensor.shape).map { $1 == 1 ? 0 : $0 }]
            }
            return element(element(condition) == [1] ? x : y)
        }
    }

    @Test(arguments: Elements.types) func elementsAreChosenWithBroadcasting(type: DataType) throws {
        var random = MovementRandom(61)
        for rank in 0...4 {
            for _ in 0..<6 {
                let shape = random.shape(rank: rank)
                let shapes = (0..<3).map { _ in
                    Array(shape.suffix(random.number(0...rank)).map { random.number(0...2) == 0 ? 1 : $0 })
                }
                let condition = Elements(.bool, shapes[0], seed: random.next())
                let (x, y) = (
                    Elements(type, shapes[1], seed: random.next()), Elements(type, shapes[2], seed: random.next())
                )
                // The shape of the result as numpy would find it.
                var result = [Int](repeating: 1, count: shapes.map(\.count).max() ?? 0)
                for shape in shapes {
                    for (place, size) in zip(result.indices.suffix(shape.count), shape) where size > result[place] {
                        result[place] = size
                    }
                }
                #expect(
                    try runNode("SelectV2", [.data(condition), .data(x), .data(y)])
                        == [chosen(condition, x, y, result)])
            }
            let shape = random.shape(rank: rank)
            let (x, y) = (Elements(type, shape, seed: random.next()), Elements(type, shape, seed: random.next()))
            let condition = Elements(.bool, shape, seed: random.next())
            #expect(
                try runNode("Select", [.data(condition), .data(x), .data(y)]) == [chosen(condition, x, y, shape)])
        }
    }

    @Test func aConditionOfOneDimensionChoosesRows() throws {
        let (x, y) = (Elements(.float, [3, 2], seed: 1), Elements(.float, [3, 2], seed: 2))
        let rows = Elements(.bool, [3], [1, 0, 1])
        #expect(
            try runNode("Select", [.data(rows), .data(x), .data(y)])
                == [Elements(.float, [3, 2]) { ($0[0] == 1 ? y : x)[$0] }])
        #expect(try runNode("Select", [.data(Elements(.bool, [], [0])), .data(x), .data(y)]) == [y])
        #expect(try runNode("Select", [.data(Elements(.bool, [1], [1])), .data(x), .data(y)]) == [x])
    }

    @Test func anyByteButZeroIsTrue() throws {
        var condition = Elements(.bool, [3], [0, 1, 1])
        condition.bytes = [0, 2, 255]
        let (x, y) = (Elements(.int8, [3], [1, 2, 3]), Elements(.int8, [3], [4, 5, 6]))
        #expect(try runNode("SelectV2", [.data(condition), .data(x), .data(y)]) == [Elements(.int8, [3], [4, 2, 3])])
    }

    @Test func operandsThatDoNotFitAreRefused() {
        let x = Slot.data(Elements(.float, [2, 3], seed: 1))
        let y = Slot.data(Elements(.float, [3], seed: 1))
        let condition = Slot.data(Elements(.bool, [2], seed: 1))
        expectRefused("SelectV2", [condition, x, y], "do not broadcast")
        expectRefused("SelectV2", [y, x, x], "input 0 has type float, expected bool")
        expectRefused(
            "SelectV2", [condition, x, .data(Elements(.int8, [2, 3], seed: 1))], "have types float and int8")
        expectRefused("Select", [condition, x, y], "expected one shape")
        expectRefused("Select", [.data(Elements(.bool, [3], seed: 1)), x, x], "condition's shape [3] does not fit")
    }

    @Test func placesOfConstantsThatAreNotZero() throws {
        let x = Slot.constant(Constant(floats: [0, -1, 2, -0.0, .nan, 0], shape: [2, 3]))
        #expect(
            try runNode("NonZero", [x], ["transpose": .bool(true), "dtype": .dataType(.int64)])
                == [Elements(.int64, [2, 3], [0, 0, 1, 1, 2, 1])])
        #expect(try runNode("Where", [x]) == [Elements(.int64, [3, 2], [0, 1, 0, 2, 1, 1])])
        #expect(
            try runNode("NonZero", [.constant(Elements(.bool, [3], [0, 0, 1]).constant)], ["dtype": .int(3)])
                == [Elements(.int32, [1, 1], [2])])
        expectRefused("NonZero", [.data(Elements(.bool, [3], seed: 1))], "depends on the elements of the input")
        expectRefused("NonZero", [x], ["dtype": .dataType(.float)], "expected int32 or int64")
    }
}

@Suite struct OneHotTests {
    @Test(arguments: Elements.types) func indicesBecomeRows(type: DataType) throws {
        var random = MovementRandom(62)
        let (on, off) = (Elements(type, [], [1]), Elements(type, [], [6]))
        for indexType in [DataType.int32, .int64, .uint8] {
            for rank in 0...3 {
                let shape = random.shape(rank: rank, 1...3)
                let depth = random.number(1...4)
                // Some indices name no row.
                let numbers = coordinates(shape).map { _ in random.number((indexType == .uint8 ? 0 : -1)...depth) }
                let axis = random.number(0...rank)
                let expected = Elements(type, Array(shape[..<axis]) + [depth] + Array(shape[axis...])) { coordinates in
                    var place = coordinates
                    let row = place.remove(at: axis)
                    let number = zip(place, shape).reduce(0) { $0 * $1.1 + $1.0 }
                    return numbers[number] == row ? on.bytes : off.bytes
                }
                let indices = Slot.data(Elements(indexType, shape, numbers))
                #expect(
                    try runNode(
                        "OneHot", [indices, .ints([depth], shape: [], .int32), .data(on), .constant(off.constant)],
                        ["axis": .int(Int64(axis))]) == [expected])
                #expect(
                    try runNode(
                        "OneHotD", [indices, .data(on), .data(off)],
                        ["depth": .int(Int64(depth)), "axis": .int(Int64(axis - rank - 1))]) == [expected])
            }
        }
    }

    @Test func impossibleRowsAreRefused() {
        let indices = Slot.data(Elements(.int32, [2], [0, 1]))
        let one = Slot.constant(Constant(floats: [1], shape: []))
        expectRefused("OneHot", [indices, .ints([-1]), one, one], "the depth is -1")
        expectRefused("OneHot", [indices, .ints([1, 2]), one, one], "depth has 2 values, expected one")
        expectRefused("OneHot", [indices, .ints([3]), one, .ints([1])], "have types float and int64")
        expectRefused("OneHot", [indices, .ints([1 << 60]), one, one], "too large")
        expectRefused("OneHot", [one, .ints([3]), one, one], "expected indices of type int32")
        expectRefused("OneHot", [indices, .ints([3]), one, one], ["axis": .int(2)], "axis 2 is out of range")
    }
}

@Suite struct SpaceDepthTests {
    /// The deep image's channel and the wide image's pixel inside a block belong together by the mode.
    private func deepChannel(_ channel: Int, _ row: Int, _ column: Int, _ channels: Int, _ size: Int, _ mode: String)
        -> Int
    {
        mode == "DCR" ? (row * size + column) * channels + channel : (channel * size + row) * size + column
    }

    @Test(arguments: Elements.types, ["DCR", "CRD"]) func blocksBecomeChannels(type: DataType, mode: String) throws {
        let (batch, channels, height, width) = (2, 3, 2, 4)
        for size in 1...3 {
            let wide = Elements(type, [batch, channels, height * size, width * size], seed: 5)
            var places: [[Int]: [Int]] = [:]
            for place in coordinates(wide.shape) {
                let channel = deepChannel(place[1], place[2] % size, place[3] % size, channels, size, mode)
                places[[place[0], channel, place[2] / size, place[3] / size]] = place
            }
            let deep = Elements(type, [batch, channels * size * size, height, width]) { wide[places[$0] ?? []] }
            func last(_ x: Elements) -> Elements {
                Elements(type, [x.shape[0], x.shape[2], x.shape[3], x.shape[1]]) { x[[$0[0], $0[3], $0[1], $0[2]]] }
            }
            let first: [String: Attribute] = [
                "block_size": .int(Int64(size)), "mode": .string(mode), "data_format": .string("NCHW"),
            ]
            #expect(try runNode("SpaceToDepth", [.data(wide)], first) == [deep])
            #expect(try runNode("DepthToSpace", [.data(deep)], first) == [wide])
            let attributes: [String: Attribute] = ["block_size": .int(Int64(size)), "mode": .string(mode)]
            #expect(try runNode("SpaceToDepth", [.data(last(wide))], attributes) == [last(deep)])
            #expect(try runNode("DepthToSpace", [.data(last(deep))], attributes) == [last(wide)])
        }
    }

    @Test func shapesThatDoNotFitAreRefused() {
        let x = Slot.data(Elements(.float, [1, 4, 3, 4], seed: 1))
        func attributes(_ size: Int, _ format: String) -> [String: Attribute] {
            ["block_size": .int(Int64(size)), "data_format": .string(format)]
        }
        expectRefused("SpaceToDepth", [x], attributes(2, "NCHW"), "cannot be cut into blocks of 2")
        expectRefused("DepthToSpace", [x], attributes(3, "NCHW"), "cannot be cut into blocks of 3")
        expectRefused("DepthToSpace", [x], attributes(0, "NCHW"), "block_size")
        expectRefused("DepthToSpace", [x], attributes(1 << 40, "NCHW"), "block_size")
        expectRefused("DepthToSpace", [x], attributes(2, "NC1HWC0"), "expected NCHW or NHWC")
        expectRefused("DepthToSpace", [x], "block_size")
    }
}
