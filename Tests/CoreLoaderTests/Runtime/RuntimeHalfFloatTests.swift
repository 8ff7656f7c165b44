// SPDX-License-Identifier: Apache-2.0

import CAscendCL
import Testing

@testable import CoreLoader

@Suite struct RuntimeHalfFloatTests {
    /// Swift's own half float is the reference wherever the two agree by contract.
    @Test func everyHalfFloatIsConverted() {
        for bits in UInt16.min...UInt16.max {
            let exponent = bits >> 10 & 0x1f
            let expected: Float
            if exponent == 31 {
                let magnitude = 65536 * (1 + Float(bits & 0x3ff) / 1024)
                expected = bits & 0x8000 == 0 ? magnitude : -magnitude
            } else {
                expected = Float(Float16(bitPattern: bits))
            }
            let converted = aclFloat16ToFloat(bits)
            #expect(converted.bitPattern == expected.bitPattern)
        }
    }

    @Test func floatsAreRoundedToNearestEven() {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        for _ in 0..<300_000 {
            // A fixed sequence: splitmix64.
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: mixed ^ mixed >> 31))
            check(value)
        }
        for exponent in 90...145 {
            for low in [0, 1, 0xfff, 0x1000, 0x1001, 0x2fff, 0x3000, 0x3001, 0x7f_ffff] as [UInt32] {
                check(Float(bitPattern: UInt32(exponent) << 23 | low))
                check(-Float(bitPattern: UInt32(exponent) << 23 | low))
            }
        }
    }

    private func check(_ value: Float) {
        let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
        let reference = Float16(value)
        let expected = reference.isFinite ? reference.bitPattern : sign | 0x7bff
        #expect(aclFloatToFloat16(value) == expected, "\(value)")
    }

    @Test(
        arguments: [
            (-1, 0), (0, 4), (1, 2), (2, 1), (3, 4), (4, 1), (6, 2), (7, 2), (8, 4), (9, 8), (10, 8), (11, 8), (12, 1),
            (13, 0),
            (16, 8), (17, 16), (27, 2), (29, 1), (30, 1), (33, 4), (34, 1), (35, 1), (36, 1), (37, 1), (38, 8), (41, 8),
            (5, 8), (1000, 8), (-7, 8),
        ] as [(Int32, Int)])
    func typesHaveTheDocumentedSizes(type: Int32, bytes: Int) {
        #expect(aclDataTypeSize(aclDataType(rawValue: type)) == bytes)
    }
}
