// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Bytes in memory of their own, so that later changes of the file or memory that they came from do no harm.
@safe
final class FileContent: @unchecked Sendable {
    // Constant after `init`; nobody writes the bytes.
    let bytes: UnsafeRawBufferPointer

    init(_ path: String) throws(Failure) {
        guard let resolved = unsafe realpath(path, nil) else {
            throw .path(path, reason: Self.reason(errno))
        }
        let file = unsafe open(resolved, O_RDONLY | O_CLOEXEC)
        unsafe free(resolved)
        guard file >= 0 else { throw Self.unreadable(path, Self.reason(errno)) }
        defer { close(file) }
        var information = stat()
        guard unsafe fstat(file, &information) == 0 else { throw Self.unreadable(path, Self.reason(errno)) }
        guard information.st_mode & S_IFMT == S_IFREG else { throw Self.unreadable(path, "it is not a file") }
        let size = Int(information.st_size)
        guard size > 0 else {
            unsafe bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let memory = try unsafe Self.allocate(size)
        unsafe bytes = UnsafeRawBufferPointer(start: memory, count: size)
        var count = 0
        while count < size {
            // Safe: reads at most the rest of the memory.
            let part = unsafe read(file, memory + count, size - count)
            if part < 0, errno == EINTR { continue }
            guard part > 0 else {
                let reason = part == 0 ? "it became shorter while it was read" : Self.reason(errno)
                unsafe munmap(memory, size)
                throw Self.unreadable(path, reason)
            }
            count += part
        }
    }

    /// The absolute path of a file or folder, links followed; the path itself where there is none.
    static func resolved(_ path: String) -> String {
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    init(copying source: UnsafeRawBufferPointer) throws(Failure) {
        let memory = try unsafe Self.allocate(source.count)
        if let start = source.baseAddress { unsafe memory.copyMemory(from: start, byteCount: source.count) }
        unsafe bytes = UnsafeRawBufferPointer(start: memory, count: source.count)
    }

    private static func allocate(_ size: Int) throws(Failure) -> UnsafeMutableRawPointer {
        let memory = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            throw .engine(ErrorCode.geMemoryAllocation, "There is no memory for the \(size) bytes of a model.")
        }
        return unsafe memory
    }

    deinit {
        guard let memory = unsafe bytes.baseAddress else { return }
        unsafe munmap(UnsafeMutableRawPointer(mutating: memory), bytes.count)
    }

    private static func unreadable(_ path: String, _ reason: String) -> Failure {
        .engine(ErrorCode.geExecModelPathInvalid, "The file \(path) cannot be read: \(reason).")
    }

    private static func reason(_ number: Int32) -> String { unsafe String(cString: strerror(number)) }
}
