// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A folder in which files are made: what is done in it stays in it, whatever happens to its path meanwhile.
public final class Folder: Sendable {
    private let descriptor: Descriptor

    private init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// The folder at a path that the caller vouches for: links are followed.
    public convenience init(_ path: String) throws(FileError) {
        self.init(try Descriptor(path.isEmpty ? "." : path, openPlaceOnly | O_DIRECTORY))
    }

    /// The folder `name` in this one.
    public func folder(_ name: String, links: LinkPolicy) throws(FileError) -> Folder {
        if links == .refuse, Descriptor.isLink(name, in: descriptor.number) { throw .symbolicLink(name) }
        let flags = openPlaceOnly | O_DIRECTORY | (links == .refuse ? O_NOFOLLOW : 0)
        return Folder(try Descriptor(name, in: descriptor.number, flags))
    }

    /// Makes the folder `name`, for its owner and group, unless there is something of this name.
    /// - Returns: whether it was missing.
    @discardableResult
    public func make(_ name: String) throws(FileError) -> Bool {
        // Safe: the system only reads the name during the call.
        if unsafe mkdirat(descriptor.number, name, 0o750) == 0 { return true }
        guard errno == EEXIST else { throw .latest }
        return false
    }

    /// A new file; throws `.system(EEXIST)` if there is anything of this name, a link included.
    public func create(_ name: String, permissions: UInt32) throws(FileError) -> NewFile {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY
        return NewFile(try Descriptor(name, in: descriptor.number, flags, permissions: permissions))
    }

    /// A name for a new file that nobody can have guessed.
    public static func unpredictableName() -> String {
        var random = SystemRandomNumberGenerator()
        let digits = [random.next() as UInt64, random.next()].map { String($0, radix: 16) }
        return ".\(digits.joined(separator: "-")).tmp"
    }

    /// A file to write at the end of, which is made if it is missing; throws for anything but a regular file.
    public func append(to name: String, permissions: UInt32) throws(FileError) -> NewFile {
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        let file = try Descriptor(name, in: descriptor.number, flags, permissions: permissions)
        if let kind = try file.status().otherKind { throw .notRegular(kind: kind) }
        return NewFile(file)
    }

    /// Gives a file its final name. Whatever has it, is replaced itself: a link, not what it leads to.
    public func rename(_ name: String, to final: String) throws(FileError) {
        // Safe: the system only reads the names during the call.
        guard unsafe renameat(descriptor.number, name, descriptor.number, final) == 0 else { throw .latest }
    }

    public func remove(_ name: String) throws(FileError) {
        guard unsafe unlinkat(descriptor.number, name, 0) == 0 else { throw .latest }
    }

    /// Removes the folder `name`, which must be empty.
    public func removeFolder(_ name: String) throws(FileError) {
        guard unsafe unlinkat(descriptor.number, name, AT_REMOVEDIR) == 0 else { throw .latest }
    }

    /// Whether there is a folder of this name.
    public func hasFolder(_ name: String) -> Bool {
        var status = stat()
        return unsafe fstatat(descriptor.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0
            && status.st_mode & S_IFMT == S_IFDIR
    }
}

/// A file that is open for writing.
public struct NewFile: ~Copyable {
    private let descriptor: Descriptor

    fileprivate init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// Writes all bytes. A file beyond the limit of the process (`ulimit -f`) is `.system(EFBIG)` and no signal.
    public func write(_ bytes: [UInt8]) throws(FileError) {
        let number = descriptor.number
        let failure: FileError? = withoutFileSizeSignal {
            // Safe: `write` gets the address and the size of the rest of the array.
            unsafe bytes.withUnsafeBytes { buffer in
                var count = 0
                while count < buffer.count {
                    let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[count...])
                    let part = unsafe Glibc.write(number, rest.baseAddress, rest.count)
                    if part < 0, errno == EINTR { continue }
                    guard part > 0 else { return part < 0 ? .latest : .system(ENOSPC) }
                    count += part
                }
                return nil
            }
        }
        if let failure { throw failure }
    }

    /// Closes the file, and says what the system learned only now about the writes.
    public consuming func finish() throws(FileError) { try descriptor.finish() }
}

/// Runs `body`, in which files may grow beyond the limit of the process: that is then an error (`EFBIG`) and not a
/// signal, which would end the process.
public func withoutFileSizeSignal<Result>(_ body: () -> Result) -> Result {
    var signals = sigset_t()
    var earlier = sigset_t()
    var pending = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGXFSZ)
    unsafe sigpending(&pending)
    // The system sends this signal to the thread that writes, so that its own mask is enough.
    unsafe pthread_sigmask(SIG_BLOCK, &signals, &earlier)
    defer {
        let number = errno
        var now = timespec(tv_sec: 0, tv_nsec: 0)
        if unsafe sigismember(&pending, SIGXFSZ) == 0 { unsafe _ = sigtimedwait(&signals, nil, &now) }
        unsafe pthread_sigmask(SIG_SETMASK, &earlier, nil)
        errno = number
    }
    return body()
}
