// SPDX-License-Identifier: Apache-2.0

import ONNXImport
import OfflineModel

/// ONNX models: a whole conversion, and what comes out of it, loaded and executed.
struct ONNXTarget: Target {
    private let device: Device

    init() { device = Device() }

    func read(_ bytes: [UInt8]) {
        if let model = convert(bytes, ImportOptions()) { device.read(model) }
    }

    /// The offline model; nil for an ONNX model that is refused.
    private func convert(_ bytes: [UInt8], _ options: ImportOptions) -> [UInt8]? {
        do {
            let model = try importONNX(bytes, name: "fuzz", options: options) {
                (location, offset, length) throws(ConversionError) in
                // A file of 4096 bytes lies beside the model.
                guard location == "weights", (0...4096).contains(offset), (0...4096 - offset).contains(length) else {
                    throw ConversionError("E13026", "There is no [\(location)].")
                }
                return [UInt8](repeating: 1, count: length)
            }
            return try OfflineModelWriter.write(model)
        } catch let error as ConversionError {
            precondition(error.code.hasPrefix("E1"), "\(error)")
        } catch {
            // Such as a graph too large for the format.
            precondition(error is OfflineModelError, "\(error)")
        }
        return nil
    }

    func mutated(_ bytes: [UInt8], limit: Int, _ random: inout Random) -> [UInt8] {
        WireMutator.mutated(bytes, words: Words.all, limit: limit, &random)
    }
}
