// SPDX-License-Identifier: Apache-2.0

extension Int {
    /// The nearest whole number towards zero; 0 for NaN.
    @inlinable
    public init(saturating value: Double) {
        self = Int(exactly: value.rounded(.towardZero)) ?? (value.isNaN ? 0 : value < 0 ? .min : .max)
    }

    /// The nearest whole number towards zero; 0 for NaN.
    @inlinable
    public init(saturating value: Float) { self.init(saturating: Double(value)) }
}

// The conversions that trap on what they cannot hold. Using one is an error (`treatWarning` in Package.swift).

extension Int {
    @available(*, deprecated, message: "traps on what it cannot hold: use Int(saturating:) or Int(exactly:)")
    public init(_ value: Double) { self.init(saturating: value) }

    @available(*, deprecated, message: "traps on what it cannot hold: use Int(saturating:) or Int(exactly:)")
    public init(_ value: Float) { self.init(saturating: value) }

    @available(*, deprecated, message: "traps on what it cannot hold: use Int(clamping:) or Int(exactly:)")
    public init(_ value: UInt) { self.init(clamping: value) }

    @available(*, deprecated, message: "traps on what it cannot hold: use Int(clamping:) or Int(exactly:)")
    public init(_ value: UInt64) { self.init(clamping: value) }
}

extension UInt {
    @available(*, deprecated, message: "traps on what it cannot hold: use UInt(clamping:), (exactly:) or (bitPattern:)")
    public init(_ value: Int) { self.init(clamping: value) }
}

extension UInt64 {
    @available(*, deprecated, message: "traps on what it cannot hold: use UInt64(clamping:) or UInt64(exactly:)")
    public init(_ value: Int) { self.init(clamping: value) }

    @available(
        *, deprecated, message: "traps on what it cannot hold: use UInt64(clamping:), (exactly:) or (bitPattern:)"
    )
    public init(_ value: Int64) { self.init(clamping: value) }
}

extension Int32 {
    @available(*, deprecated, message: "traps on what it cannot hold: use Int32(clamping:) or Int32(exactly:)")
    public init(_ value: Int) { self.init(clamping: value) }

    @available(*, deprecated, message: "traps on what it cannot hold: use Int32(clamping:) or Int32(exactly:)")
    public init(_ value: Int64) { self.init(clamping: value) }
}

extension UInt32 {
    @available(*, deprecated, message: "traps on what it cannot hold: use UInt32(clamping:) or UInt32(exactly:)")
    public init(_ value: Int) { self.init(clamping: value) }

    @available(*, deprecated, message: "traps on what it cannot hold: use UInt32(clamping:) or UInt32(exactly:)")
    public init(_ value: UInt64) { self.init(clamping: value) }
}

extension UInt8 {
    @available(*, deprecated, message: "traps on what it cannot hold: use UInt8(clamping:) or UInt8(exactly:)")
    public init(_ value: Int) { self.init(clamping: value) }
}
