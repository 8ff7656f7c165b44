// SPDX-License-Identifier: Apache-2.0

public import GEGraph
import SwiftProtobuf

/// What the caller chooses when a model is imported.
public struct ImportOptions: Sendable {
    /// Shapes of inputs, by name; inputs without an entry keep the model's. −1 where `gears` or each execution decides.
    public var inputShapes: [String: [Int]]
    /// The sizes that executions may choose, per dimension of an input that has any; nil for dimensions of one size.
    public var inputRanges: [String: [InputRange?]]
    /// The shapes among which executions choose; nil for a model with one shape.
    public var gears: ImportGears?
    /// Format of four-dimensional (NCHW) or five-dimensional (NCDHW) inputs; `nd` for none.
    public var inputFormat: Format
    /// Names of the ONNX tensors that become the outputs; empty for the model's own outputs.
    public var outputTensors: [String]
    /// Nodes and their output numbers that become the outputs, by ONNX node name; empty for the model's own.
    public var outputNodes: [(node: String, output: Int)]
    /// Type of all outputs; nil for the model's.
    public var outputType: DataType?
    /// Types of single outputs, by node and output number.
    public var outputTypes: [(node: String, output: Int, type: DataType)]
    /// Inputs that the caller passes as float16.
    public var float16Inputs: [String]
    /// Image preprocessing in front of inputs; nil for none.
    public var aipp: AippConfiguration?

    public init(
        inputShapes: [String: [Int]] = [:], inputRanges: [String: [InputRange?]] = [:], gears: ImportGears? = nil,
        inputFormat: Format = .nchw,
        outputTensors: [String] = [],
        outputNodes: [(node: String, output: Int)] = [], outputType: DataType? = nil,
        outputTypes: [(node: String, output: Int, type: DataType)] = [], float16Inputs: [String] = [],
        aipp: AippConfiguration? = nil
    ) {
        self.inputShapes = inputShapes
        self.inputRanges = inputRanges
        self.gears = gears
        self.inputFormat = inputFormat
        self.outputTensors = outputTensors
        self.outputNodes = outputNodes
        self.outputType = outputType
        self.outputTypes = outputTypes
        self.float16Inputs = float16Inputs
        self.aipp = aipp
    }
}

/// Opset versions of the default domain that are understood.
public let supportedOpsets = 7...21

/// An ONNX model as a model of GE operators, with shapes inferred, constants folded and patterns simplified.
/// - bytes: the model file.
/// - name: the name that the model gets.
/// - readExternal: reads the bytes of tensors that the model keeps in other files: location, offset, length.
public func importONNX(
    _ bytes: [UInt8], name: String, options: ImportOptions,
    readExternal: @escaping (_ location: String, _ offset: Int, _ length: Int) throws(ConversionError) -> [UInt8]
) throws(ConversionError) -> Model {
    let proto: ONNXModelProto
    do {
        proto = try ONNXModelProto(serializedBytes: bytes)
    } catch {
        throw ConversionError(
            "E13005", "The file is not an ONNX model: \(error)", cause: "The file is damaged or of another format.")
    }
    let external = ExternalTensors(readExternal)
    let modelBytes = bytes.count
    guard let gears = options.gears else {
        return try DynamicShapes.importing { standIns throws(ConversionError) in
            var importing = try ModelImport(
                proto, modelBytes: modelBytes, options: options, external: external, standIns: standIns)
            return (try importing.run(name: name), importing.importer)
        }
    }
    try options.aipp?.checkWithGears(gears)
    var builder = GearModelBuilder(gears, options)
    for gear in gears.values.indices {
        do throws(ConversionError) {
            var importing = try ModelImport(
                proto, modelBytes: modelBytes, options: builder.options(gear: gear), external: external,
                standIns: StandIns(.first))
            let model = try importing.run(name: name)
            guard !importing.importer.hasDynamicNodes else {
                throw ConversionError(
                    "E10040", "Control flow and sizes that depend on data do not go together with gears.")
            }
            builder.append(model)
        } catch {
            throw ConversionError(
                error.code, "In gear \(gears.values[gear]): \(error.message)", cause: error.cause,
                solution: error.solution)
        }
    }
    return builder.model(name: name)
}
