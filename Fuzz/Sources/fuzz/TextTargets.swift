// SPDX-License-Identifier: Apache-2.0

import ONNXImport
import OfflineModel

@testable import CoreLoader

/// Files of `atc --insert_op_conf`, also put in front of a small model.
struct AippTarget: Target {
    private let device: Device

    init() { device = Device() }

    /// x[1, 3, 8, 8] -> Relu -> y, as protobuf.
    private static let model: [UInt8] = {
        func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
            [number << 3 | 2, UInt8(content.count)] + content
        }
        func value(_ name: String) -> [UInt8] {
            let dims = [1, 3, 8, 8].flatMap { field(1, [1 << 3, $0]) }
            return field(1, Array(name.utf8)) + field(2, field(1, [1 << 3, 1] + field(2, dims)))
        }
        let node = field(1, Array("x".utf8)) + field(2, Array("y".utf8)) + field(4, Array("Relu".utf8))
        let graph = field(1, node) + field(11, value("x")) + field(12, value("y"))
        return [1 << 3, 8] + field(7, graph) + field(8, [2 << 3, 13])
    }()

    func read(_ bytes: [UInt8]) {
        do {
            let configuration = try AippConfiguration(text: String(decoding: bytes, as: UTF8.self))
            let model = try importONNX(Self.model, name: "fuzz", options: ImportOptions(aipp: configuration)) {
                (location, _, _) throws(ConversionError) in throw ConversionError("E13026", location)
            }
            device.read(try OfflineModelWriter.write(model))
        } catch let error as ConversionError {
            precondition(error.code.hasPrefix("E1"), "\(error)")
        } catch {
            precondition(error is OfflineModelError, "\(error)")
        }
    }
}

/// Configuration files of `aclInit` and of dumps.
struct JSONTarget: Target {
    func read(_ bytes: [UInt8]) {
        if let value = JSONValue(bytes) { precondition(!value.description.isEmpty) }
        do throws(Failure) {
            _ = try Configuration(text: bytes, path: "acl.json")
        } catch {
            precondition(error.code != 0)
        }
    }
}
