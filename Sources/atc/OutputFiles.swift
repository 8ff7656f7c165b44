// SPDX-License-Identifier: Apache-2.0

import Files
import Glibc
import ONNXImport
import Settings
import Synchronization

/// The files that a conversion writes: all under temporary names first, then all under their own. A reader never sees a
/// part of one, and a conversion that fails or is ended by a signal leaves nothing behind, folders included.
final class OutputFiles: Sendable {
    private let folderPath: String
    private let state = Mutex(State())

    private struct State {
        var files: [File] = []
        /// Folders made for this conversion, the innermost last.
        var made: [(parent: Folder, name: String)] = []
        var folders: [String: Folder] = [:]
    }

    private struct File {
        let folder: Folder
        let temporary: String
        let name: String
    }

    private static let permissions: UInt32 = 0o644

    /// - folder: of the model, with a slash at its end, or empty for the current one.
    init(in folder: String) { folderPath = folder }

    /// Writes a file under a temporary name.
    /// - subfolder: its folder within that of the model; nil for that one itself.
    func stage(_ bytes: [UInt8], as name: String, subfolder: String? = nil) throws(ConversionError) {
        let folder = try open(subfolder)
        let path = folderPath + (subfolder.map { $0 + "/" } ?? "") + name
        guard !folder.hasFolder(name) else { throw Self.cannotWrite(path, .system(EISDIR)) }
        let file: NewFile
        do throws(FileError) {
            file = try state.withLock { state throws(FileError) in
                let temporary = Folder.unpredictableName()
                let file = try folder.create(temporary, permissions: Self.permissions)
                state.files.append(File(folder: folder, temporary: temporary, name: name))
                return file
            }
        } catch {
            throw ConversionError("E13001", "File [\(path)] cannot be opened. Reason: \(error)")
        }
        do throws(FileError) {
            try file.write(bytes)
            try file.finish()
        } catch {
            throw Self.cannotWrite(path, error)
        }
    }

    /// Gives all files their names. A link in the place of one is replaced, and what it leads to stays as it is.
    func commit() throws(ConversionError) {
        let failure: ConversionError? = state.withLock { state in
            while let file = state.files.first {
                do throws(FileError) {
                    try file.folder.rename(file.temporary, to: file.name)
                } catch {
                    return Self.cannotWrite(file.name, error)
                }
                state.files.removeFirst()
            }
            state.made = []
            return nil
        }
        if let failure { throw failure }
    }

    /// Removes what has not been committed. What then is left cannot be removed, and why we are here is what counts.
    /// - next: runs before anything else can be written.
    func discard(_ next: () -> Void = {}) {
        state.withLock { state in
            for file in state.files { try? file.folder.remove(file.temporary) }
            for (parent, name) in state.made.reversed() { try? parent.removeFolder(name) }
            state = State()
            next()
        }
    }

    // MARK: Folders

    private func open(_ subfolder: String?) throws(ConversionError) -> Folder {
        try state.withLock { state throws(ConversionError) in
            if let known = state.folders[subfolder ?? ""] { return known }
            var folder = try Self.start(folderPath)
            var path = folderPath.hasPrefix("/") ? "/" : ""
            for part in folderPath.split(separator: "/") where part != "." {
                path += part
                folder = try Self.step(String(part), in: folder, path, links: .follow, &state)
                path += "/"
            }
            if let subfolder {
                let links = Settings.linkedWeights.value(in: .process)
                folder = try Self.step(subfolder, in: folder, path + subfolder, links: links, &state)
            }
            state.folders[subfolder ?? ""] = folder
            return folder
        }
    }

    private static func start(_ path: String) throws(ConversionError) -> Folder {
        let start = path.hasPrefix("/") ? "/" : "."
        do throws(FileError) {
            return try Folder(start)
        } catch {
            throw ConversionError("E13001", "Folder [\(start)] cannot be opened. Reason: \(error)")
        }
    }

    /// The folder `name` in `folder`, which is made if it is missing.
    private static func step(
        _ name: String, in folder: Folder, _ path: String, links: LinkPolicy, _ state: inout State
    ) throws(ConversionError) -> Folder {
        do throws(FileError) {
            if try folder.make(name) { state.made.append((folder, name)) }
        } catch {
            throw ConversionError("E13026", "Folder [\(path)] cannot be created. Reason: \(error)")
        }
        do throws(FileError) {
            return try folder.folder(name, links: links)
        } catch {
            throw ConversionError(
                "E13001", "Folder [\(path)] cannot be opened. Reason: \(error)",
                solution: error.isAboutLinks
                    ? "Remove the link, or set \(Settings.linkedWeights.name)=follow to write through it." : nil)
        }
    }

    private static func cannotWrite(_ path: String, _ error: FileError) -> ConversionError {
        ConversionError("E13004", "File [\(path)] cannot be written. Reason: \(error)")
    }
}
