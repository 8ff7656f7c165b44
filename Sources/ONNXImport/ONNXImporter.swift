// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph
import SaturatingArithmetic

/// Walks the nodes of an ONNX graph in their order and grows the GE graph, inferring and folding as it goes.
final class ONNXImporter {
    /// The opset version of the model's default domain.
    let opset: Int
    private let external: ExternalTensors
    /// The graph that is being imported, and around it those whose control-flow nodes it belongs to.
    private var frames: [Frame]
    /// The finished bodies of control-flow nodes.
    private(set) var subgraphs: [Graph] = []
    /// The sizes that executions may choose, of the inputs that have any.
    var inputRanges: [String: [InputRange?]] = [:]
    /// Whether executions decide about sizes, or about what is computed.
    var hasDynamicNodes: Bool { draft.hasDynamicNodes || !subgraphs.isEmpty }
    /// GE types that the runtime lacks, with the ONNX node that needs them.
    private(set) var missingOperators: [(type: String, node: String)] = []

    private struct Frame {
        var draft = GraphDraft()
        /// What the names of ONNX tensors stand for.
        var scope: [String: TensorRef] = [:]
        /// Tensors of the outer graph that this one reads, by their node here.
        var captures: [(outer: TensorRef, node: Int)] = []
    }

    private var names: Set<String> = []
    private var nameCounter = 0
    /// The ONNX node being imported, and the nodes that its rule emitted.
    private var currentNode = ""
    private var emitted: [Int] = []

    init(opset: Int, external: ExternalTensors, standIns: StandIns) {
        self.opset = opset
        self.external = external
        frames = [Frame()]
        draft.standIns = standIns
    }

    var draft: GraphDraft {
        get { frames[frames.count - 1].draft }
        _modify { yield &frames[frames.count - 1].draft }
    }

    /// The bytes of a tensor in a file next to the model.
    func readExternal(_ location: String, _ offset: Int, _ length: Int) throws(ConversionError) -> [UInt8] {
        let bytes = try external.read(location, offset, length)
        draft.budget.add(modelBytes: bytes.count)
        return bytes
    }

    func tensor(named name: String) -> TensorRef? { tensor(named: name, frame: frames.count - 1) }

    /// Inner graphs see the names of the outer ones: what they read becomes an input of theirs, or a constant.
    private func tensor(named name: String, frame: Int) -> TensorRef? {
        if let known = frames[frame].scope[name] { return known }
        guard frame > 0, let outer = tensor(named: name, frame: frame - 1) else { return nil }
        let inner: Int
        if let value = frames[frame - 1].draft.constant(outer) {
            inner = frames[frame].draft.append(Node(constant: value, name: unique(name)))
        } else {
            inner = frames[frame].draft.append(
                Node(
                    name: unique(name), type: "Data", outputs: [frames[frame - 1].draft.desc(outer)],
                    outputNames: ["y"], attributes: ["capture": .int(Int64(frames[frame].captures.count))]),
                isDynamic: frames[frame - 1].draft.isDynamic(outer),
                standIns: frames[frame - 1].draft.standIn(outer).map { [$0] })
            frames[frame].captures.append((outer, inner))
        }
        frames[frame].scope[name] = TensorRef(inner)
        return TensorRef(inner)
    }

    func bind(_ name: String, to ref: TensorRef) { frames[frames.count - 1].scope[name] = ref }

    /// Adds one input of the model, or of a body.
    /// - isDynamic: whether executions decide about its shape.
    func addInput(_ name: String, index: Int, desc: TensorDesc, isDynamic: Bool = false) {
        let node = draft.append(
            Node(
                name: unique(name), type: "Data", inputs: [], outputs: [desc], outputNames: ["y"],
                attributes: ["index": .int(Int64(index))]), isDynamic: isDynamic)
        bind(name, to: TensorRef(node))
    }

    /// A body of a control-flow node, not yet among the finished ones.
    struct Body {
        var graph: Graph
        /// Type and shape of each result.
        var results: [TensorDesc]
        /// What it reads of the graph around it, in the order of its input nodes behind its own inputs.
        var captures: [TensorRef]
    }

