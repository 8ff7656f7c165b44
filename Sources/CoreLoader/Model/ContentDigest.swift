// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// A 128-bit fingerprint of a byte range and its length: tells models and packed weights apart.
///
/// Not cryptographic. Two inputs that collide on purpose would only swap results between models of the same length,
/// never lead outside their bytes.
struct ContentDigest: Hashable, Sendable, CustomStringConvertible {
    let low: UInt64
    let high: UInt64
    let byteCount: Int

    /// Fingerprints all of `bytes` at about the speed of memory.
    init(of bytes: UnsafeRawBufferPointer) {
        // Four streams, each through a quarter of the bytes, keep more memory accesses under way than one would.
        let quarter = bytes.count / 4 / Self.lineBytes * Self.lineBytes
        var lanes = (Lane(seed: 0), Lane(seed: 1), Lane(seed: 2), Lane(seed: 3))
        if let base = bytes.baseAddress {
            var offset = 0
            while offset < quarter {
                // Safe: offset + 64 <= quarter, and four quarters fit into `bytes`.
                unsafe lanes.0.absorb(line: base + offset)
                unsafe lanes.1.absorb(line: base + quarter + offset)
                unsafe lanes.2.absorb(line: base + 2 * quarter + offset)
                unsafe lanes.3.absorb(line: base + 3 * quarter + offset)
                offset += Self.lineBytes
            }
        }
        var rest = Lane(seed: 4)
        unsafe rest.absorb(padded: UnsafeRawBufferPointer(rebasing: bytes[(4 * quarter)...]))
        self.init([lanes.0, lanes.1, lanes.2, lanes.3, rest], byteCount: bytes.count)
    }

    private init(_ lanes: [Lane], byteCount: Int) {
        var sum = Lane(seed: 5)
        for lane in lanes { sum.absorb(lane.a, lane.b) }
        sum.absorb(UInt64(truncatingIfNeeded: byteCount), 0x9e37_79b9_7f4a_7c15)
        sum.absorb(0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb)
        (low, high) = (sum.a, sum.b)
        self.byteCount = byteCount
    }

    /// Fingerprints several contents, in their order, by their fingerprints.
    init(joining digests: [ContentDigest]) {
        var sum = Lane(seed: 6)
        for digest in digests {
            sum.absorb(digest.low, digest.high)
            sum.absorb(UInt64(truncatingIfNeeded: digest.byteCount), 0x9e37_79b9_7f4a_7c15)
        }
        self.init([sum], byteCount: digests.reduce(0) { $0 &+ $1.byteCount })
    }

    var description: String {
        let digits = String(high, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static let lineBytes = 64

    /// 128 bits of state; a full-width product mixes 16 bytes in, and the halves cross so that nothing is forgotten.
    private struct Lane {
        var a: UInt64
        var b: UInt64

        init(seed: UInt64) {
            a = (seed &+ 1) &* 0xd6e8_feb8_6659_fd93
            b = (seed &+ 1) &* 0xa076_1d64_78bd_642f
        }

        @inline(__always)
        mutating func absorb(_ first: UInt64, _ second: UInt64) {
            let product = (first ^ a).multipliedFullWidth(by: second ^ b)
            (a, b) = (product.low ^ b, product.high ^ a)
        }

        /// `line` points to 64 readable bytes.
        @inline(__always)
        mutating func absorb(line: UnsafeRawPointer) {
            // Safe: stays within the 64 bytes.
            @inline(__always) func word(_ index: Int) -> UInt64 {
                unsafe UInt64(littleEndian: line.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
            }
            absorb(word(0), word(1))
            absorb(word(2), word(3))
            absorb(word(4), word(5))
            absorb(word(6), word(7))
        }

        /// Any number of bytes, zeros added up to a whole line.
        mutating func absorb(padded bytes: UnsafeRawBufferPointer) {
            for start in stride(from: 0, to: bytes.count, by: ContentDigest.lineBytes) {
                let part = unsafe UnsafeRawBufferPointer(
                    rebasing: bytes[start..<min(start + ContentDigest.lineBytes, bytes.count)])
                var line = SIMD8<UInt64>(repeating: 0)
                unsafe withUnsafeMutableBytes(of: &line) { unsafe $0.copyMemory(from: part) }
                unsafe withUnsafeBytes(of: &line) { buffer in
                    if let base = buffer.baseAddress { unsafe absorb(line: base) }
                }
            }
        }
    }
}
