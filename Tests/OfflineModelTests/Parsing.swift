// SPDX-License-Identifier: Apache-2.0

@testable import OfflineModel

func parse(_ bytes: [UInt8]) throws(OfflineModelError) -> OfflineModelFile {
    try unsafe withBytes(bytes) { buffer throws(OfflineModelError) in try unsafe OfflineModelFile(parsing: buffer) }
}

func describe(_ bytes: [UInt8]) throws(OfflineModelError) -> ModelDescription {
    try unsafe withBytes(bytes) { buffer throws(OfflineModelError) in
        try unsafe OfflineModelFile.description(of: buffer)
    }
}

func container(_ bytes: [UInt8]) throws(OfflineModelError) -> Container {
    try unsafe withBytes(bytes) { buffer throws(OfflineModelError) in try unsafe OfflineModelFile.container(of: buffer)
    }
}

/// Hands the bytes over in memory of exactly their size, so that a sanitizer or guard notices reads beyond it.
private func withBytes<Result>(
    _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(OfflineModelError) -> Result
) throws(OfflineModelError) -> Result {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { unsafe buffer.deallocate() }
    unsafe buffer.copyBytes(from: bytes)
    return try unsafe body(UnsafeRawBufferPointer(buffer))
}

/// Little-endian bytes of a number, to build damaged files.
func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> T($0 * 8)) }
}

extension [UInt8] {
    func replacing<T: FixedWidthInteger>(at offset: Int, with value: T) -> [UInt8] {
        var bytes = self
        bytes.replaceSubrange(offset..<offset + T.bitWidth / 8, with: littleEndian(value))
        return bytes
    }
}
