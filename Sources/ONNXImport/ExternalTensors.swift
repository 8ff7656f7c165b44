// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// Reads the tensors that a model keeps in other files, each part of a file once.
final class ExternalTensors {
    /// How much more may be read from a file than it has: tensors share parts, but not without end.
    private static let overlap = 64 << 20

    private struct Part: Hashable {
        let location: String
        let offset: Int
        let length: Int
    }

    private let reader: ExternalDataReader
    private var parts: [Part: [UInt8]] = [:]
    /// What has been read from each file, and up to where.
    private var files: [String: (bytes: Int, end: Int)] = [:]

    init(_ reader: @escaping ExternalDataReader) { self.reader = reader }

    /// The `length` bytes from `offset` on. Throws E13014 for a model that reads more
    /// than the files have.
    func read(_ location: String, _ offset: Int, _ length: Int) throws(ConversionError) -> [UInt8] {
        let part = Part(location: location, offset: offset, length: length)
        if let known = parts[part] { return known }
        let bytes = try reader(location, offset, length)
        var file = files[location] ?? (0, 0)
        file.bytes += bytes.count
        file.end = max(file.end, offset + bytes.count)
        guard file.bytes <= 2 * file.end + Self.overlap else {
            throw ConversionError(
                "E13014",
                "The tensors in the file [\(location)] take \(file.bytes) bytes so far, but reach up to byte \(file.end) only.",
                cause: "The model is damaged: its tensors overlap.")
        }
        files[location] = file
        parts[part] = bytes
        return bytes
    }
}
