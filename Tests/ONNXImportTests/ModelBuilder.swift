// SPDX-License-Identifier: Apache-2.0

import Foundation
import GEGraph
import SwiftProtobuf

@testable import ONNXImport

/// Builds ONNX models for tests.
struct ModelBuilder {
    var proto = ONNXModelProto()

    init(opset: Int) {
        var version = ONNXOperatorSetIdProto()
        version.version = Int64(opset)
        proto.opsetImport = [version]
    }

    mutating func input(_ name: String, _ shape: [Int], type: ONNXTensorProto.DataType = .float) {
        proto.graph.input.append(Self.value(name, shape, type))
    }

    mutating func output(_ names: String...) {
        proto.graph.output += names.map { Self.value($0, [], .float) }
    }

    mutating func initializer(_ name: String, ints values: [Int]) {
        var tensor = ONNXTensorProto()
        tensor.name = name
        tensor.dims = [Int64(values.count)]
        tensor.dataType = Int32(ONNXTensorProto.DataType.int64.rawValue)
        tensor.int64Data = values.map { Int64($0) }
        proto.graph.initializer.append(tensor)
    }

    mutating func initializer(_ name: String, floats values: [Float], _ shape: [Int]) {
        var tensor = ONNXTensorProto()
        tensor.name = name
        tensor.dims = shape.map { Int64($0) }
        tensor.dataType = Int32(ONNXTensorProto.DataType.float.rawValue)
        tensor.rawData = Data(Constant.packed(values))
        proto.graph.initializer.append(tensor)
    }

    /// Attributes: Int, Float, String, [Int], [Float] or a graph.
    mutating func node(
        _ type: String, _ inputs: [String], _ outputs: [String], name: String? = nil, _ attributes: [String: Any] = [:]
    ) {
        proto.graph.node.append(Self.node(type, inputs, outputs, name: name ?? type.lowercased(), attributes))
    }

    static func node(
        _ type: String, _ inputs: [String], _ outputs: [String], name: String, _ attributes: [String: Any] = [:]
    ) -> ONNXNodeProto {
        var node = ONNXNodeProto()
        node.opType = type
        node.name = name
        node.input = inputs
        node.output = outputs
        node.attribute = attributes.sorted { $0.key < $1.key }.map { name, value in
            var attribute = ONNXAttributeProto()
            attribute.name = name
            switch value {
            case let value as Int: attribute.i = Int64(value)
            case let value as Float: attribute.f = value
            case let value as String: attribute.s = Data(value.utf8)
            case let value as [Int]: attribute.ints = value.map { Int64($0) }
            case let value as [Float]: attribute.floats = value
            case let value as ONNXGraphProto: attribute.g = value
            default: preconditionFailure("no attribute of this kind")
            }
            return attribute
        }
        return node
    }

    static func value(_ name: String, _ shape: [Int], _ type: ONNXTensorProto.DataType) -> ONNXValueInfoProto {
        var info = ONNXValueInfoProto()
        info.name = name
        info.type.tensorType.elemType = Int32(type.rawValue)
        info.type.tensorType.shape.dim = shape.map { size in
            var dimension = ONNXTensorShapeProto.Dimension()
            if size >= 0 { dimension.dimValue = Int64(size) } else { dimension.dimParam = "n" }
            return dimension
        }
        return info
    }

    func convert(_ options: ImportOptions = ImportOptions()) throws(ConversionError) -> Model {
        let bytes: [UInt8]
        do { bytes = try proto.serializedBytes() } catch { throw ConversionError("test", "\(error)") }
        return try importONNX(bytes, name: "model", options: options) {
            (location, _, _) throws(ConversionError) -> [UInt8] in
            throw ConversionError("E13001", "no file \(location)")
        }
    }

    /// The graph as imported, before the passes.
    func imported() throws -> GraphDraft {
        let external = ExternalTensors { (location, _, _) throws(ConversionError) -> [UInt8] in
            throw ConversionError("E13001", "no file \(location)")
        }
        var importing = try ModelImport(
            proto, modelBytes: try proto.serializedData().count, options: ImportOptions(), external: external,
            standIns: StandIns(.first))
        try importing.importGraph()
        return importing.importer.draft
    }
}

extension GraphDraft {
    /// Types of the nodes that the output depends on, in order, without inputs, constants and the output itself.
    var computingTypes: [String] {
        var copy = self
        copy.removeUnused()
        return copy.topologicalOrder().map { copy.nodes[$0].type }.filter {
            !["Data", "Const", "NetOutput"].contains($0)
        }
    }

    /// Shape of the first output.
    var outputShape: [Int] {
        guard let output = nodes.first(where: { $0.type == "NetOutput" }), let ref = output.inputs[0] else { return [] }
        return desc(ref).shape
    }

    func node(ofType type: String) -> Node? { nodes.first { $0.type == type } }
}
