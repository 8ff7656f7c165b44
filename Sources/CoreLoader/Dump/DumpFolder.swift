// SPDX-License-Identifier: Apache-2.0

import Files
import Glibc

/// The folders and files of a dump.
enum DumpFolder {
    /// Why nothing can be dumped into the folder `path`; nil if it can.
    static func problem(with path: String) -> String? {
        var information = stat()
        guard unsafe stat(path, &information) == 0 else { return systemError() }
        guard information.st_mode & S_IFMT == S_IFDIR else { return "it is not a folder" }
        guard unsafe access(path, R_OK | W_OK | X_OK) == 0 else { return "it cannot be read and written" }
        return nil
    }

    /// A name as it appears in paths: full stops, slashes, backslashes, spaces and all that a terminal would obey become
    /// underscores.
    static func safe(_ name: String) -> String {
        String(
            name.map { [".", "/", "\\", " "].contains($0) || $0.unicodeScalars.contains(where: \.isHidden) ? "_" : $0 })
    }

    /// Writes a new file, which only its owner may change, into the folders `parts`, one in another, the first in `base`.
    /// Nothing remains of a file that cannot be written to its end.
    static func write(_ bytes: [UInt8], to name: String, in parts: [String], of base: String) throws(Failure) {
        try writing([base] + parts + [name]) { () throws(FileError) in
            let folder = try open(parts, of: base)
            let file = try folder.create(name, permissions: permissions)
            do throws(FileError) {
                try file.write(bytes)
                try file.finish()
            } catch {
                // Why it could not be written is what counts.
                try? folder.remove(name)
                throw error
            }
        }
    }

    static func append(_ line: String, to name: String, in parts: [String], of base: String) throws(Failure) {
        try writing([base] + parts + [name]) { () throws(FileError) in
            let file = try open(parts, of: base).append(to: name, permissions: permissions)
            try file.write(Array(line.utf8))
            try file.finish()
        }
    }

    private static let permissions: UInt32 = 0o640

    /// The folders of a dump are made, and are not links: others may be able to write to `base`.
    private static func open(_ parts: [String], of base: String) throws(FileError) -> Folder {
        var folder = try Folder(base)
        for part in parts {
            try folder.make(part)
            folder = try folder.folder(part, links: .refuse)
        }
        return folder
    }

    private static func writing(_ path: [String], _ body: () throws(FileError) -> Void) throws(Failure) {
        do throws(FileError) {
            try body()
        } catch {
            throw cannotWrite(path.joined(separator: "/"), "\(error)")
        }
    }

    static func cannotWrite(_ path: String, _ reason: String) -> Failure {
        Failure(
            ErrorCode.writeFile,
            .coded(
                "EH0004", title: "File_Operation_Error",
                text: "The dump file \(path) cannot be written. Reason: \(reason)."))
    }
}