    /// Imports a body.
    /// - inputs: types and shapes of its own inputs, the first of the node's inputs.
    /// - isDynamic: per input whether executions decide about its shape.
    func importBody(
        _ graph: ONNXGraphProto, name: String, inputs: [TensorDesc], isDynamic: [Bool]
    ) throws(ConversionError) -> Body {
        guard frames.count <= Self.deepest else {
            throw ConversionError("E13014", "The sub-graph [\(graph.name)] lies too deep in others.")
        }
        var frame = Frame()
        frame.draft.budget = draft.budget
        frame.draft.standIns = draft.standIns
        frames.append(frame)
        let finishedBodies = subgraphs.count
        let outer = (currentNode, emitted)
        defer { (currentNode, emitted) = outer }
        do throws(ConversionError) {
            for (index, desc) in inputs.enumerated() where index < graph.input.count {
                addInput(graph.input[index].name, index: index, desc: desc, isDynamic: isDynamic[index])
            }
            try importBranch(graph)
            var refs: [TensorRef] = []
            for output in graph.output {
                guard let ref = tensor(named: output.name) else {
                    throw ConversionError(
                        "E13014", "Output [\(output.name)] of the sub-graph [\(graph.name)] is not produced in it.")
                }
                refs.append(ref)
            }
            draft.append(
                Node(
                    name: unique("\(name)/Node_Output"), type: "NetOutput", inputs: refs,
                    inputNames: refs.indices.map { "x\($0)" }))
            try optimize(&draft)
        } catch {
            frames.removeLast()
            subgraphs.removeLast(subgraphs.count - finishedBodies)
            throw error
        }
        let finished = frames.removeLast()
        draft.budget = finished.draft.budget
        draft.hasUnlimitedSizes = draft.hasUnlimitedSizes || finished.draft.hasUnlimitedSizes
        let result = finished.draft.finished(name: name)
        let end = result.outputNode.map { result.nodes[$0].inputs.compactMap { $0 } } ?? []
        return Body(
            graph: result, results: end.map { result.desc(of: $0) }, captures: finished.captures.map(\.outer))
    }

    private static let deepest = 32

    /// A body that fails with `reason` when it is executed.
    func refusedBody(name: String, results: [TensorDesc], reason: String) -> Body {
        var graph = Graph(name: name)
        let refusal = graph.append(
            Node(
                name: unique("\(name)/refused"), type: "RefusedBranch",
                outputs: results.map { TensorDesc($0.dataType, $0.shape) },
                outputNames: results.indices.map { "y\($0)" }, attributes: ["reason": .string(reason)]))
        graph.append(
            Node(
                name: unique("\(name)/Node_Output"), type: "NetOutput",
                inputs: results.indices.map { TensorRef(refusal.node, $0) },
                inputNames: results.indices.map { "x\($0)" }))
        return Body(graph: graph, results: results, captures: [])
    }

    /// Appends a control-flow node whose bodies see `inputs` and then what they capture.
    /// - firstArgument: the node's first input that the bodies see.
    func emitControlFlow(
        _ type: String, _ inputs: [TensorRef], firstArgument: Int, bodies: [Body],
        attributes: [String: Attribute] = [:],
        outputs: [TensorDesc]
    ) -> [TensorRef] {
        var all = inputs
        for var body in bodies {
            for input in body.graph.inputNodes {
                var argument = firstArgument + (body.graph.nodes[input].attributes.int("index") ?? 0)
                if let number = body.graph.nodes[input].attributes.int("capture") {
                    let outer = body.captures[number]
                    if let known = all[inputs.count...].firstIndex(of: outer) {
                        argument = known
                    } else {
                        argument = all.count
                        all.append(outer)
                    }
                }
                body.graph.nodes[input].attributes = [
                    "index": .int(Int64(argument - firstArgument)), "_parent_node_index": .int(Int64(argument)),
                ]
            }
            subgraphs.append(body.graph)
        }
        let node = draft.append(
            Node(
                name: currentNode, type: type, inputs: all, inputNames: all.indices.map { "input\($0)" },
                outputs: outputs, outputNames: outputs.indices.map { "output\($0)" }, attributes: attributes,
                subgraphs: bodies.map(\.graph.name)), isDynamic: true)
        emitted.append(node)
        return outputs.indices.map { TensorRef(node, $0) }
    }

    /// Adds the input for the parameters of dynamic AIPP.
    /// - images: the input whose images they describe.
    func addAippData(index: Int, desc: TensorDesc, images: String) -> TensorRef {
        TensorRef(
            draft.append(
                Node(
                    name: unique("ascend_dynamic_aipp_data"), type: "AippData", inputs: [], outputs: [desc],
                    outputNames: ["y"],
                    attributes: [
                        "index": .int(Int64(index)), "_data_related_aipp_mode": .string("dynamic_aipp_conf"),
                        "_data_aipp_data_name_map": .string(images),
                    ])))
    }

    /// Adds the initializers of a graph as constants, numbered in the order of their names.
    func addInitializers(_ tensors: [ONNXTensorProto]) throws(ConversionError) {
        for (number, tensor) in tensors.sorted(by: { $0.name < $1.name }).enumerated() {
            let value = try Constant(tensor, what: "initializer [\(tensor.name)]", external: readExternal)
            let name = unique("\(tensor.name)_Initializer_\(number)")
            bind(tensor.name, to: TensorRef(draft.append(Node(constant: value, name: name))))
        }
    }

