// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// Lays constants out as GE does: the first at 512, each at a multiple of 512, equal ones once, 32 bytes of padding at
/// the end and the whole a multiple of 512.
struct WeightsLayout {
    private static let alignment = 512
    private static let padding = 32

    private var places: [Content: Int] = [:]
    private var contents: [(offset: Int, bytes: [UInt8])] = []
    private var end = WeightsLayout.alignment

    /// Bytes hashed as a block; an array hashes each byte on its own, which takes seconds for large models.
    private struct Content: Hashable {
        let bytes: [UInt8]

        func hash(into hasher: inout Hasher) {
            unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        }
    }

    private static func roundUp(_ value: Int) -> Int { (value + alignment - 1) / alignment * alignment }

    /// The partition's offset for these bytes.
    mutating func place(_ bytes: [UInt8]) -> Int {
        let content = Content(bytes: bytes)
        if let offset = places[content] { return offset }
        let offset = end
        places[content] = offset
        contents.append((offset, bytes))
        end = WeightsLayout.roundUp(offset + bytes.count)
        return offset
    }

    /// Bytes of the partition; 0 without constants.
    var byteCount: Int {
        guard let last = contents.last else { return 0 }
        return WeightsLayout.roundUp(last.offset + last.bytes.count + WeightsLayout.padding)
    }

    func append(to writer: inout ByteWriter) {
        let start = writer.bytes.count
        for (offset, bytes) in contents {
            writer.pad(to: start + offset)
            writer.append(bytes)
        }
        writer.pad(to: start + byteCount)
    }
}
