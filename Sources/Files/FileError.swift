// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Why a file or folder cannot be used. `description` is the reason alone: who reports it names the path.
public enum FileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the system says, as a number of `errno`.
    case system(Int32)
    /// Something else than a regular file: a folder, a pipe, a device.
    case notRegular(kind: String)
    /// A path that is to stay within a folder does not: it is absolute, or goes up.
    case outside
    /// A part of a path that is to stay within a folder is a symbolic link.
    case symbolicLink(String)
    /// The file also has names elsewhere.
    case hardLinks(Int)
    case tooLarge(size: Int, limit: Int)
    /// The file lost bytes while it was read.
    case shortened

    public var description: String {
        switch self {
        case .system(let number): unsafe String(cString: strerror(number))
        case .notRegular(let kind): "it is \(kind), not a regular file"
        case .outside: "the path leads out of the folder"
        case .symbolicLink(let part): "'\(part)' is a symbolic link"
        case .hardLinks(let count): "the file has \(count) hard links, so it may belong elsewhere"
        case .tooLarge(let size, let limit): "it has \(size) bytes, more than the \(limit) that are read"
        case .shortened: "it became shorter while it was read"
        }
    }

    /// Whether the file would be read if links were followed.
    public var isAboutLinks: Bool {
        switch self {
        case .symbolicLink, .hardLinks: true
        default: false
        }
    }

    /// The latest error of the system.
    static var latest: FileError { .system(errno) }
}

/// What is done about links in a path that is to stay within a folder.
public enum LinkPolicy: Sendable {
    /// Symbolic links, and files with several hard links, are refused.
    case refuse
    case follow
}
