// SPDX-License-Identifier: Apache-2.0

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
        var lanes = (Lane(seed: 0), Lane(seed: 1), Lane(seed: 2), Lane(seed: 3))
        let blocks = bytes.count / Self.blockBytes
        if let base = bytes.baseAddress {
            for block in 0..<blocks {
                // Safe: block < count / blockBytes, so each block lies inside `bytes`.
                unsafe Self.absorb(base + block * Self.blockBytes, into: &lanes)
            }
        }
        if blocks * Self.blockBytes < bytes.count {
            let tail = unsafe UnsafeRawBufferPointer(rebasing: bytes[(blocks * Self.blockBytes)...])
            var padded = SIMD8<UInt64>(repeating: 0)
            unsafe withUnsafeMutableBytes(of: &padded) { unsafe $0.copyMemory(from: tail) }
            unsafe withUnsafeBytes(of: &padded) { buffer in
                guard let base = buffer.baseAddress else { return }
                unsafe Self.absorb(base, into: &lanes)
            }
        }
        byteCount = bytes.count
        var sum = Lane(seed: 4)
        for lane in [lanes.0, lanes.1, lanes.2, lanes.3] { sum.absorb(lane.a, lane.b) }
        sum.absorb(UInt64(truncatingIfNeeded: byteCount), 0x9e37_79b9_7f4a_7c15)
        sum.absorb(0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb)
        (low, high) = (sum.a, sum.b)
    }

    var description: String {
        let digits = String(high, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static let blockBytes = 64

    /// Four independent multiplications per block, so that their latencies overlap.
    @inline(__always)
    private static func absorb(_ block: UnsafeRawPointer, into lanes: inout (Lane, Lane, Lane, Lane)) {
        // Safe: `block` points to 64 readable bytes.
        @inline(__always) func word(_ index: Int) -> UInt64 {
            unsafe UInt64(littleEndian: block.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
        }
        lanes.0.absorb(word(0), word(1))
        lanes.1.absorb(word(2), word(3))
        lanes.2.absorb(word(4), word(5))
        lanes.3.absorb(word(6), word(7))
    }

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
    }
}
