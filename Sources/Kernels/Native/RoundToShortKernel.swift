// SPDX-License-Identifier: Apache-2.0

internal import CLanes
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
            let numbers = unsafe source.loadUnaligned(fromByteOffset: 4 * element, as: SIMD16<Float>.self)
            unsafe target.storeBytes(of: rounded(numbers), toByteOffset: 4 * element, as: SIMD16<Float>.self)
            element += 16
        }
        while element < end {
            let number = unsafe source.loadUnaligned(fromByteOffset: 4 * element, as: Float.self)
            let rounded = rounded(SIMD16(repeating: number))
            unsafe target.storeBytes(of: rounded[0], toByteOffset: 4 * element, as: Float.self)
            element += 1
        }
    }

    @inline(__always)
    private func rounded(_ numbers: SIMD16<Float>) -> SIMD16<Float> {
        isBFloat16 ? lanes_round_to_bfloat16(numbers) : lanes_round_to_float16(numbers)
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
