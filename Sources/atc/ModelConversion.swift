// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Glibc
import ONNXImport
import OfflineModel

/// Mode 0: an ONNX model becomes an offline model. The checks come in the order in which the original makes them.
struct ModelConversion {
    private let options: ParsedOptions
    private let arguments: [String]

    init(_ options: ParsedOptions, arguments: [String]) {
        self.options = options
        self.arguments = arguments
    }

    func run() throws(ConversionError) {
        try checkSupport(["mode"])
        guard options.has("framework") else {
            throw ConversionError(
                "E10007", "Parameter [--framework] is required.", solution: "Add --framework=5 for an ONNX model.")
        }
        try checkSupport(["framework"])
        let format = try inputFormat()
        let output = try checkedOutput()
        let model = try checkedModel()
        guard !(options.has("precision_mode") && options.has("precision_mode_v2")) else {
            throw ConversionError(
                "E10056", "Parameters [--precision_mode] and [--precision_mode_v2] exclude each other.")
        }
        let gearOption = try GearOption(options)
        try checkSupport(OptionSpec.all.map(\.name))
        let shapes = try inputShapes(withGears: gearOption != nil)
        let gears = try gearOption?.gears(of: shapes, format: format)
        let selection = try OutputSelection(nodes: options.value("out_nodes"), types: options.value("output_type"))
        let importOptions = ImportOptions(
            inputShapes: Dictionary(uniqueKeysWithValues: shapes.map { ($0.name, $0.shape) }),
            inputRanges: Dictionary(uniqueKeysWithValues: shapes.map { ($0.name, $0.ranges) }), gears: gears,
            inputFormat: format, outputTensors: selection.tensors, outputNodes: selection.nodes,
            outputType: selection.type, outputTypes: selection.nodeTypes,
            float16Inputs: options.value("input_fp16_nodes").split(separator: ";").map { String($0) },
            aipp: try aippConfiguration())
        try convert(model, to: output, importOptions)
        if options.value("display_model_info") == "1" { try displayModelInfo(output) }
    }

    private func inputShapes(withGears: Bool) throws(ConversionError) -> [InputShape] {
        guard !options.value("input_shape_range").isEmpty else {
            return options.has("input_shape")
                ? try parseInputShapes(options.value("input_shape"), withGears: withGears) : []
        }
        guard !withGears, !options.has("input_shape") else {
            throw ConversionError(
                "E10009",
                "Parameter [--input_shape_range] does not go together with [--input_shape] or with the options of gears."
            )
        }
        Converter.printError("ATC: [--input_shape_range] is deprecated, use [--input_shape] instead.")
        return try parseInputShapeRanges(options.value("input_shape_range"))
    }

    private func convert(_ path: String, to output: String, _ importOptions: ImportOptions) throws(ConversionError) {
        let bytes = try InputFiles.read(path, limit: InputFiles.modelLimit)
        report("read \(bytes.count) bytes from \(path)")
        var name = Paths.name(of: output)
        name.removeLast(".om".count)
        var model = try importONNX(bytes, name: name, options: importOptions) {
            (location, offset, length) throws(ConversionError) in
            try external(location, offset, length, of: path)
        }
        report("imported \(([model.graph] + model.subgraphs).reduce(0) { $0 + $1.nodes.count }) operators")
        model.attributes["atc_cmdline"] = .string((["atc"] + arguments).joined(separator: " "))
        model.attributes["atc_version"] = .string("PyAclMdl")
        model.attributes["soc_version"] = .string(options.value("soc_version"))
        let weights = WeightFiles.Mode(rawValue: options.value("external_weight")).map {
            WeightFiles(moving: &model, mode: $0, modelName: name)
        }
        let file: [UInt8]
        do {
            for graph in [model.graph] + model.subgraphs { try graph.validate() }
            try Converter.checkMemory()
            file = try OfflineModelWriter.write(model)
            try Converter.checkMemory()
        } catch let error as ConversionError {
            throw error
        } catch {
            throw ConversionError("E19999", "The converted model is invalid: \(error)")
        }
        for (name, bytes) in weights?.files ?? [] { report("write \(bytes.count) bytes of weights to \(name)") }
        report("write \(file.count) bytes to \(output)")
        try write(file, weights?.files ?? [], to: output)
    }

