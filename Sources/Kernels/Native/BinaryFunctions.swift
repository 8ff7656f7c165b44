// SPDX-License-Identifier: Apache-2.0

/// Functions of two real numbers. Minimum and maximum pass NaN on.
enum RealFunctions {
    struct Add<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: R, _ b: R) -> R { a + b }
    }
    struct Subtract<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: R, _ b: R) -> R { a - b }
    }
    struct Multiply<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: R, _ b: R) -> R { a * b }
    }
    struct Minimum<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: R, _ b: R) -> R { a.isNaN || a < b ? a : b }
    }
    struct Maximum<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: R, _ b: R) -> R { a.isNaN || a > b ? a : b }
    }
    /// `x` or the bound that it is beyond; a bound that is NaN is none.
    struct AtLeast<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ x: R, _ low: R) -> R { x < low ? low : x }
    }
    struct AtMost<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ x: R, _ high: R) -> R { x > high ? high : x }
    }
    struct SquaredDifference<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: R, _ b: R) -> R { (a - b) * (a - b) }
    }
    struct Divide<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: R, _ b: R) -> R { a / b }
    }
    struct DivideNoNaN<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: R, _ b: R) -> R { b == 0 ? 0 : a / b }
    }
    struct FloorDivide<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: R, _ b: R) -> R { (a / b).rounded(.down) }
    }
    struct TruncateDivide<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: R, _ b: R) -> R { (a / b).rounded(.towardZero) }
    }
    struct TruncateModulo<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: R, _ b: R) -> R { a.truncatingRemainder(dividingBy: b) }
    }
    struct FloorModulo<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: R, _ b: R) -> R {
            let remainder = a.truncatingRemainder(dividingBy: b)
            return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder
        }
    }
    struct Power<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: R, _ b: R) -> R { R.pow(a, b) }
    }
    struct Atan2<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: R, _ b: R) -> R { R.atan2(a, b) }
    }
    struct XLogY<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: R, _ b: R) -> R { a == 0 ? 0 : a * R.log(b) }
    }
    struct XDivY<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: R, _ b: R) -> R { a == 0 ? 0 : a / b }
    }
    struct PReLU<R: Real>: BinaryElementFunction {
        @inline(__always) static func apply(_ x: R, _ weight: R) -> R { x < 0 ? weight * x : x }
    }
}

/// Functions of two integers. Sums and products keep the low bits, as in numpy; nothing traps.
enum IntegerFunctions {
    struct Add<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> T { a &+ b }
    }
    struct Subtract<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> T { a &- b }
    }
    struct Multiply<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> T { a &* b }
    }
    struct Minimum<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> T { a < b ? a : b }
    }
    struct Maximum<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> T { a > b ? a : b }
    }
    struct SquaredDifference<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> T { (a &- b) &* (a &- b) }
    }
    struct Divide<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> T {
            b == 0 ? 0 : a.dividedReportingOverflow(by: b).partialValue
        }
    }
    struct FloorDivide<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> T {
            if b == 0 { return 0 }
            let (quotient, overflow) = a.dividedReportingOverflow(by: b)
            return !overflow && (a < 0) != (b < 0) && quotient &* b != a ? quotient &- 1 : quotient
        }
    }
    struct TruncateModulo<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> T {
            b == 0 ? 0 : a.remainderReportingOverflow(dividingBy: b).partialValue
        }
    }
    struct FloorModulo<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> T {
            if b == 0 { return 0 }
            let remainder = a.remainderReportingOverflow(dividingBy: b).partialValue
            return remainder != 0 && (remainder < 0) != (b < 0) ? remainder &+ b : remainder
        }
    }
    /// By squaring; a negative exponent gives the integer part of the true quotient.
    struct Power<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ base: T, _ exponent: T) -> T {
            if exponent < 0 {
                if base == 1 { return 1 }
                // Only −1 has an inverse among the other integers.
                return base < 0 && base == 0 &- 1 ? (exponent & 1 == 0 ? 1 : base) : 0
            }
            var (result, factor, rest) = (T(1), base, exponent)
            while rest > 0 {
                if rest & 1 == 1 { result = result &* factor }
                factor = factor &* factor
                rest >>= 1
            }
            return result
        }
    }
    struct And<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> T { a & b }
    }
    struct Or<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> T { a | b }
    }
    struct ExclusiveOr<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> T { a ^ b }
    }
    /// A shift by the width or more gives 0 (for a negative number shifted right, −1).
    struct ShiftLeft<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> T { a << b }
    }
    struct ShiftRight<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> T { a >> b }
    }
    struct PReLU<T: FixedWidthInteger>: BinaryElementFunction {
        @inline(__always) static func apply(_ x: T, _ weight: T) -> T { x < 0 ? weight &* x : x }
    }
}

enum Comparisons {
    struct Equal<T: Equatable>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> Bool { a == b }
    }
    struct NotEqual<T: Equatable>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> Bool { a != b }
    }
    struct Greater<T: Comparable>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> Bool { a > b }
    }
    struct GreaterEqual<T: Comparable>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> Bool { a >= b }
    }
    struct Less<T: Comparable>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> Bool { a < b }
    }
    struct LessEqual<T: Comparable>: BinaryElementFunction {
        @inline(__always) static func apply(_ a: T, _ b: T) -> Bool { a <= b }
    }
}

enum BooleanFunctions {
    struct And: BinaryElementFunction {
        @inline(__always) static func apply(_ a: Bool, _ b: Bool) -> Bool { a && b }
    }
    struct Or: BinaryElementFunction {
        @inline(__always) static func apply(_ a: Bool, _ b: Bool) -> Bool { a || b }
    }
}
