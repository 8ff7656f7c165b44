// SPDX-License-Identifier: Apache-2.0

import Files
import Glibc

/// Bytes in memory of their own, so that later changes of the file or memory that they came from do no harm.
@safe
final class FileContent: @unchecked Sendable {
    // Constant after `init`; nobody writes the bytes.
    let bytes: UnsafeRawBufferPointer

    /// The content of a model file. Of a file that does not begin as a model does, the beginning only: it is refused
    /// for that, whatever else is in it.
    convenience init(model path: String) throws(Failure) {
        guard let resolved = unsafe realpath(path, nil) else {
            if errno == ENOMEM { throw .unreadable(path, .system(ENOMEM)) }
            throw .path(path, reason: systemError())
        }
        defer { unsafe free(resolved) }
        do throws(FileError) {
            let file = try unsafe RegularFile(String(cString: resolved))
            let beginning = try file.bytes(from: 0, count: min(file.size, Self.beginning))
            let isModel = beginning.starts(with: Self.magic)
            try self.init(file, count: isModel ? file.size : beginning.count)
        } catch {
            throw .unreadable(path, error)
        }
    }

    /// The content of a file of weights, which stays within `folder` unless links may be followed.
    convenience init(_ path: String, within folder: String, links: LinkPolicy) throws(FileError) {
        let file = try RegularFile(path, within: folder, links: links)
        try self.init(file, count: file.size)
    }

    /// The text of a file of at most `limit` bytes, for settings and the like.
    static func text(of path: String, limit: Int) throws(FileError) -> [UInt8] {
        try RegularFile(path, limit: limit).bytes()
    }

    private init(_ file: borrowing RegularFile, count: Int) throws(FileError) {
        guard count > 0 else {
            unsafe bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let memory = unsafe Self.allocate(count) else { throw .system(ENOMEM) }
        do throws(FileError) {
            try unsafe file.read(into: UnsafeMutableRawBufferPointer(start: memory, count: count))
        } catch {
            unsafe munmap(memory, count)
            throw error
        }
        unsafe bytes = UnsafeRawBufferPointer(start: memory, count: count)
    }

    init(copying source: UnsafeRawBufferPointer) throws(Failure) {
        guard let memory = unsafe Self.allocate(source.count) else {
            throw .engine(ErrorCode.geMemoryAllocation, "There is no memory for the \(source.count) bytes of a model.")
        }
        if let start = source.baseAddress { unsafe memory.copyMemory(from: start, byteCount: source.count) }
        unsafe bytes = UnsafeRawBufferPointer(start: memory, count: source.count)
    }

    /// The absolute path of a file or folder, links followed; the path itself where there is none.
    static func resolved(_ path: String) -> String {
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    private static let magic = Array("IMOD".utf8)
    /// Enough for every refusal: a model has a header of so many bytes.
    private static let beginning = 256

    private static func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
        let memory = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        return unsafe memory == MAP_FAILED ? nil : memory
    }

    deinit {
        guard let memory = unsafe bytes.baseAddress else { return }
        unsafe munmap(UnsafeMutableRawPointer(mutating: memory), bytes.count)
    }
}

extension Failure {
    fileprivate static func unreadable(_ path: String, _ error: FileError) -> Failure {
        guard error != .system(ENOMEM) else {
            return .engine(ErrorCode.geMemoryAllocation, "There is no memory for the content of \(path).")
        }
        return .engine(ErrorCode.geExecModelPathInvalid, "The file \(path) cannot be read: \(error).")
    }
}
