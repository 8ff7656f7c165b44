// SPDX-License-Identifier: Apache-2.0

/// The conversions of `aclFloatToFloat16` and `aclFloat16ToFloat`, which know neither infinities nor NaN.
enum HalfFloat {
    /// Rounds to nearest, ties to even; what is too large, infinite or no number becomes ±65504.
    static func bits(of value: Float) -> UInt16 {
        let bits = value.bitPattern
        let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
        let magnitude = bits & 0x7fff_ffff
        // 65520, from where on rounding would give infinity.
        guard magnitude < 0x477f_f000 else { return sign | 0x7bff }
        // 2^-14, the smallest normal half float.
        if magnitude >= 0x3880_0000 {
            let rebiased = magnitude - 0x3800_0000
            return sign | UInt16((rebiased + 0xfff + (rebiased >> 13 & 1)) >> 13)
        }
        let exponent = Int(magnitude >> 23)
        // Below half of the smallest subnormal everything is zero.
        guard exponent >= 102 else { return sign }
        let significand = magnitude & 0x7f_ffff | 0x80_0000
        let shift = 126 - exponent
        let kept = significand >> UInt32(shift)
        let rest = significand & (1 << UInt32(shift) - 1)
        let half: UInt32 = 1 << UInt32(shift - 1)
        let roundsUp = rest > half || (rest == half && kept & 1 == 1)
        return sign | UInt16(kept + (roundsUp ? 1 : 0))
    }

    /// Exponent 31 counts as an ordinary exponent: 0x7c00 is 65536.
    static func value(_ bits: UInt16) -> Float {
        let exponent = Int(bits >> 10 & 0x1f)
        let fraction = Float(bits & 0x3ff) / 1024
        let magnitude =
            exponent == 0
            ? Float(sign: .plus, exponent: -14, significand: 1) * fraction
            : Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction)
        return bits & 0x8000 == 0 ? magnitude : -magnitude
    }
}
