// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

@testable import Files

@Suite struct FilesTests {
    /// A folder of its own, which is empty at first.
    private func scratch() throws -> String {
        var template = Array("/tmp/files-tests-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) }
        return try unsafe String(cString: #require(made))
    }

    private func write(_ text: String, to name: String, in folder: String) throws {
        let file = try Folder(folder).create(name, permissions: 0o600)
        try file.write(Array(text.utf8))
        try file.finish()
    }

    private func failure(_ body: () throws(FileError) -> Void) -> FileError? {
        do throws(FileError) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    @Test func filesAreWrittenAndReadBack() throws {
        let folder = try scratch()
        try write("content", to: "file", in: folder)
        let file = try RegularFile("\(folder)/file")
        #expect(file.size == 7)
        #expect(try file.bytes() == Array("content".utf8))
        #expect(try file.bytes(from: 3, count: 2) == Array("te".utf8))
        #expect(try file.bytes(from: 7, count: 0).isEmpty)
        let isShort = failure { () throws(FileError) in
            _ = try RegularFile("\(folder)/file").bytes(from: 5, count: 3)
        }
        #expect(isShort == .shortened)
        let isLong = failure { () throws(FileError) in _ = try RegularFile("\(folder)/file", limit: 6) }
        #expect(isLong == .tooLarge(size: 7, limit: 6))
    }

    @Test func newFilesTakeNoPlace() throws {
        let folder = try scratch()
        try write("first", to: "file", in: folder)
        unsafe symlink("elsewhere", "\(folder)/link")
        for name in ["file", "link"] {
            let refused = failure { () throws(FileError) in
                _ = try Folder(folder).create(name, permissions: 0o600)
            }
            #expect(refused == .system(EEXIST))
        }
    }

    @Test(
        arguments: [
            ("data/file", nil), ("./data//file", nil), ("/etc/passwd", .outside), ("../file", .outside),
            ("data/../data/file", .outside), ("", .outside), (".", .outside), ("data/none", .system(ENOENT)),
            ("link/file", .symbolicLink("link")), ("data/link", .symbolicLink("link")), ("data/hard", .hardLinks(2)),
            ("data", .notRegular(kind: "a folder")), ("data/file/x", .system(ENOTDIR)),
            ("data/file\0", .system(EINVAL)),
        ] as [(String, FileError?)])
    func pathsStayWithinTheirFolder(path: String, expected: FileError?) throws {
        let folder = try scratch()
        try Folder(folder).make("data")
        try write("content", to: "file", in: "\(folder)/data")
        unsafe symlink("data", "\(folder)/link")
        unsafe symlink("file", "\(folder)/data/link")
        try write("content", to: "once", in: "\(folder)/data")
        unsafe link("\(folder)/data/once", "\(folder)/data/hard")
        #expect(
            failure { () throws(FileError) in _ = try RegularFile(path, within: folder, links: .refuse) } == expected)
        let followed: FileError? =
            switch expected {
            case .symbolicLink, .hardLinks: nil
            default: expected
            }
        #expect(
            failure { () throws(FileError) in _ = try RegularFile(path, within: folder, links: .follow) } == followed)
    }

    @Test func descriptorsAreClosed() throws {
        let folder = try scratch()
        try write("content", to: "file", in: folder)
        let rounds = 20
        for _ in 0..<rounds {
            for path in ["file", "none", "/etc", "."] {
                _ = failure { () throws(FileError) in
                    _ = try RegularFile(path, within: folder, links: .refuse, limit: 3)
                }
                _ = failure { () throws(FileError) in _ = try RegularFile("\(folder)/\(path)").bytes(from: 6, count: 9)
                }
            }
        }
        // Other tests open and close files meanwhile, even /etc, but not so often.
        let files = FileManager.default
        let open = try files.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
            try? files.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }
        #expect(!open.contains { $0.hasPrefix(folder) })
        #expect(open.count { $0 == "/etc" } < rounds)
    }

    @Test func namesOfTemporaryFilesDiffer() {
        let names = Set((0..<100).map { _ in Folder.unpredictableName() })
        #expect(names.count == 100)
        #expect(names.allSatisfy { $0.hasPrefix(".") && !$0.contains("/") && $0.utf8.count <= 40 })
    }

    @Test(
        arguments: [
            ("plain text", "plain text"), ("äöü 日本 🙂", "äöü 日本 🙂"), ("a\u{1b}[31mb", #"a\u{1b}[31mb"#),
            ("line\nline\r", #"line\u{a}line\u{d}"#), ("\u{9b}31m", #"\u{9b}31m"#), ("\u{202e}txt", #"\u{202e}txt"#),
            ("a\u{0}b\u{7f}", #"a\u{0}b\u{7f}"#), ("\u{2028}", #"\u{2028}"#), ("", ""),
        ])
    func hiddenCharactersAreShownAsNumbers(text: String, expected: String) { #expect(printable(text) == expected) }
}
