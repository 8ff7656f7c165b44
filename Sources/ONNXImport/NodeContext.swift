// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// How one ONNX operator becomes GE operators: reads the node from the context, emits nodes, sets the outputs.
typealias Rule = @Sendable (NodeContext) throws(ConversionError) -> Void

/// One ONNX node while it is imported.
struct NodeContext {
    let importer: ONNXImporter
    let node: ONNXNodeProto
    let inputs: [TensorRef?]
    private let attributes: [String: ONNXAttributeProto]

    init(importer: ONNXImporter, node: ONNXNodeProto, inputs: [TensorRef?]) {
        self.importer = importer
        self.node = node
        self.inputs = inputs
        attributes = Dictionary(node.attribute.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The opset version of the model.
    var opset: Int { importer.opset }

    func invalid(_ reason: String) -> ConversionError {
        ConversionError("E13014", "Node [\(node.name)] of type [\(node.opType)] is invalid. Reason: \(reason)")
    }

    func unsupported(_ reason: String) -> ConversionError {
        ConversionError("E11010", "Node [\(node.name)] of type [\(node.opType)] is not supported: \(reason)")
    }

    // MARK: - Inputs

    func input(_ index: Int) throws(ConversionError) -> TensorRef {
        guard let ref = optionalInput(index) else { throw invalid("input \(index) is missing.") }
        return ref
    }

    func optionalInput(_ index: Int) -> TensorRef? { index < inputs.count ? inputs[index] : nil }

    func requiredInputs() throws(ConversionError) -> [TensorRef] {
        let present = inputs.compactMap { $0 }
        guard present.count == inputs.count, !present.isEmpty else { throw invalid("an input is missing.") }
        return present
    }

    func desc(_ ref: TensorRef) -> TensorDesc { importer.draft.desc(ref) }
    /// Whether executions decide about the sizes of a tensor; its descriptor then holds stand-ins.
    func isDynamic(_ ref: TensorRef) -> Bool { importer.draft.isDynamic(ref) }
    func constant(_ ref: TensorRef?) -> Constant? { importer.draft.constant(ref) }

    /// Number of dimensions; throws where it is unknown.
    func rank(_ ref: TensorRef) throws(ConversionError) -> Int {
        let shape = desc(ref).shape
        guard shape != [-2] else { throw unsupported("the number of dimensions of an input is not known.") }
        return shape.count
    }

    /// `axis` counted from 0.
    func axis(_ axis: Int, rank: Int) throws(ConversionError) -> Int {
        let positive = axis < 0 ? axis + rank : axis
        guard (0..<rank).contains(positive) else {
            throw invalid("axis \(axis) is outside of a tensor with \(rank) dimensions.")
        }
        return positive
    }

    /// The elements of an integer input that must be constant; nil if the input is absent.
    func constantInts(input index: Int) throws(ConversionError) -> [Int]? {
        guard let ref = optionalInput(index) else { return nil }
        guard let values = constant(ref)?.ints else {
            throw unsupported("input \(index) must be a constant.")
        }
        return values
    }

    // MARK: - Attributes

    func has(_ name: String) -> Bool { attributes[name] != nil }
    func int(_ name: String, _ fallback: Int) -> Int { attributes[name].map { Int($0.i) } ?? fallback }
    func flag(_ name: String, _ fallback: Bool) -> Bool { int(name, fallback ? 1 : 0) != 0 }
    func float(_ name: String, _ fallback: Float) -> Float { attributes[name]?.f ?? fallback }
    func ints(_ name: String) -> [Int]? { attributes[name].map { $0.ints.map { Int($0) } } }
    func floats(_ name: String) -> [Float]? { attributes[name]?.floats }

    func string(_ name: String, _ fallback: String) -> String {
        attributes[name].map { String(decoding: $0.s, as: UTF8.self) } ?? fallback
    }

    func strings(_ name: String) -> [String]? {
        attributes[name].map { $0.strings.map { String(decoding: $0, as: UTF8.self) } }
    }

    func requiredInt(_ name: String) throws(ConversionError) -> Int {
        guard let attribute = attributes[name] else { throw invalid("attribute [\(name)] is missing.") }
        return Int(attribute.i)
    }

    func requiredInts(_ name: String) throws(ConversionError) -> [Int] {
        guard let values = ints(name) else { throw invalid("attribute [\(name)] is missing.") }
        return values
    }

    func tensor(_ name: String) throws(ConversionError) -> Constant? {
        guard let attribute = attributes[name], attribute.hasT else { return nil }
        return try Constant(
            attribute.t, what: "attribute [\(name)] of node [\(node.name)]", external: importer.readExternal)
    }

    func dataType(_ name: String, _ fallback: DataType) throws(ConversionError) -> DataType {
        guard let attribute = attributes[name] else { return fallback }
        guard let type = Int32(exactly: attribute.i).flatMap({ DataType(onnx: $0) }) else {
            throw unsupported("data type \(attribute.i) of attribute [\(name)].")
        }
        return type
    }

    func graph(_ name: String) throws(ConversionError) -> ONNXGraphProto {
        guard let attribute = attributes[name], attribute.hasG else {
            throw invalid("attribute [\(name)] is missing.")
        }
        return attribute.g
    }

    /// A name for a body of the node that no other graph has.
    func uniqueGraphName(_ suffix: String) -> String { importer.unique("\(node.name)_\(suffix)") }

    // MARK: - Output

    /// Appends a GE node and returns its outputs; where all its inputs are constants, the constants of its outputs.
    /// - slots: the operator's input slots in the order of its prototype; nil for an absent optional input.
    func emit(
        _ type: String, _ slots: KeyValuePairs<String, TensorRef?>, _ attributes: [String: Attribute] = [:],
        outputs: [String]
    ) throws(ConversionError) -> [TensorRef] {
        let names = slots.map(\.key)
        let refs = slots.map(\.value)
        return try importer.emit(type, refs, names: names, attributes, outputs: outputs)
    }

    /// The same for a node with one output, `y` unless named.
    func emit(
        _ type: String, _ slots: KeyValuePairs<String, TensorRef?>, _ attributes: [String: Attribute] = [:],
        output: String = "y"
    ) throws(ConversionError) -> TensorRef {
        try emit(type, slots, attributes, outputs: [output])[0]
    }

    /// The same for an operator whose inputs are a list, named `x0`, `x1`, and so on.
    func emit(
        _ type: String, list: [TensorRef], _ attributes: [String: Attribute] = [:]
    ) throws(ConversionError) -> TensorRef {
        let names = list.indices.map { "x\($0)" }
        return try importer.emit(type, list, names: names, attributes, outputs: ["y"])[0]
    }

    func constant(_ value: Constant) -> TensorRef { importer.addConstant(value) }

    func constant(ints values: [Int], type: DataType = .int64) -> TensorRef {
        constant(Constant(ints: values, dataType: type))
    }

    /// A scalar of the type of `like`.
    func scalar(_ value: Double, like ref: TensorRef) throws(ConversionError) -> TensorRef {
        let type = desc(ref).dataType
        guard let scalar = Constant(scalar: value, dataType: type) else { throw unsupported("data type \(type).") }
        return constant(scalar)
    }

    /// The same elements under a static shape.
    func reshape(_ ref: TensorRef, to shape: [Int]) throws(ConversionError) -> TensorRef {
        if desc(ref).shape == shape { return ref }
        return try emit(
            "Reshape", ["x": ref, "shape": constant(ints: shape)],
            ["axis": .int(0), "num_axes": .int(-1), "allowzero": .int(shape.contains(-1) ? 0 : 1)])
    }

    func unsqueeze(_ ref: TensorRef, _ axes: [Int]) throws(ConversionError) -> TensorRef {
        try emit("Unsqueeze", ["x": ref], ["axes": .ints(axes.map { Int64($0) })])
    }

    func squeeze(_ ref: TensorRef, _ axes: [Int]) throws(ConversionError) -> TensorRef {
        try emit("Squeeze", ["x": ref], ["axis": .ints(axes.map { Int64($0) })])
    }

    func cast(_ ref: TensorRef, to type: DataType) throws(ConversionError) -> TensorRef {
        if desc(ref).dataType == type { return ref }
        return try emit("Cast", ["x": ref], ["dst_type": .int(Int64(type.rawValue))])
    }

    func transpose(_ ref: TensorRef, _ permutation: [Int]) throws(ConversionError) -> TensorRef {
        try emit("Transpose", ["x": ref, "perm": constant(ints: permutation, type: .int32)])
    }

    /// Makes `ref` output `index` of the ONNX node.
    func set(_ index: Int = 0, _ ref: TensorRef) {
        guard index < node.output.count, !node.output[index].isEmpty else { return }
        importer.bind(node.output[index], to: ref)
    }

    /// Whether somebody may read output `index`.
    func wants(_ index: Int) -> Bool { index < node.output.count && !node.output[index].isEmpty }
}
