// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct CastTests {
    static let types: Set<String> = ["Cast"]
    static let dataTypes = BinaryCase.reals + BinaryCase.integers + [.bool]

    private func cast(_ x: Tensor, to type: DataType) throws -> Tensor {
        let y = try run("Cast", [x], ["dst_type": .int(Int64(type.rawValue))])[0]
        #expect(y.type == type)
        return y
    }

    @Test(arguments: dataTypes)
    func convertsFrom(_ source: DataType) throws {
        var random = SeededGenerator(8)
        let isUnsigned = [.uint8, .uint16, .uint32, .uint64, .bool].contains(source)
        let x = random.tensor(source, [3, 17], source == .bool ? 0...1 : isUnsigned ? 0...100 : -100...100)
        for target in Self.dataTypes {
            let values: [Double]
            switch target {
            case .bool: values = x.values.map { $0 != 0 ? 1 : 0 }
            case .float, .double, .float16, .bfloat16:
                values = x.values.map { source == .bool ? ($0 != 0 ? 1 : 0) : $0 }
            default:
                values = x.values.map { value in
                    if source == .bool { return value != 0 ? 1 : 0 }
                    return Self.wholeNumber(value, source, target)
                }
            }
            let isReal = BinaryCase.reals.contains(target)
            let expected = isReal ? Tensor(target, x.shape, values).rounded.values : values
            expectClose(
                try cast(x, to: target), shape: x.shape, expected, .init(absolute: 0, relative: 0), note: "\(target)")
        }
    }

    /// Between integers the low bits are kept; real numbers lose their fraction and stop at the bounds of the type.
    private static func wholeNumber(_ value: Double, _ source: DataType, _ target: DataType) -> Double {
        let isTargetUnsigned = [.uint8, .uint16, .uint32, .uint64].contains(target)
        if BinaryCase.reals.contains(source) {
            return isTargetUnsigned ? max(value.rounded(.towardZero), 0) : value.rounded(.towardZero)
        }
        return isTargetUnsigned && value < 0
            ? value + Double(sign: .plus, exponent: target.bitWidth, significand: 1) : value
    }

    @Test func keepsTheLowBitsOfIntegers() throws {
        let x = Tensor(.int32, [4], [300, -1, 128, 65536])
        expectClose(try cast(x, to: .uint8), shape: [4], [44, 255, 128, 0])
        expectClose(try cast(x, to: .int8), shape: [4], [44, -1, -128, 0])
        expectClose(try cast(x, to: .uint16), shape: [4], [300, 65535, 128, 0])
    }

    @Test func stopsAtTheBoundsOfIntegers() throws {
        let x = Tensor(.float, [5], [1e30, -1e30, .nan, .infinity, -0.9])
        expectClose(try cast(x, to: .int32), shape: [5], [2_147_483_647, -2_147_483_648, 0, 2_147_483_647, 0])
        expectClose(try cast(x, to: .int8), shape: [5], [127, -128, 0, 127, 0])
        expectClose(try cast(x, to: .uint8), shape: [5], [255, 0, 0, 255, 0])
        // 2^63 − 1 and 2^64 − 1 have no double of their own.
        expectClose(try cast(x, to: .int64), shape: [5], [0x1p63, -0x1p63, 0, 0x1p63, 0])
        expectClose(try cast(x, to: .uint64), shape: [5], [0x1p64, 0, 0, 0x1p64, 0])
    }

    @Test func roundsToShorterFloats() throws {
        // Ties to even, overflow to infinity, and a NaN whose bits would all be cut off.
        let x = Tensor(.float, [6], [1 + 0x1p-11, 1 + 0x3p-11, 1 + 0x1p-8, 1 + 0x3p-8, 1e30, .nan])
        expectClose(
            try cast(x, to: .float16), shape: [6], [1, 1 + 0x1p-9, 1 + 0x1p-8, 1 + 0x3p-8, .infinity, .nan],
            .init(absolute: 0, relative: 0))
        let y = try cast(x, to: .bfloat16).values
        #expect(y[..<4] == [1, 1, 1, 1 + 0x1p-6])
        #expect(abs(y[4] / 1e30 - 1) < 0x1p-8)
        #expect(y[5].isNaN)
    }

    @Test func refusesUnknownTypes() {
        let x = Tensor(.float, [1], [1])
        expectRefusal("Cast", [x], says: "attribute dst_type is missing")
        expectRefusal("Cast", [x], ["dst_type": .int(99)], says: "attribute dst_type is missing or is no data type")
        expectRefusal("Cast", [x], ["dst_type": .int(13)], says: "a cast to string is not supported")
        expectRefusal("Cast", descs: [TensorDesc(.string, [1])], ["dst_type": .int(0)], says: "input 0 has type string")
    }
}
