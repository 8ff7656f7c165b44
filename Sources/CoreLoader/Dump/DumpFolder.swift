// SPDX-License-Identifier: Apache-2.0

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

    /// A name as it appears in paths: full stops, slashes, backslashes and spaces become underscores.
    static func safe(_ name: String) -> String {
        String(name.map { [".", "/", "\\", " ", "\0"].contains($0) || $0.isNewline ? "_" : $0 })
    }

    /// Makes the folders `parts` one in another, the first in `base`, and returns the path of the last.
    static func make(_ parts: [String], in base: String) throws(Failure) -> String {
        var path = base
        for part in parts {
            path += "/" + part
            guard unsafe mkdir(path, 0o750) == 0 || errno == EEXIST else {
                throw cannotWrite(path, systemError())
            }
        }
        return path
    }

    /// Writes a new file, which only its owner may change.
    static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
        try write(bytes, to: path, flags: O_CREAT | O_EXCL | O_NOFOLLOW)
    }

    static func append(_ line: String, to path: String) throws(Failure) {
        try write(Array(line.utf8), to: path, flags: O_CREAT | O_APPEND | O_NOFOLLOW)
    }

    private static func write(_ bytes: [UInt8], to path: String, flags: Int32) throws(Failure) {
        let file = unsafe open(path, O_WRONLY | O_CLOEXEC | flags, 0o640)
        guard file >= 0 else { throw cannotWrite(path, systemError()) }
        defer { close(file) }
        var count = 0
        while count < bytes.count {
            // Reads from the array's own storage, never past its end.
            let part = unsafe bytes.withUnsafeBytes { buffer in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[count...])
                return unsafe Glibc.write(file, rest.baseAddress, rest.count)
            }
            if part < 0, errno == EINTR { continue }
            guard part > 0 else { throw cannotWrite(path, systemError()) }
            count += part
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
