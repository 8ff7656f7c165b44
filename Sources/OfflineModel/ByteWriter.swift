// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// Appends little-endian numbers and bytes.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

    mutating func append<T: FixedWidthInteger>(_ value: T) {
        var rest = value
        for _ in 0..<T.bitWidth / 8 {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest = T.bitWidth > 8 ? rest >> 8 : 0
        }
    }

    mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    mutating func append(integers values: [Int]) {
        for value in values { append(Int64(value)) }
    }

    /// Zero bytes up to `count` bytes in all; nothing if there are as many already.
    mutating func pad(to count: Int) {
        if count > bytes.count { bytes.append(contentsOf: repeatElement(0, count: count - bytes.count)) }
    }

    /// The text in a field of fixed size, cut at a character so that a zero byte follows it.
    mutating func append(_ text: String, field size: Int) {
        var count = 0
        for character in text {
            guard count + character.utf8.count < size else { break }
            bytes.append(contentsOf: character.utf8)
            count += character.utf8.count
        }
        pad(to: bytes.count + size - count)
    }
}
