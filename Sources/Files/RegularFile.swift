// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file that is open for reading and has an end: opening and reading it neither block nor go on for ever.
public struct RegularFile: ~Copyable {
    private let descriptor: Descriptor
    /// Bytes when it was opened.
    public let size: Int

    /// Bytes of memory that this machine has: no file that is larger is read into it.
    public static var memoryLimit: Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }

    // A pipe is opened at once and a terminal does not become the process's own; both are then refused.
    private static let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY

    /// The file at a path that the caller vouches for: links are followed.
    /// - limit: throws `.tooLarge` for more bytes.
    public init(_ path: String, limit: Int = memoryLimit) throws(FileError) {
        self = try RegularFile(Descriptor(path, Self.flags), limit: limit)
    }

    /// The file at a path that comes out of a file and must stay within `folder`, which the caller vouches for.
    /// - links: with `.refuse`, no part of the path may be a symbolic link, and the file has no other names.
    public init(
        _ path: String, within folder: String, links: LinkPolicy, limit: Int = memoryLimit
    ) throws(FileError) {
        let parts = path.split(separator: "/").filter { $0 != "." }.map { String($0) }
        guard !path.hasPrefix("/"), !parts.contains(".."), let name = parts.last else { throw .outside }
        let isFollowing = links == .follow
        var place = try Descriptor(folder.isEmpty ? "." : folder, openPlaceOnly | O_DIRECTORY)
        for part in parts.dropLast() {
            place = try Self.step(part, in: place, openPlaceOnly | O_DIRECTORY, isFollowing)
        }
        let descriptor = try Self.step(name, in: place, Self.flags, isFollowing)
        if !isFollowing {
            let status = try descriptor.status()
            // A folder always has several.
            guard status.st_nlink <= 1 || status.otherKind != nil else { throw .hardLinks(Int(status.st_nlink)) }
        }
        self = try RegularFile(descriptor, limit: limit)
    }

    private static func step(
        _ part: String, in place: borrowing Descriptor, _ flags: Int32, _ isFollowing: Bool
    ) throws(FileError) -> Descriptor {
        do throws(FileError) {
            return try Descriptor(part, in: place.number, isFollowing ? flags : flags | O_NOFOLLOW)
        } catch {
            if !isFollowing, Descriptor.isLink(part, in: place.number) { throw .symbolicLink(part) }
            throw error
        }
    }

    private init(_ descriptor: consuming Descriptor, limit: Int) throws(FileError) {
        size = try Self.size(of: descriptor, limit: limit)
        self.descriptor = descriptor
    }

    private static func size(of descriptor: borrowing Descriptor, limit: Int) throws(FileError) -> Int {
        let status = try descriptor.status()
        if let kind = status.otherKind { throw .notRegular(kind: kind) }
        let size = Int(status.st_size)
        guard size <= limit else { throw .tooLarge(size: size, limit: limit) }
        return size
    }

    /// Fills the whole buffer with the bytes from `offset` on.
    public func read(into buffer: UnsafeMutableRawBufferPointer, from offset: Int = 0) throws(FileError) {
        var count = 0
        while count < buffer.count {
            // Safe: reads at most into the rest of the buffer.
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            let part = unsafe pread(descriptor.number, rest.baseAddress, rest.count, offset + count)
            if part < 0, errno == EINTR { continue }
            guard part >= 0 else { throw .latest }
            guard part > 0 else { throw .shortened }
            count += part
        }
    }

    /// `count` bytes from `offset` on, which must lie within the file as it was opened.
    public func bytes(from offset: Int, count: Int) throws(FileError) -> [UInt8] {
        var failure: FileError?
        // Safe: `read` fills exactly the part that is then counted.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count])
            do throws(FileError) {
                try unsafe read(into: part, from: offset)
                filled = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// All bytes.
    public func bytes() throws(FileError) -> [UInt8] { try bytes(from: 0, count: size) }
}
