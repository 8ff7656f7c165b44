// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph
import SaturatingArithmetic

/// The steps from a parsed ONNX model to a GE model.
struct ModelImport {
    let graph: ONNXGraphProto
    let options: ImportOptions
    let importer: ONNXImporter
    /// The ONNX tensors that are the outputs, in order.
    private var outputs: [String] = []
    /// The nodes that the outputs depend on, in the model's order.
    private var neededNodes: [ONNXNodeProto] = []

    init(
        _ proto: ONNXModelProto, modelBytes: Int, options: ImportOptions, external: ExternalTensors, standIns: StandIns
    ) throws(ConversionError) {
        guard proto.hasGraph else {
            throw ConversionError("E16004", "The ONNX model has no graph.", cause: "The file is not an ONNX model.")
        }
        graph = proto.graph
        self.options = options
        importer = ONNXImporter(opset: try Self.opset(of: proto), external: external, standIns: standIns)
        importer.draft.budget = FoldingBudget(modelBytes: modelBytes)
    }

    private static func opset(of proto: ONNXModelProto) throws(ConversionError) -> Int {
        let versions = Set(proto.opsetImport.filter { ["", "ai.onnx"].contains($0.domain) }.map(\.version))
        guard versions.count <= 1 else {
            throw ConversionError("E16005", "The ONNX model imports several versions of the domain [ai.onnx].")
        }
        // ONNX takes a model that names no version as version 1.
        let version = versions.first ?? 1
        guard supportedOpsets.contains(Int(version)) else {
            let first = proto.graph.node.first
            throw ConversionError(
                "E16002",
                "No parser is registered for operator [ai.onnx::\(version)::\(first?.opType ?? "")] of node "
                    + "[\(first?.name ?? "")]: opset \(version) is not supported.",
                cause:
                    "Supported are the opset versions \(supportedOpsets.lowerBound) to \(supportedOpsets.upperBound).",
                solution: "Export the model again with a supported opset version.")
        }
        return Int(version)
    }

    mutating func run(name: String) throws(ConversionError) -> Model {
        try importGraph()
        try optimize(&importer.draft)
        return finished(name: name)
    }

    /// Grows the graph up to its outputs, without rewriting it.
    mutating func importGraph() throws(ConversionError) {
        outputs = try chosenOutputs()
        neededNodes = try nodes(neededFor: outputs)
        try checkOperators()
        try addInputs()
        do {
            try importer.addInitializers(graph.initializer)
            try importer.importNodes(neededNodes)
        } catch {
            // Without an operator's shapes a later node may be refused for a reason that is not its own.
            try checkRuntime()
            throw error
        }
        try checkRuntime()
        try appendOutputs()
    }

    /// Throws one error that names every ONNX operator that cannot be imported, with its nodes.
    private func checkOperators() throws(ConversionError) {
        var missing: [String] = []
        func visit(_ nodes: [ONNXNodeProto]) {
            for node in nodes {
                if ONNXCatalogue[node] == nil {
                    let domain = node.domain.isEmpty ? "ai.onnx" : node.domain
                    missing.append(
                        "[\(domain)::\(importer.opset)::\(node.opType)] of node [\(node.name)]")
                }
                for attribute in node.attribute where attribute.hasG {
                    visit(attribute.g.node)
                }
            }
        }
        visit(neededNodes)
        guard missing.isEmpty else {
            throw ConversionError(
                "E16002", "No parser is registered for operator " + missing.joined(separator: ", ") + ".",
                cause: "The converter does not know these operators.",
                solution: "Replace the operators in the model, or cut them off with --out_nodes.")
        }
    }

    /// Throws one error that names every GE operator that the runtime lacks, with its nodes.
    private func checkRuntime() throws(ConversionError) {
        guard !importer.missingOperators.isEmpty else { return }
        let list = importer.missingOperators.map { "[\($0.type)] of node [\($0.node)]" }
        throw ConversionError(
            "E10501", "No IR is registered for operator type " + list.joined(separator: ", ") + ".",
            cause: "The runtime cannot compute these operators.",
            solution: "Replace the operators in the model, or cut them off with --out_nodes.")
    }
}

extension ModelImport {
    // MARK: - Inputs

