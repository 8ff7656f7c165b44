// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// Walks the nodes of an ONNX graph in their order and grows the GE graph, inferring and folding as it goes.
final class ONNXImporter {
    /// The opset version of the model's default domain.
    let opset: Int
    private let external: ExternalTensors
    var draft = GraphDraft()
    /// GE types that the runtime lacks, with the ONNX node that needs them.
    private(set) var missingOperators: [(type: String, node: String)] = []

    /// What the names of ONNX tensors stand for; inner graphs see the names of the outer ones.
    private var scope: [String: TensorRef] = [:]
    private var names: Set<String> = []
    private var nameCounter = 0
    /// The ONNX node being imported, and the nodes that its rule emitted.
    private var currentNode = ""
    private var emitted: [Int] = []

    init(opset: Int, external: ExternalTensors) {
        self.opset = opset
        self.external = external
    }

    /// The bytes of a tensor in a file next to the model.
    func readExternal(_ location: String, _ offset: Int, _ length: Int) throws(ConversionError) -> [UInt8] {
        let bytes = try external.read(location, offset, length)
        draft.budget.add(modelBytes: bytes.count)
        return bytes
    }

    func tensor(named name: String) -> TensorRef? { scope[name] }

    func bind(_ name: String, to ref: TensorRef) { scope[name] = ref }

    /// Adds one input of the model.
    func addInput(_ name: String, index: Int, desc: TensorDesc) {
        let node = draft.append(
            Node(
                name: unique(name), type: "Data", inputs: [], outputs: [desc], outputNames: ["y"],
                attributes: ["index": .int(Int64(index))]))
        bind(name, to: TensorRef(node))
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

    /// Imports nodes, which ONNX requires to be in topological order.
    func importNodes(_ nodes: [ONNXNodeProto]) throws(ConversionError) {
        for node in nodes {
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
        guard let ref = scope[name], draft.desc(ref).dataType != type else { return }
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
            guard let ref = scope[name] else {
                throw ConversionError(
                    "E13014",
                    "Input [\(name)] of node [\(node.name)] of type [\(node.opType)] is not produced by an "
                        + "earlier node.", cause: "The model is invalid, or its nodes are not in topological order.")
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
        switch try draft.infer(node) {
        case .constants(let values):
            try checkOutputs(of: type, values.count, needed: outputs.count)
            return values.map { addConstant($0) }
        case .outputs(let descs):
            try checkOutputs(of: type, descs.count, needed: outputs.count)
            node.outputs = Array(descs.prefix(outputs.count))
        case .missingOperator:
            missingOperators.append((type, currentNode))
            node.outputs = outputs.map { _ in TensorDesc(.undefined, [-2]) }
        }
        let index = draft.append(node)
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
    private func unique(_ name: String) -> String {
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
