// SPDX-License-Identifier: Apache-2.0

import Glibc
import ONNXImport

/// Whole files, read and written with the C library alone.
enum Files {
    /// The bytes of a file, or `length` of them from `offset` on.
    static func read(_ path: String, offset: Int = 0, length: Int? = nil) throws(ConversionError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ConversionError("E13001", "File [\(path)] cannot be opened. Reason: \(systemReason)")
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ConversionError("E13003", "File [\(path)] cannot be read. Reason: it is not a regular file.")
        }
        let available = Int(status.st_size)
        guard offset >= 0, offset <= available, length ?? 0 >= 0, (length ?? 0) <= available - offset else {
            throw ConversionError(
                "E13015", "File [\(path)] has \(available) bytes, too few for \(length ?? 0) bytes at \(offset).")
        }
        let wanted = length ?? available - offset
        // Safe: `pread` gets the address of the free part of the buffer and never more than its size.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
            while count < wanted {
                let step = unsafe pread(descriptor, buffer.baseAddress! + count, wanted - count, offset + count)
                if step < 0, errno == EINTR { continue }
                guard step > 0 else { break }
                count += step
            }
        }
        guard bytes.count == wanted else {
            throw ConversionError("E13003", "File [\(path)] cannot be read. Reason: \(systemReason)")
        }
        return bytes
    }

    /// Writes a file under a temporary name first, so that a reader never sees a part of it. Creates the folders.
    static func write(_ bytes: [UInt8], to path: String) throws(ConversionError) {
        try createFolders(for: path)
        let temporary = "\(path).\(getpid()).tmp"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw ConversionError("E13001", "File [\(path)] cannot be opened. Reason: \(systemReason)")
        }
        // Safe: `write` gets the address and size of the rest of the array.
        let isComplete = unsafe bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let step = unsafe Glibc.write(descriptor, buffer.baseAddress! + done, buffer.count - done)
                if step < 0, errno == EINTR { continue }
                guard step > 0 else { return false }
                done += step
            }
            return true
        }
        let reason = systemReason
        guard close(descriptor) == 0, isComplete, unsafe rename(temporary, path) == 0 else {
            unsafe unlink(temporary)
            throw ConversionError("E13004", "File [\(path)] cannot be written. Reason: \(reason)")
        }
    }

    private static func createFolders(for path: String) throws(ConversionError) {
        var slashes = path.indices.filter { path[$0] == "/" && $0 != path.startIndex }
        slashes.removeAll { path[path.index(before: $0)] == "/" }
        for slash in slashes {
            let folder = String(path[..<slash])
            guard unsafe mkdir(folder, 0o750) == 0 || errno == EEXIST || errno == EISDIR else {
                throw ConversionError("E13026", "Folder [\(folder)] cannot be created. Reason: \(systemReason)")
            }
        }
    }

    /// The folder of a file, ending in a slash; empty for a bare name.
    static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    /// The name of a file without its folder.
    static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    private static var systemReason: String { unsafe String(cString: strerror(errno)) }
}
