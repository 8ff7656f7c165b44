// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// One field of a protobuf message, as it lies in the bytes.
struct WireField {
    let number: Int
    /// Where the content lies; nil for a field that is a number.
    let content: Range<Int>?
    /// The number's bits; 0 for a field with content.
    let bits: UInt64

    var integer: Int64 { Int64(bitPattern: bits) }
    var float: Float { Float(bitPattern: UInt32(truncatingIfNeeded: bits)) }
}

/// The fields of a protobuf message, one after the other, decoded where they lie.
struct WireFields {
    private let bytes: CheckedBytes
    private var offset: Int
    private let end: Int

    /// `range` may be anything; what lies outside the bytes is an error of the first read.
    init(_ bytes: CheckedBytes, _ range: Range<Int>) {
        self.bytes = bytes
        offset = range.lowerBound
        end = range.upperBound
    }

    /// The next field; nil after the last one.
    @inline(__always)
    mutating func next() throws(OfflineModelError) -> WireField? {
        if offset >= end { return nil }
        let start = offset
        guard let key = bytes.varint(at: &offset, end: end) else { throw WireFields.unreadable(start) }
        // No message here has a field beyond 35; higher ones are skipped whatever their number.
        let number = Int(clamping: min(key >> 3, 1 << 16))
        switch key & 7 {
        case 0:
            guard let bits = bytes.varint(at: &offset, end: end) else { throw WireFields.unreadable(start) }
            return WireField(number: number, content: nil, bits: bits)
        case 1:
            guard end - offset >= 8, let bits: UInt64 = bytes.integer(at: offset) else {
                throw WireFields.unreadable(start)
            }
            offset += 8
            return WireField(number: number, content: nil, bits: bits)
        case 2:
            guard let size = bytes.varint(at: &offset, end: end), size <= UInt64(clamping: end - offset) else {
                throw WireFields.unreadable(start)
            }
            let content = offset..<offset + Int(clamping: size)
            offset = content.upperBound
            return WireField(number: number, content: content, bits: 0)
        case 5:
            guard end - offset >= 4, let bits: UInt32 = bytes.integer(at: offset) else {
                throw WireFields.unreadable(start)
            }
            offset += 4
            return WireField(number: number, content: nil, bits: UInt64(bits))
        default: throw WireFields.unreadable(start)
        }
    }

    private static func unreadable(_ offset: Int) -> OfflineModelError {
        .malformedGraph("no protobuf field can be read at offset \(offset)")
    }
}

extension CheckedBytes {
    /// Appends a field of `repeated int64`, packed or not.
    func append<Integer: FixedWidthInteger>(
        _ field: WireField, to values: inout [Integer]
    ) throws(OfflineModelError) {
        guard let content = field.content else {
            values.append(Integer(truncatingIfNeeded: field.bits))
            return
        }
        // At most one number per byte, in an array that grows by doubling.
        try OfflineModelError.requireMemory(2 * (values.count + content.count), of: Integer.self)
        var offset = content.lowerBound
        while offset < content.upperBound {
            guard let bits = varint(at: &offset, end: content.upperBound) else {
                throw .malformedGraph("no number can be read at offset \(offset)")
            }
            values.append(Integer(truncatingIfNeeded: bits))
        }
    }

    /// Appends a field of `repeated float`, packed or not.
    func append(_ field: WireField, to values: inout [Float]) throws(OfflineModelError) {
        guard let content = field.content else {
            values.append(field.float)
            return
        }
        guard content.count % 4 == 0 else {
            throw .malformedGraph(
                "\(content.count) bytes at offset \(content.lowerBound) are not a list of float numbers")
        }
        try OfflineModelError.requireMemory(values.count + content.count / 4, of: Float.self)
        values.reserveCapacity(values.count + content.count / 4)
        for offset in stride(from: content.lowerBound, to: content.upperBound, by: 4) {
            values.append(Float(bitPattern: integer(at: offset) ?? 0))
        }
    }

    /// The text of a field of type `string`.
    func string(_ content: Range<Int>) throws(OfflineModelError) -> String {
        guard let text = text(content) else {
            throw .malformedGraph("the text at offset \(content.lowerBound) is not UTF-8")
        }
        return text
    }
}