    /// Imports nodes in any order.
    func importNodes(_ nodes: [ONNXNodeProto]) throws(ConversionError) {
        for node in try topologicallySorted(nodes) {
            try importNode(node)
        }
    }

    /// Imports the nodes of an inner graph, whose tensors then are known by their names.
    func importBranch(_ graph: ONNXGraphProto) throws(ConversionError) {
        try addInitializers(graph.initializer)
        try importNodes(graph.node)
    }

    /// Lets `name` stand for its tensor cast to `type`.
    func castTensor(_ name: String, to type: DataType) throws(ConversionError) {
        guard let ref = tensor(named: name), draft.desc(ref).dataType != type else { return }
        currentNode = unique("trans_Cast_\(nextNumber())")
        let cast = try emit("Cast", [ref], names: ["x"], ["dst_type": .int(Int64(type.rawValue))], outputs: ["y"])
        emitted = []
        bind(name, to: cast[0])
    }

    private func importNode(_ original: ONNXNodeProto) throws(ConversionError) {
        var node = original
        if node.name.isEmpty {
            node.name = "\(node.opType)_\(nextNumber())"
        }
        var inputs: [TensorRef?] = []
        for name in node.input {
            guard !name.isEmpty else {
                inputs.append(nil)
                continue
            }
            guard let ref = tensor(named: name) else {
                throw ConversionError(
                    "E13014",
                    "Input [\(name)] of node [\(node.name)] of type [\(node.opType)] is not produced by any node.",
                    cause: "The model is invalid.")
            }
            inputs.append(ref)
        }
        guard let rule = ONNXCatalogue[node] else {
            preconditionFailure("operators without a rule are reported before the import starts")
        }
        let outer = (currentNode, emitted)
        (currentNode, emitted) = (node.name, [])
        try rule(NodeContext(importer: self, node: node, inputs: inputs))
        nameEmitted()
        (currentNode, emitted) = outer
    }

    /// One node takes the ONNX node's name; several take their own, marked as parts of a whole.
    private func nameEmitted() {
        if emitted.count == 1 {
            draft.setName(unique(currentNode), of: emitted[0])
        } else {
            for node in emitted {
                let inner = "\(currentNode)_\(draft.nodes[node].type)_\(nextNumber())"
                draft.setName(unique("PartitionedCall_\(inner)"), of: node)
            }
        }
    }

    /// Appends a GE node; see `NodeContext.emit`.
    func emit(
        _ type: String, _ inputs: [TensorRef?], names slots: [String], _ attributes: [String: Attribute],
        outputs: [String]
    ) throws(ConversionError) -> [TensorRef] {
        // Absent optional inputs at the end are not written.
        let count = (inputs.lastIndex { $0 != nil } ?? -1) + 1
        var node = Node(
            name: currentNode, type: type, inputs: Array(inputs.prefix(count)), inputNames: Array(slots.prefix(count)),
            outputNames: outputs, attributes: attributes)
        var known: (isDynamic: Bool, standIns: [Constant]?) = (false, nil)
        switch try draft.infer(node) {
        case .constants(let values):
            try checkOutputs(of: type, values.count, needed: outputs.count)
            return values.map { addConstant($0) }
        case .outputs(let descs, let isDynamic, let standIns):
            try checkOutputs(of: type, descs.count, needed: outputs.count)
            node.outputs = Array(descs.prefix(outputs.count))
            known = (isDynamic, standIns)
        case .missingOperator:
            missingOperators.append((type, currentNode))
            node.outputs = outputs.map { _ in TensorDesc(.undefined, [-2]) }
        }
        let index = draft.append(node, isDynamic: known.isDynamic, standIns: known.standIns)
        emitted.append(index)
        return outputs.indices.map { TensorRef(index, $0) }
    }

    private func checkOutputs(of type: String, _ count: Int, needed: Int) throws(ConversionError) {
        guard count >= needed else {
            throw ConversionError("E19999", "Operator [\(type)] has \(count) outputs, but \(needed) are needed.")
        }
    }

    /// A node for a constant made by a rule, named with the other nodes of the rule.
    func addConstant(_ value: Constant) -> TensorRef {
        let index = draft.append(Node(constant: value, name: currentNode))
        emitted.append(index)
        return TensorRef(index)
    }

    private func nextNumber() -> Int {
        defer { nameCounter += 1 }
        return nameCounter
    }

    /// `name`, or with a number behind it if a node has it already.
    func unique(_ name: String) -> String {
        var candidate = name
        while !names.insert(candidate).inserted {
            candidate = "\(name)_\(nextNumber())"
        }
        return candidate
    }
}

extension Node {
    /// A Const node.
    init(constant value: Constant, name: String) {
        self.init(
            name: name, type: "Const", outputs: [value.desc], outputNames: ["y"], attributes: ["value": .tensor(value)])
    }
}
