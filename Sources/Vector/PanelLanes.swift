// SPDX-License-Identifier: Apache-2.0

internal import CLanes
import VectorFunctions

/// Eight floats: a register of AVX2.
typealias HalfLanes = SIMD8<Float>

/// What the sums of a panel, or of its first half, are kept in.
protocol PanelLanes: SIMD where Scalar == Float {
    static func load(_ address: Input) -> Self
    /// a · b + c.
    static func multiplyAdd(_ a: Self, _ b: Self, _ c: Self) -> Self
    static func + (a: Self, b: Self) -> Self
    /// With zeros behind a half.
    var whole: Lanes { get }
}

extension SIMD16: PanelLanes where Scalar == Float {
    @inline(__always) static func load(_ address: Input) -> Self {
        UnsafeRawPointer(address).loadUnaligned(as: Self.self)
    }

    @inline(__always)
    static func multiplyAdd(_ a: Self, _ b: Self, _ c: Self) -> Self { lanes_multiply_add(a, b, c) }

    @inline(__always) var whole: Lanes { self }
}

extension SIMD8: PanelLanes where Scalar == Float {
    @inline(__always) static func load(_ address: Input) -> Self {
        UnsafeRawPointer(address).loadUnaligned(as: Self.self)
    }

    @inline(__always)
    static func multiplyAdd(_ a: Self, _ b: Self, _ c: Self) -> Self { half_lanes_multiply_add(a, b, c) }

    @inline(__always) var whole: Lanes { Lanes(lowHalf: self, highHalf: .zero) }
}
