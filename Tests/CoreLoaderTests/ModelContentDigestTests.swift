// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CoreLoader

@Suite struct ModelContentDigestTests {
    private func digest(_ bytes: [UInt8]) -> ContentDigest {
        unsafe bytes.withUnsafeBytes { unsafe ContentDigest(of: $0) }
    }

    private func pattern(_ count: Int) -> [UInt8] {
        var state: UInt64 = 0x2545_f491_4f6c_dd1d
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }

    @Test func equalBytesGiveEqualDigestsAtAnyAddress() {
        let bytes = pattern(1000)
        for shift in 0..<70 {
            let padded = [UInt8](repeating: 0, count: shift) + bytes
            let shifted = unsafe padded.withUnsafeBytes { raw in
                unsafe ContentDigest(of: UnsafeRawBufferPointer(rebasing: raw[shift...]))
            }
            #expect(shifted == digest(bytes))
        }
    }

    /// Every single-bit change of a range that is not a whole number of blocks changes the digest.
    @Test func everyBitCounts() {
        var bytes = pattern(200)
        var seen: Set<ContentDigest> = [digest(bytes)]
        for bit in 0..<bytes.count * 8 {
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(seen.insert(digest(bytes)).inserted, "bit \(bit)")
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        }
    }

    @Test func lengthCounts() {
        var seen = Set<ContentDigest>()
        for count in 0...300 { #expect(seen.insert(digest([UInt8](repeating: 0, count: count))).inserted) }
        for count in 1...300 { #expect(seen.insert(digest([UInt8](repeating: 7, count: count))).inserted) }
    }

    @Test func orderOfBlocksAndLanesCounts() {
        let bytes = pattern(256)
        var seen: Set<ContentDigest> = [digest(bytes)]
        for step in [8, 16, 64, 128] {
            let rotated = Array(bytes[step...] + bytes[..<step])
            #expect(seen.insert(digest(rotated)).inserted, "rotated by \(step)")
        }
    }
}
