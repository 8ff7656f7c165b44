// SPDX-License-Identifier: Apache-2.0

/// How elements of one data type lie in memory, and the type that kernels calculate in.
///
/// The 16-bit floats are calculated in float32 and rounded once; every other type is calculated in itself.
protocol Element: BitwiseCopyable, Sendable {
    associatedtype Wide: BitwiseCopyable & Sendable
    var wide: Wide { get }
    init(wide: Wide)
}

/// An element type that is calculated in itself.
protocol PlainElement: Element where Wide == Self {}

extension PlainElement {
    @inline(__always) var wide: Self { self }
    @inline(__always) init(wide: Self) { self = wide }
}

extension Float: PlainElement {}
extension Double: PlainElement {}
extension Int8: PlainElement {}
extension Int16: PlainElement {}
extension Int32: PlainElement {}
extension Int64: PlainElement {}
extension UInt8: PlainElement {}
extension UInt16: PlainElement {}
extension UInt32: PlainElement {}
extension UInt64: PlainElement {}

extension Float16: Element {
    @inline(__always) var wide: Float { Float(self) }
    @inline(__always) init(wide: Float) { self.init(wide) }
}

/// The upper half of a float32.
struct BFloat16: Element {
    var bits: UInt16

    @inline(__always) var wide: Float { Float(bitPattern: UInt32(bits) << 16) }

    /// Rounds to nearest, ties to even; a NaN stays a NaN.
    @inline(__always) init(wide value: Float) {
        let pattern = value.bitPattern
        if value.isNaN {
            bits = UInt16(truncatingIfNeeded: pattern >> 16) | 0x40
        } else {
            bits = UInt16(truncatingIfNeeded: (pattern &+ 0x7fff &+ ((pattern >> 16) & 1)) >> 16)
        }
    }
}

/// A boolean of a tensor: one byte, true when not zero; written as 0 or 1.
struct Boolean: Element {
    var byte: UInt8

    @inline(__always) var wide: Bool { byte != 0 }
    @inline(__always) init(wide: Bool) { byte = wide ? 1 : 0 }
}
