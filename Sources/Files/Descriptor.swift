// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An open file of the process, closed with its last use.
struct Descriptor: ~Copyable {
    let number: Int32

    /// A file that is there.
    /// - folder: where a relative path starts.
    init(_ path: String, in folder: Int32 = AT_FDCWD, _ flags: Int32) throws(FileError) {
        self = try Descriptor(path, in: folder, flags, permissions: 0)
    }

    /// A file that is there, or with `O_CREAT` one that is made.
    init(_ path: String, in folder: Int32 = AT_FDCWD, _ flags: Int32, permissions: mode_t) throws(FileError) {
        // C would take the path up to there.
        guard !path.utf8.contains(0) else { throw .system(EINVAL) }
        var opened: Int32
        repeat {
            // Safe: the system only reads the path during the call.
            opened = unsafe openat(folder, path, flags | O_CLOEXEC, permissions)
        } while opened < 0 && errno == EINTR
        guard opened >= 0 else { throw .latest }
        number = opened
    }

    deinit { close(number) }

    func status() throws(FileError) -> stat {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw .latest }
        return status
    }

    /// Closes at once, and says what the system learned about earlier writes.
    consuming func finish() throws(FileError) {
        let number = self.number
        discard self
        guard close(number) == 0 else { throw .latest }
    }

    /// Whether `name` in `folder` is a symbolic link.
    static func isLink(_ name: String, in folder: Int32) -> Bool {
        var status = stat()
        return unsafe fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }
}

/// Opens a folder or file only to start from there; it needs no right to read. Linux's `O_PATH`, which the module map
/// of the C library leaves out.
let openPlaceOnly: Int32 = 0o10_000_000

extension stat {
    /// What this is, in words; nil for a regular file.
    var otherKind: String? {
        switch st_mode & S_IFMT {
        case S_IFREG: nil
        case S_IFDIR: "a folder"
        case S_IFIFO: "a named pipe"
        case S_IFSOCK: "a socket"
        case S_IFCHR, S_IFBLK: "a device"
        default: "something else"
        }
    }
}
