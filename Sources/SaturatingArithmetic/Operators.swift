// SPDX-License-Identifier: Apache-2.0

/// The arithmetic for sizes, offsets and counts that come from a file.
///
/// A file that imports this module gets these operators instead of those of the standard library: a result that does
/// not fit is the nearest number, and nothing traps. A size that overflowed is thus far above every limit, and the check
/// that follows refuses it. `Tests/Python/test_sources.py` says which files must import it.
extension Int {
    @inlinable @inline(__always)
    public static func + (left: Int, right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? nearest(isNegative: left < 0) : sum
    }

    @inlinable @inline(__always)
    public static func - (left: Int, right: Int) -> Int {
        let (difference, overflow) = left.subtractingReportingOverflow(right)
        return overflow ? nearest(isNegative: left < 0) : difference
    }

    @inlinable @inline(__always)
    public static func * (left: Int, right: Int) -> Int {
        let (product, overflow) = left.multipliedReportingOverflow(by: right)
        return overflow ? nearest(isNegative: (left < 0) != (right < 0)) : product
    }

    /// A division by zero gives the nearest number to infinity, and 0 for 0.
    @inlinable @inline(__always)
    public static func / (left: Int, right: Int) -> Int {
        if right == 0 { return left == 0 ? 0 : nearest(isNegative: left < 0) }
        let (quotient, overflow) = left.dividedReportingOverflow(by: right)
        return overflow ? .max : quotient
    }

    /// What is left of a division by zero is the number itself.
    @inlinable @inline(__always)
    public static func % (left: Int, right: Int) -> Int {
        if right == 0 { return left }
        let (rest, overflow) = left.remainderReportingOverflow(dividingBy: right)
        return overflow ? 0 : rest
    }

    @inlinable @inline(__always)
    public static prefix func - (operand: Int) -> Int { 0 - operand }

    @inlinable @inline(__always)
    public static func += (left: inout Int, right: Int) { left = left + right }

    @inlinable @inline(__always)
    public static func -= (left: inout Int, right: Int) { left = left - right }

    @inlinable @inline(__always)
    public static func *= (left: inout Int, right: Int) { left = left * right }

    @inlinable @inline(__always)
    public static func /= (left: inout Int, right: Int) { left = left / right }

    @inlinable @inline(__always)
    static func nearest(isNegative: Bool) -> Int { isNegative ? .min : .max }
}
