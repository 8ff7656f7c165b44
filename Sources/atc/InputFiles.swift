// SPDX-License-Identifier: Apache-2.0

import Files
import ONNXImport
import Settings

/// The files that a conversion reads, with the codes of what can go wrong.
enum InputFiles {
    /// Protocol buffers cannot be larger.
    static let modelLimit = Int(Int32.max)
    /// Texts such as the configuration of AIPP.
    static let textLimit = 10 << 20

    /// The bytes of a file that the command line names.
    static func read(_ path: String, limit: Int = RegularFile.memoryLimit) throws(ConversionError) -> [UInt8] {
        try explaining(path) { () throws(FileError) in try RegularFile(path, limit: limit).bytes() }
    }

    /// `count` bytes from `offset` on of a file that a model names, which must lie in the model's folder.
    static func read(
        _ location: String, besides model: String, from offset: Int, count: Int
    ) throws(ConversionError) -> [UInt8] {
        let folder = Paths.folder(of: model)
        let path = folder + location
        let links = Settings.linkedWeights.value(in: .process)
        let bytes: [UInt8]? = try explaining(path) { () throws(FileError) in
            let file = try RegularFile(location, within: folder, links: links, limit: .max)
            guard offset >= 0, count >= 0, offset <= file.size, count <= file.size - offset else { return nil }
            return try file.bytes(from: offset, count: count)
        }
        guard let bytes else {
            throw ConversionError("E13015", "File [\(path)] has too few bytes for \(count) bytes at \(offset).")
        }
        return bytes
    }

    private static func explaining<Result>(
        _ path: String, _ body: () throws(FileError) -> Result
    ) throws(ConversionError) -> Result {
        do throws(FileError) {
            return try body()
        } catch {
            throw switch error {
            case .system: ConversionError("E13001", "File [\(path)] cannot be opened. Reason: \(error)")
            case .notRegular, .shortened: ConversionError("E13003", "File [\(path)] cannot be read. Reason: \(error).")
            case .tooLarge: ConversionError("E13015", "File [\(path)] cannot be read. Reason: \(error).")
            case .outside:
                ConversionError("E13026", "The external data [\(path)] lies outside of the folder of the model.")
            case .symbolicLink, .hardLinks:
                ConversionError(
                    "E13026", "The external data [\(path)] is not read. Reason: \(error).",
                    solution:
                        "Put the file itself beside the model, or set \(Settings.linkedWeights.name)=follow if you trust "
                        + "the model.")
            }
        }
    }
}

/// Parts of paths.
enum Paths {
    /// The folder of a file, ending in a slash; empty for a bare name.
    static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    /// The name of a file without its folder.
    static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }
}
