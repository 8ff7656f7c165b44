// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic
import Testing

/// What does not fit is the nearest number; everything else is as ever.
@Suite struct OperatorTests {
    private static let numbers: [Int] = [
        .min, .min + 1, -(1 << 62), -(1 << 32), -7, -1, 0, 1, 2, 7, 1 << 31, 1 << 32, 1 << 62, .max - 1, .max,
    ]

    /// Calculated with twice the bits.
    private static func nearest(_ wide: Int128) -> Int { Int(clamping: wide) }

    @Test(arguments: numbers) func agreesWithWideArithmetic(_ left: Int) {
        for right in Self.numbers {
            let (a, b) = (Int128(left), Int128(right))
            #expect(left + right == Self.nearest(a.addingReportingOverflow(b).partialValue))
            #expect(left - right == Self.nearest(a.subtractingReportingOverflow(b).partialValue))
            #expect(left * right == Self.nearest(a.multipliedReportingOverflow(by: b).partialValue))
            guard right != 0 else { continue }
            #expect(left / right == Self.nearest(a.dividedReportingOverflow(by: b).partialValue))
            #expect(left % right == Self.nearest(a.remainderReportingOverflow(dividingBy: b).partialValue))
        }
        #expect(-left == Self.nearest(Int128(0).subtractingReportingOverflow(Int128(left)).partialValue))
    }

    @Test func dividesByZero() {
        #expect(5 / Self.zero == .max)
        #expect(-5 / Self.zero == .min)
        #expect(Self.zero / Self.zero == 0)
        #expect(5 % Self.zero == 5)
    }

    /// Not a literal, which the compiler would refuse.
    private static let zero = Int("0") ?? 1

    @Test func changesInPlace() {
        var number = Int.max
        number += 1
        #expect(number == .max)
        number *= -2
        #expect(number == .min)
        number -= 1
        #expect(number == .min)
        number /= -1
        #expect(number == .max)
    }

    @Test func sumsAndProductsOfSequences() {
        #expect([Int.max, 1, 2].reduce(0, +) == .max)
        #expect([1 << 32, 1 << 32].reduce(1, *) == .max)
        #expect([2, 3, 4].reduce(1, *) == 24)
    }

    @Test func realNumbersBecomeTheNearestInteger() {
        #expect(Int(saturating: 2.9) == 2)
        #expect(Int(saturating: -2.9) == -2)
        #expect(Int(saturating: 1e300) == .max)
        #expect(Int(saturating: -Double.infinity) == .min)
        #expect(Int(saturating: Double.nan) == 0)
        #expect(Int(saturating: Float.infinity) == .max)
        #expect(Int(saturating: 0x1p63) == .max)
        #expect(Int(saturating: -0x1p63) == .min)
    }
}