    private func write(
        _ file: [UInt8], _ weights: [(name: String, bytes: [UInt8])], to output: String
    ) throws(ConversionError) {
        let files = OutputFiles(in: Paths.folder(of: output))
        Interruption.discards(files)
        defer { Interruption.discards(nil) }
        do throws(ConversionError) {
            for (name, bytes) in weights { try files.stage(bytes, as: name, subfolder: "weight") }
            try files.stage(file, as: Paths.name(of: output))
            // The model comes last, so that one that can be seen has its weights.
            try files.commit()
        } catch {
            files.discard()
            throw error
        }
    }

    private func aippConfiguration() throws(ConversionError) -> AippConfiguration? {
        let path = options.value("insert_op_conf")
        guard !path.isEmpty else { return nil }
        try Self.checkCharacters(path, of: "--insert_op_conf")
        return try AippConfiguration(
            text: String(decoding: try InputFiles.read(path, limit: InputFiles.textLimit), as: UTF8.self))
    }

    /// A part of a file next to the model, where ONNX keeps large tensors.
    private func external(
        _ location: String, _ offset: Int, _ length: Int, of model: String
    ) throws(ConversionError) -> [UInt8] {
        try InputFiles.read(location, besides: model, from: offset, count: length)
    }

    /// Refuses values that ask for what this converter cannot do.
    private func checkSupport(_ names: [String]) throws(ConversionError) {
        for name in names {
            guard let value = options.values[name],
                case .only(let values, let reason)? = OptionSpec.byName[name]?.support,
                !values.contains(value)
            else { continue }
            throw ConversionError(
                "E10055", "Value [\(value)] for parameter [--\(name)] is not supported. Reason: \(reason)")
        }
    }

    private func inputFormat() throws(ConversionError) -> Format {
        switch options.value("input_format", default: "NCHW") {
        case "NCHW", "": return .nchw
        case "NCDHW": return .ncdhw
        case "ND": return .nd
        default:
            throw .invalidValue(
                options.value("input_format"), of: "--input_format",
                "The value must be NCHW, ND or NCDHW in ONNX model.")
        }
    }

    /// The path of the file to write.
    private func checkedOutput() throws(ConversionError) -> String {
        guard options.has("output") else { throw Self.required("--output") }
        let output = options.value("output")
        guard !output.hasSuffix("/") else {
            throw ConversionError("E10022", "Parameter [--output] [\(output)] names a folder, not a file.")
        }
        guard output.utf8.count < Int(PATH_MAX) - 4, Paths.name(of: output).utf8.count <= Int(NAME_MAX) - 3 else {
            throw ConversionError("E10021", "Parameter [--output] is too long.")
        }
        try Self.checkCharacters(output, of: "--output")
        return output + ".om"
    }

    private func checkedModel() throws(ConversionError) -> String {
        guard options.has("model") else { throw Self.required("--model") }
        let model = options.value("model")
        try Self.checkCharacters(model, of: "--model")
        // Safe: the C library only reads the path during the call.
        guard unsafe access(model, R_OK) == 0 else {
            throw .invalidValue(model, of: "--model", "The file does not exist or cannot be read.")
        }
        return model
    }

    private static func required(_ parameter: String) -> ConversionError {
        ConversionError("E10054", "The required parameter [\(parameter)] is empty.")
    }

    /// Paths are letters, digits and `. / _ -`; letters of other scripts are fine.
    static func checkCharacters(_ path: String, of parameter: String) throws(ConversionError) {
        let isFine = path.unicodeScalars.allSatisfy { scalar in
            !scalar.isASCII || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
                || ("0"..."9").contains(scalar) || "./_-".unicodeScalars.contains(scalar)
        }
        guard isFine else {
            throw .invalidValue(
                path, of: parameter, "A path may hold letters, digits, periods, slashes, underscores and hyphens.")
        }
    }

    private func report(_ text: String) {
        if ["info", "debug"].contains(options.value("log")) { Converter.printError("[INFO] ATC: \(text)") }
    }
}
