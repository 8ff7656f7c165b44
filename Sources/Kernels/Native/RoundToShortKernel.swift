// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// Rounds float32 to the values that float16 or bfloat16 has, to nearest with ties to even.
///
/// What is too large becomes infinity, what is small loses bits as in the short type, and NaN stays NaN.
public struct RoundToShortKernel: NativeKernel {
    private let count: Int
    private let isBFloat16: Bool
    private static let partElements = 1 << 14

    /// - type: float16 or bfloat16.
    public init(count: Int, type: DataType) {
        self.count = count
        isBFloat16 = type == .bfloat16
    }

    public var canRunInPlace: Bool { true }
    public var parts: Int { max(1, (count + Self.partElements - 1) / Self.partElements) }

    public func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    public func run(_ operands: KernelOperands, parts: Range<Int>) {
        let (source, target) = unsafe (operands.inputs[0], operands.outputs[0])
        let end = min(parts.upperBound * Self.partElements, count)
        var element = parts.lowerBound * Self.partElements
        // Safe: all accesses lie below `count` elements of 4 bytes.
        while element + 16 <= end {
            let bits = unsafe source.loadUnaligned(fromByteOffset: 4 * element, as: SIMD16<UInt32>.self)
            unsafe target.storeBytes(
                of: isBFloat16 ? Self.bfloat16(bits) : Self.float16(bits), toByteOffset: 4 * element,
                as: SIMD16<UInt32>.self)
            element += 16
        }
        while element < end {
            let bits = SIMD16(repeating: unsafe source.loadUnaligned(fromByteOffset: 4 * element, as: UInt32.self))
            let rounded = isBFloat16 ? Self.bfloat16(bits) : Self.float16(bits)
            unsafe target.storeBytes(of: rounded[0], toByteOffset: 4 * element, as: UInt32.self)
            element += 1
        }
    }

    @inline(__always)
    private static func float16(_ bits: SIMD16<UInt32>) -> SIMD16<UInt32> {
        let sign = bits & 0x8000_0000
        let magnitude = bits & 0x7fff_ffff
        // Ten bits of the fraction stay; a carry goes into the exponent, as it should.
        let normal = (magnitude &+ 0xfff &+ ((magnitude &>> 13) & 1)) & ~SIMD16(repeating: 0x1fff)
        // Below 2^-14 the steps are 2^-24 wide, which is what float32 has from one half on.
        let half = SIMD16<Float>(repeating: 0.5)
        let shifted = (unsafe unsafeBitCast(magnitude, to: SIMD16<Float>.self) + half) - half
        let small = unsafe unsafeBitCast(shifted, to: SIMD16<UInt32>.self)
        var result = normal.replacing(with: small, where: magnitude .< 0x3880_0000)
        // 65520 and above are nearer to 65536, which float16 does not have.
        result.replace(with: 0x7f80_0000, where: magnitude .>= 0x477f_f000)
        result.replace(with: magnitude | 0x0040_0000, where: magnitude .> 0x7f80_0000)
        return result | sign
    }

    @inline(__always)
    private static func bfloat16(_ bits: SIMD16<UInt32>) -> SIMD16<UInt32> {
        let rounded = (bits &+ 0x7fff &+ ((bits &>> 16) & 1)) & 0xffff_0000
        return rounded.replacing(with: bits | 0x0040_0000, where: (bits & 0x7fff_ffff) .> 0x7f80_0000)
    }
}

/// Numbers of short types as float32, which has all of them.
package enum Widening {
    /// - type: float16 or bfloat16; `bytes` are its elements, as the result's are float32's.
    package static func bytes(_ bytes: [UInt8], from type: DataType) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: bytes.count / 2 * 4) { target, count in
            count = bytes.count / 2 * 4
            unsafe bytes.withUnsafeBytes { source in
                if let start = target.baseAddress {
                    unsafe run(source, from: type, into: UnsafeMutableRawPointer(start))
                }
            }
        }
    }

    /// Safety: `target` covers twice the bytes of `source`.
    package static func run(_ source: UnsafeRawBufferPointer, from type: DataType, into target: UnsafeMutableRawPointer)
    {
        for element in 0..<source.count / 2 {
            let bits = unsafe source.loadUnaligned(fromByteOffset: 2 * element, as: UInt16.self)
            let value = type == .bfloat16 ? Float(bitPattern: UInt32(bits) << 16) : float(bits)
            unsafe target.storeBytes(of: value, toByteOffset: 4 * element, as: Float.self)
        }
    }

    /// A float16 without the compiler's function for it, which takes a call for each number.
    @inline(__always)
    private static func float(_ bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) << 16
        let magnitude = UInt32(bits & 0x7fff)
        if magnitude >= 0x7c00 { return Float(bitPattern: sign | 0x7f80_0000 | (magnitude & 0x3ff) << 13) }
        if magnitude < 0x400 {
            let value = Float(magnitude) * 0x1p-24
            return sign == 0 ? value : -value
        }
        return Float(bitPattern: sign | (magnitude << 13 &+ 0x3800_0000))
    }
}