    private func addInputs() throws(ConversionError) {
        let initializers = Set(graph.initializer.map(\.name))
        let inputs = graph.input.filter { !initializers.contains($0.name) }
        try checkNames(Array(options.inputShapes.keys).sorted(), of: "--input_shape", inputs: inputs.map(\.name))
        try checkNames(options.float16Inputs, of: "--input_fp16_nodes", inputs: inputs.map(\.name))
        let aipp = try options.aipp?.byInput(inputs.map(\.name)) ?? [:]
        var nextIndex = inputs.count
        for (index, input) in inputs.enumerated() {
            let (desc, ranges) = try desc(of: input)
            if let ranges { importer.inputRanges[input.name] = ranges }
            if let aipp = aipp[index] {
                guard ranges == nil else {
                    throw ConversionError(
                        "E10052", "Input [\(input.name)] cannot have AIPP and a shape that executions choose.")
                }
                guard !options.float16Inputs.contains(input.name) else {
                    throw ConversionError(
                        "E10034", "Input [\(input.name)] cannot have AIPP and be one of [--input_fp16_nodes].")
                }
                let insertion = try AippInsertion(aipp, input: input.name, result: desc)
                importer.addImageInput(input.name, index: index, parametersIndex: nextIndex, insertion)
                if insertion.parametersDesc != nil { nextIndex += 1 }
                continue
            }
            guard options.float16Inputs.contains(input.name), desc.dataType == .float else {
                importer.addInput(input.name, index: index, desc: desc, isDynamic: ranges != nil)
                continue
            }
            var half = desc
            half.dataType = .float16
            importer.addInput(input.name, index: index, desc: half, isDynamic: ranges != nil)
            try importer.castTensor(input.name, to: .float)
        }
    }

    private func checkNames(
        _ names: [String], of option: String, inputs: [String]
    ) throws(ConversionError) {
        for name in names where !inputs.contains(name) {
            let isNode =
                graph.node.contains { $0.name == name || $0.output.contains(name) }
                || graph.initializer.contains { $0.name == name }
            if isNode {
                throw ConversionError(
                    "E10017", "Operator [\(name)] in parameter [\(option)] is not an input of the model.",
                    solution: "The inputs are: \(inputs.joined(separator: ", ")).")
            }
            throw ConversionError(
                "E10016", "Operator [\(name)] in parameter [\(option)] is not found in the model.",
                solution: "The inputs are: \(inputs.joined(separator: ", ")).")
        }
    }

    /// The descriptor of an input; with stand-ins where executions choose the size, and the sizes that they may choose.
    private func desc(
        of input: ONNXValueInfoProto
    ) throws(ConversionError) -> (TensorDesc, ranges: [InputRange?]?) {
        guard case .tensorType(let tensor)? = input.type.value, let type = DataType(onnx: tensor.elemType) else {
            throw ConversionError(
                "E13014", "Input [\(input.name)] of the model is not a tensor of a supported data type.")
        }
        let model: [Int]? =
            tensor.hasShape
            ? tensor.shape.dim.map { dimension in
                if case .dimValue(let value)? = dimension.value, value >= 0 { Int(value) } else { -1 }
            } : nil
        var shape: [Int]
        if let given = options.inputShapes[input.name] {
            guard model == nil || model?.count == given.count else {
                throw ConversionError(
                    "E10049",
                    "Input [\(input.name)] has \(model?.count ?? 0) dimensions in the model, but parameter "
                        + "[--input_shape] gives \(given.count).",
                    solution: "The shape in the model is \(model ?? []).")
            }
            shape = given
        } else {
            guard let model, model.allSatisfy({ $0 >= 0 }) else {
                throw .invalidValue(
                    "", of: "--input_shape",
                    "Input [\(input.name)] of the model has the shape \(model.map { "\($0)" } ?? "of unknown rank"), "
                        + "which must be given.")
            }
            shape = model
        }
        var ranges: [InputRange?]?
        if shape.contains(-1) {
            let stated = options.inputRanges[input.name] ?? []
            let names = tensor.shape.dim.map { if case .dimParam(let name)? = $0.value { name } else { "" } }
            ranges = shape.indices.map { axis in
                guard shape[axis] < 0 else { return nil }
                let range = stated.indices.contains(axis) ? stated[axis] : nil
                return range ?? InputRange(lower: 1, upper: nil)
            }
            for (axis, range) in (ranges ?? []).enumerated() {
                guard let range else { continue }
                let name = names.indices.contains(axis) ? names[axis] : ""
                shape[axis] = importer.draft.standIns.size(name: name, axis: axis, range: range)
            }
        }
        let format: Format =
            switch (shape.count, options.inputFormat) {
            case (4, .nchw): .nchw
            case (5, .ncdhw): .ncdhw
            default: .nd
            }
        let desc = TensorDesc(type, shape, format: format)
        guard desc.isWithinLimits else {
            throw .invalidValue("\(shape)", of: "--input_shape", "Input [\(input.name)] has too many elements.")
        }
        return (desc, ranges)
    }

