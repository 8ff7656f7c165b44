// SPDX-License-Identifier: Apache-2.0

import CFuzzer

/// Something that reads files from outside.
protocol Target: Sendable {
    init()
    /// Reads `bytes`; anything but a refusal that is documented is a failure of the program.
    func read(_ bytes: [UInt8])
    /// `bytes` with a change.
    func mutated(_ bytes: [UInt8], limit: Int, _ random: inout Random) -> [UInt8]
}

extension Target {
    func mutated(_ bytes: [UInt8], limit: Int, _ random: inout Random) -> [UInt8] {
        plainlyMutated(bytes, limit: limit)
    }
}

/// `bytes` with one of libFuzzer's own changes.
func plainlyMutated(_ bytes: [UInt8], limit: Int) -> [UInt8] {
    var buffer = bytes
    let room = max(limit, bytes.count)
    buffer.append(contentsOf: repeatElement(0, count: room - bytes.count))
    let count = unsafe buffer.withUnsafeMutableBufferPointer {
        unsafe LLVMFuzzerMutate($0.baseAddress, bytes.count, room)
    }
    return Array(buffer.prefix(count))
}

/// SplitMix64, so that libFuzzer's seed decides everything.
struct Random {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is positive.
    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
