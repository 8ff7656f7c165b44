// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A stretch of the model's bytes in which every access is checked: the only code that touches the caller's memory.
///
/// It borrows the memory: a value must not outlive the call that was given the bytes.
@safe struct CheckedBytes {
    private let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = bytes }

    var count: Int { unsafe bytes.count }

    private func contains(_ range: Range<Int>) -> Bool { range.lowerBound >= 0 && range.upperBound <= count }

    /// The little-endian number at `offset`; nil if it does not lie within the bytes.
    @inline(__always)
    func integer<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: T.Type = T.self) -> T? {
        guard offset >= 0, offset <= count - MemoryLayout<T>.size else { return nil }
        // Within the bytes, as just checked.
        return unsafe T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    /// The bytes in `range`; nil if it does not lie within them.
    func slice(_ range: Range<Int>) -> CheckedBytes? {
        contains(range) ? unsafe CheckedBytes(UnsafeRawBufferPointer(rebasing: bytes[range])) : nil
    }

    /// A copy of the bytes in `range`; nil if it does not lie within them.
    func copy(_ range: Range<Int>) -> [UInt8]? {
        contains(range) ? unsafe [UInt8](bytes[range]) : nil
    }

    /// The UTF-8 text in `range`; nil if it is something else or does not lie within the bytes.
    func text(_ range: Range<Int>) -> String? {
        guard contains(range) else { return nil }
        let text = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
        // Nearly all texts are ASCII, which cannot be wrong; the validating initialiser takes several times as long.
        if unsafe text.reduce(0, |) < 0x80 { return unsafe String(decoding: text, as: UTF8.self) }
        return unsafe String(validating: text, as: UTF8.self)
    }

    /// The protobuf varint at `offset`, which then stands after it; nil if it does not end before `end`.
    @inline(__always)
    func varint(at offset: inout Int, end: Int) -> UInt64? {
        guard offset >= 0, offset < end, end <= count else { return nil }
        // Each access is below `end`, as tested before it.
        let first = unsafe bytes[offset]
        offset += 1
        if first < 0x80 { return UInt64(first) }
        var value = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while offset < end, shift < 64 {
            let byte = unsafe bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }

    /// Calls `body` with the bytes as Foundation's data, without a copy; the data must not escape.
    func withData<Result>(_ body: (Data) throws -> Result) rethrows -> Result {
        guard let base = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress), count > 0 else {
            return try body(Data())
        }
        // Data only reads through the pointer, and does not free it.
        return try unsafe body(Data(bytesNoCopy: base, count: count, deallocator: .none))
    }
}

/// Reads numbers and texts one after the other; every read beyond the end throws what `failure` makes of it.
struct ByteCursor {
    private let bytes: CheckedBytes
    private(set) var position = 0
    private let failure: @Sendable (String) -> OfflineModelError

    init(_ bytes: CheckedBytes, failure: @escaping @Sendable (String) -> OfflineModelError) {
        self.bytes = bytes
        self.failure = failure
    }

    var remaining: Int { bytes.count - position }

    private func missing(_ what: String, _ size: Int) -> OfflineModelError {
        failure("\(what) at offset \(position) takes \(size) bytes, but \(remaining) are left")
    }

    mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(
        _ what: String, as type: T.Type = T.self
    ) throws(OfflineModelError) -> T {
        guard let value: T = bytes.integer(at: position) else { throw missing(what, MemoryLayout<T>.size) }
        position += MemoryLayout<T>.size
        return value
    }

    /// The text in the next `size` bytes; bytes that are not UTF-8 are replaced.
    mutating func text(_ what: String, size: Int) throws(OfflineModelError) -> String {
        guard let raw = bytes.copy(position..<position + Swift.min(size, remaining + 1)) else {
            throw missing(what, size)
        }
        position += size
        return String(decoding: raw, as: UTF8.self)
    }

    /// A cursor over the next `size` bytes, which this one skips.
    mutating func block(_ what: String, size: Int) throws(OfflineModelError) -> ByteCursor {
        guard size <= remaining, let slice = bytes.slice(position..<position + size) else { throw missing(what, size) }
        position += size
        return ByteCursor(slice, failure: failure)
    }

    /// The next `count` numbers of 64 bits.
    mutating func integers(_ what: String, count: Int) throws(OfflineModelError) -> [Int] {
        guard count <= remaining / 8 else { throw missing(what, count.multipliedReportingOverflow(by: 8).partialValue) }
        var values: [Int] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(Int(try integer(what, as: Int64.self))) }
        return values
    }
}
