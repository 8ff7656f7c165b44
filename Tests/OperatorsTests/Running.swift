// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph
import Operators
import Testing

/// Runs one operator as a model of its own.
/// - constants: the slots whose values are part of the model; the others are inputs of the model.
func run(
    _ type: String, _ inputs: [Tensor?], _ attributes: [String: Attribute] = [:], constants: Set<Int> = [],
    outputs: [String] = ["y"]
) throws -> [Tensor] {
    var graph = Graph(name: "test")
    var refs: [TensorRef?] = []
    var variables: [Tensor] = []
    for (slot, input) in inputs.enumerated() {
        guard let input else {
            refs.append(nil)
            continue
        }
        if constants.contains(slot) {
            refs.append(
                graph.append(
                    Node(
                        name: "constant\(slot)", type: "Const", outputs: [input.desc],
                        attributes: ["value": .tensor(input.constant)])))
        } else {
            refs.append(
                graph.append(
                    Node(
                        name: "input\(slot)", type: "Data", outputs: [input.desc],
                        attributes: ["index": .int(Int64(variables.count))])))
            variables.append(input)
        }
    }
    var node = Node(name: "node", type: type, inputs: refs, outputNames: outputs, attributes: attributes)
    let definition = try #require(Catalogue[type: type])
    let descs = try definition.infer(
        Inference(
            node: node, inputs: inputs.map { $0?.desc },
            constants: inputs.enumerated().map { constants.contains($0.offset) ? $0.element?.constant : nil }))
    node.outputs = descs
    let produced = graph.append(node)
    graph.append(Node(name: "output", type: "NetOutput", inputs: descs.indices.map { TensorRef(produced.node, $0) }))
    return zip(descs, try execute(graph, variables.map(\.bytes))).map { Tensor($0.0, bytes: $0.1) }
}

/// The bytes of the outputs of a graph.
func execute(_ graph: Graph, _ inputs: [[UInt8]]) throws -> [[UInt8]] {
    let partition = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    let prepared = try unsafe PreparedModel(Model(name: graph.name, graph: graph), weights: partition, threads: 2)
    // Safe: all areas are as large as the model says and are freed at the end of the function.
    let weights = Area(prepared.weightBytes)
    let workspace = Area(prepared.workspaceBytes)
    let sources = inputs.map { Area($0.count) }
    let targets = prepared.outputBytes.map { Area($0) }
    // Garbage in the workspace must not reach the results.
    unsafe workspace.bytes.initializeMemory(as: UInt8.self, repeating: 0xff)
    for (source, bytes) in zip(sources, inputs) { unsafe source.bytes.copyBytes(from: bytes) }
    if prepared.weightBytes > 0 { try unsafe prepared.packWeights(partition, into: weights.bytes) }
    let instance = try unsafe ModelInstance(prepared, weights: weights.start, workspace: workspace.start)
    try unsafe sources.map { unsafe $0.start }.withUnsafeBufferPointer { inputs in
        try unsafe targets.map { unsafe $0.start }.withUnsafeBufferPointer { outputs in
            try unsafe instance.execute(inputs: inputs, outputs: outputs)
        }
    }
    return zip(targets, prepared.outputBytes).map { unsafe Array(UnsafeRawBufferPointer(rebasing: $0.bytes[..<$1])) }
}

/// Memory that is freed with its owner.
@safe
final class Area {
    let start: UnsafeMutableRawPointer
    private let count: Int

    init(_ count: Int) {
        self.count = count
        unsafe start = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 64)
    }

    deinit { unsafe start.deallocate() }

    var bytes: UnsafeMutableRawBufferPointer { unsafe UnsafeMutableRawBufferPointer(start: start, count: count) }
}

/// How far results of a type may be from the exact ones.
struct Tolerance {
    var absolute: Double
    var relative: Double

    static func of(_ type: DataType) -> Tolerance {
        switch type {
        case .float: Tolerance(absolute: 1e-5, relative: 1e-5)
        case .double: Tolerance(absolute: 1e-12, relative: 1e-12)
        case .float16: Tolerance(absolute: 2e-3, relative: 2e-3)
        case .bfloat16: Tolerance(absolute: 1.6e-2, relative: 1.6e-2)
        default: Tolerance(absolute: 0, relative: 0)
        }
    }

    /// For sums of many terms.
    func times(_ factor: Double) -> Tolerance { Tolerance(absolute: absolute * factor, relative: relative * factor) }
}

func expectClose(
    _ found: Tensor, shape: [Int], _ expected: [Double], _ tolerance: Tolerance? = nil,
    note: String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found.shape == shape, "\(note)", sourceLocation: sourceLocation)
    guard found.values.count == expected.count else {
        Issue.record("\(found.values.count) elements instead of \(expected.count)", sourceLocation: sourceLocation)
        return
    }
    let tolerance = tolerance ?? .of(found.type)
    let wrong = zip(found.values, expected).enumerated().first { _, pair in
        let (value, exact) = pair
        if value == exact || (value.isNaN && exact.isNaN) { return false }
        return !(abs(value - exact) <= tolerance.absolute + tolerance.relative * abs(exact))
    }
    if let wrong {
        Issue.record(
            "\(found.type) element \(wrong.offset) is \(wrong.element.0) instead of \(wrong.element.1) \(note)",
            sourceLocation: sourceLocation)
    }
}

/// Expects that inference refuses the node, with a message that contains `text`.
func expectRefusal(
    _ type: String, _ inputs: [Tensor?], _ attributes: [String: Attribute] = [:], constants: Set<Int> = [],
    says text: String, sourceLocation: SourceLocation = #_sourceLocation
) {
    expectRefusal(
        type, descs: inputs.map { $0?.desc }, attributes,
        constants: inputs.enumerated().map { constants.contains($0.offset) ? $0.element?.constant : nil }, says: text,
        sourceLocation: sourceLocation)
}

func expectRefusal(
    _ type: String, descs: [TensorDesc?], _ attributes: [String: Attribute] = [:], constants: [Constant?]? = nil,
    says text: String, sourceLocation: SourceLocation = #_sourceLocation
) {
    let error = #expect(throws: GraphError.self, sourceLocation: sourceLocation) {
        _ = try Catalogue[type: type]?.infer(
            Inference(
                node: Node(name: "node", type: type, attributes: attributes), inputs: descs,
                constants: constants ?? descs.map { _ in nil }))
    }
    let message = error?.description ?? ""
    #expect(message.contains(text), "the message is: \(message)", sourceLocation: sourceLocation)
    #expect(message.contains("'node' (\(type))"), sourceLocation: sourceLocation)
}
