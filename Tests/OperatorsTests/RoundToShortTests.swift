// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@testable import Kernels

/// Rounding to the 16-bit floats against the compiler's own conversion.
@Suite struct RoundToShortTests {
    static let types: Set<String> = ["RoundToShort"]

    /// All signs and exponents with fractions around every tie, and numbers that do not fill a vector.
    private static let numbers: [Float] = {
        var numbers: [Float] = []
        for upper in UInt32(0)...0xffff {
            for lower: UInt32 in [0, 1, 0xfff, 0x1000, 0x1001, 0x7fff, 0x8000, 0x8001, 0xf000, 0xffff] {
                numbers.append(Float(bitPattern: upper << 16 | lower))
            }
        }
        return numbers + [1, 65519.996, 65520, 65504, -65520, 0x1p-25, 0x1.000002p-25, 0x1p-24]
    }()

    private func rounded(_ numbers: [Float], to type: DataType) -> [Float] {
        var result = [Float](repeating: 0, count: numbers.count)
        var source = numbers
        unsafe source.withUnsafeMutableBytes { source in
            unsafe result.withUnsafeMutableBytes { target in
                var (input, output) = (source.baseAddress!, target.baseAddress!)
                let kernel = RoundToShortKernel(count: numbers.count, type: type)
                unsafe kernel.run(KernelOperands(inputs: &input, outputs: &output, scratch: target.baseAddress!))
            }
        }
        return result
    }

    @Test func float16RoundsAsTheCompilerDoes() {
        var wrong: [Float] = []
        for (number, found) in zip(Self.numbers, rounded(Self.numbers, to: .float16)) {
            let wanted = Float(Float16(number))
            let isRight = wanted.isNaN ? found.isNaN : wanted.bitPattern == found.bitPattern
            if !isRight { wrong.append(number) }
        }
        #expect(wrong.isEmpty, "\(wrong.count) wrong, the first \(wrong.prefix(5))")
    }

    @Test func bfloat16RoundsToNearestEven() {
        for (number, found) in zip(Self.numbers, rounded(Self.numbers, to: .bfloat16)) {
            if number.isNaN {
                #expect(found.isNaN)
                continue
            }
            // The two neighbours in bfloat16, and the nearer one; of equally near ones the even.
            let below = Float(bitPattern: number.bitPattern & 0xffff_0000)
            let above = Float(bitPattern: (number.bitPattern & 0xffff_0000) &+ 0x1_0000)
            let rest = number.bitPattern & 0xffff
            let takesUpper = rest > 0x8000 || rest == 0x8000 && number.bitPattern & 0x1_0000 != 0
            #expect((takesUpper ? above : below).bitPattern == found.bitPattern)
        }
    }

    @Test func widenedNumbersAreThoseOfTheShortType() {
        for bits in UInt16.min...UInt16.max {
            let bytes = [UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8)]
            let wide = unsafe Widening.bytes(bytes, from: .float16).withUnsafeBytes {
                unsafe $0.loadUnaligned(as: Float.self)
            }
            let wanted = Float(Float16(bitPattern: bits))
            #expect(wanted.isNaN ? wide.isNaN : wide.bitPattern == wanted.bitPattern)
            let upper = unsafe Widening.bytes(bytes, from: .bfloat16).withUnsafeBytes {
                unsafe $0.loadUnaligned(as: UInt32.self)
            }
            #expect(upper == UInt32(bits) << 16)
        }
    }
}