    // MARK: - Outputs

    /// The ONNX tensors that become outputs: those of `--out_nodes`, or the model's own.
    private func chosenOutputs() throws(ConversionError) -> [String] {
        guard !graph.input.isEmpty || graph.node.contains(where: { $0.input.isEmpty }) else {
            throw ConversionError("E16001", "The ONNX graph has no input.", cause: "The model is invalid.")
        }
        if !options.outputNodes.isEmpty {
            var tensors: [String] = []
            for (name, output) in options.outputNodes {
                tensors.append(try tensor(of: name, output: output))
            }
            return tensors
        }
        if !options.outputTensors.isEmpty {
            let known = Set(graph.node.flatMap(\.output))
            for name in options.outputTensors where !known.contains(name) {
                throw ConversionError(
                    "E10016", "Operator [\(name)] in parameter [--out_nodes] is not found in the model.")
            }
            return options.outputTensors
        }
        guard !graph.output.isEmpty else {
            throw ConversionError("E16001", "The ONNX graph has no output.", cause: "The model is invalid.")
        }
        return graph.output.map(\.name)
    }

    private func tensor(of name: String, output: Int) throws(ConversionError) -> String {
        guard let node = graph.node.first(where: { $0.name == name }) else {
            throw ConversionError(
                "E10016", "Operator [\(name)] in parameter [--out_nodes] is not found in the model.")
        }
        guard node.output.indices.contains(output) else {
            throw ConversionError(
                "E10003",
                "Value [\(name):\(output)] for parameter [--out_nodes] is invalid. Reason: the operator has "
                    + "\(node.output.count) outputs.")
        }
        return node.output[output]
    }

    /// The nodes that `tensors` depend on, in the model's order.
    private func nodes(neededFor tensors: [String]) throws(ConversionError) -> [ONNXNodeProto] {
        let producer = try producers(of: graph.node)
        var needed = Set<Int>()
        var open = tensors
        while let name = open.popLast() {
            guard let index = producer[name], needed.insert(index).inserted else { continue }
            open += graph.node[index].readNames
        }
        return needed.sorted().map { graph.node[$0] }
    }

    /// Adds NetOutput, with casts in front where another type is wanted.
    private func appendOutputs() throws(ConversionError) {
        for (index, name) in outputs.enumerated() {
            guard importer.tensor(named: name) != nil else {
                throw ConversionError("E13014", "Output [\(name)] of the model is not produced by any node.")
            }
            var type = options.outputType
            if let wanted = options.outputTypes.first(where: { wanted in
                options.outputNodes.indices.contains(index) && options.outputNodes[index].node == wanted.node
                    && options.outputNodes[index].output == wanted.output
            }) {
                type = wanted.type
            }
            if let type { try importer.castTensor(name, to: type) }
        }
        let refs = outputs.compactMap { importer.tensor(named: $0) }
        importer.draft.append(
            Node(
                name: "Node_Output", type: "NetOutput", inputs: refs, inputNames: refs.indices.map { "x\($0)" }))
    }

    /// The model of the finished graph, its outputs named `<operator>:<output>:<tensor>`.
    private func finished(name: String) -> Model {
        let result = importer.draft.finished(name: name)
        var names: [String] = []
        if let output = result.outputNode {
            for (slot, ref) in result.nodes[output].inputs.enumerated() {
                guard let ref else { continue }
                if options.outputNodes.isEmpty {
                    names.append("\(result.nodes[ref.node].name):\(ref.output):\(outputs[slot])")
                } else {
                    names.append("\(options.outputNodes[slot].node):\(options.outputNodes[slot].output)")
                }
            }
        }
        return Model(
            name: name, graph: result, subgraphs: importer.subgraphs,
            attributes: ["attr_model_out_nodes_name": .strings(names), "framework_type": .string("Onnx")])
    }
}
