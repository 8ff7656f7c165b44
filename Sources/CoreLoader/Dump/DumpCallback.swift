// SPDX-License-Identifier: Apache-2.0

import CAscendCL

/// The function that takes dumped data instead of files (`acldumpRegCallback`).
enum DumpCallback {
    /// Takes the address of an `acldumpChunk`, valid during the call, and its length.
    typealias Function = @Sendable (_ chunk: UInt, _ length: Int32) -> Int32

    private static let registered = Protected<Function?>(nil)
    /// Bytes of a file that are handed over at a time.
    private static let chunkBytes = 1 << 20
    /// Where `dataBuf` starts.
    private static let headBytes = Int(ACL_DUMP_MAX_FILE_PATH_LENGTH) + 20

    static var isRegistered: Bool { registered.withLock { $0 != nil } }

    static func set(_ function: Function?) { registered.withLock { $0 = function } }

    /// Hands the content of the file `path` over piece by piece; throws when the function refuses one.
    /// - Returns: false if no function is registered.
    static func deliver(_ bytes: [UInt8], of path: String) throws(Failure) -> Bool {
        guard let function = registered.withLock({ $0 }) else { return false }
        let size = Self.headBytes + min(bytes.count, chunkBytes)
        // Safe: the memory covers the struct and a whole piece, is zeroed first and freed after the last call.
        let chunk = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(size, MemoryLayout<acldumpChunk>.size), alignment: 16)
        defer { unsafe chunk.deallocate() }
        unsafe chunk.initializeMemory(as: UInt8.self, repeating: 0)
        let nameLimit = Int(ACL_DUMP_MAX_FILE_PATH_LENGTH) - 1
        unsafe chunk.copyBytes(from: path.utf8.prefix(nameLimit))
        var offset = 0
        repeat {
            let count = min(chunkBytes, bytes.count - offset)
            let head = Int(ACL_DUMP_MAX_FILE_PATH_LENGTH)
            unsafe chunk.storeBytes(of: UInt32(count), toByteOffset: head, as: UInt32.self)
            unsafe chunk.storeBytes(
                of: offset + count == bytes.count ? 1 : 0, toByteOffset: head + 4, as: UInt32.self)
            unsafe chunk.storeBytes(of: Int64(offset), toByteOffset: head + 8, as: Int64.self)
            let target = unsafe UnsafeMutableRawBufferPointer(rebasing: chunk[headBytes..<headBytes + count])
            unsafe target.copyBytes(from: bytes[offset..<offset + count])
            let answer = function(UInt(bitPattern: chunk.baseAddress), Int32(MemoryLayout<acldumpChunk>.size + count))
            guard answer == 0 else {
                throw DumpFolder.cannotWrite(path, "the callback of acldumpRegCallback answered \(answer)")
            }
            offset += count
        } while offset < bytes.count
        return true
    }
}
