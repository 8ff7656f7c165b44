// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph
import Operators
import Testing

/// What stands in an input slot of the operator under test.
enum Slot {
    /// Known only when the model runs.
    case data(Elements)
    /// Part of the model.
    case constant(Constant)
    case absent

    static func ints(_ values: [Int], shape: [Int]? = nil, _ type: DataType = .int64) -> Slot {
        .constant(Constant(ints: values, shape: shape, dataType: type))
    }
}

/// Prepares a model of one node and runs it on buffers that are aligned to nothing.
func runNode(_ type: String, _ slots: [Slot], _ attributes: [String: Attribute] = [:]) throws -> [Elements] {
    var graph = Graph(name: "test")
    var inputs: [Elements] = []
    var refs: [TensorRef?] = []
    for slot in slots {
        switch slot {
        case .absent: refs.append(nil)
        case .constant(let constant):
            refs.append(
                graph.append(
                    Node(
                        name: "const\(refs.count)", type: "Const", outputs: [constant.desc],
                        attributes: ["value": .tensor(constant)])))
        case .data(let elements):
            refs.append(
                graph.append(
                    Node(
                        name: "data\(refs.count)", type: "Data", outputs: [TensorDesc(elements.type, elements.shape)],
                        attributes: ["index": .int(Int64(inputs.count))])))
            inputs.append(elements)
        }
    }
    var node = Node(name: "node", type: type, inputs: refs, attributes: attributes)
    node.outputs = try #require(Catalogue[type: type]).infer(
        Inference(
            node: node, inputs: refs.map { ref in ref.map { graph.desc(of: $0) } },
            constants: slots.map { if case .constant(let constant) = $0 { constant } else { nil } }))
    let produced = graph.append(node)
    graph.append(
        Node(name: "output", type: "NetOutput", inputs: node.outputs.indices.map { TensorRef(produced.node, $0) }))

    let prepared = try unsafe PreparedModel(
        Model(name: "test", graph: graph), weights: UnsafeRawBufferPointer(start: nil, count: 0), threads: 2)
    let weights = UnalignedMemory(prepared.weightBytes)
    let workspace = UnalignedMemory(prepared.workspaceBytes)
    if prepared.weightBytes > 0 {
        try unsafe prepared.packWeights(UnsafeRawBufferPointer(start: nil, count: 0), into: weights.area)
    }
    let instance = try unsafe ModelInstance(
        prepared, weights: weights.area.baseAddress, workspace: workspace.area.baseAddress)
    let sources = inputs.map { UnalignedMemory($0.bytes) }
    let targets = prepared.outputBytes.map { UnalignedMemory($0) }
    let sourcePointers = unsafe sources.compactMap { unsafe $0.area.baseAddress }
    let targetPointers = unsafe targets.compactMap { unsafe $0.area.baseAddress }
    defer { #expect(targets.allSatisfy { $0.isSurroundingIntact }, "\(type) wrote outside its outputs") }
    try unsafe sourcePointers.withUnsafeBufferPointer { sources in
        try unsafe targetPointers.withUnsafeBufferPointer { targets in
            try unsafe instance.execute(inputs: sources, outputs: targets)
        }
    }
    return zip(node.outputs, targets).map { desc, memory in
        var elements = Elements(desc.dataType, desc.shape, [])
        elements.bytes = memory.bytes
        return elements
    }
}

/// Expects that the node is refused with a text that contains `text`.
func expectRefused(
    _ type: String, _ slots: [Slot], _ attributes: [String: Attribute], _ text: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    do {
        _ = try runNode(type, slots, attributes)
        Issue.record("\(type) was accepted", sourceLocation: sourceLocation)
    } catch {
        let description = "\(error)"
        #expect(
            description.contains("node 'node' (\(type)): ") && description.contains(text), "\(description)",
            sourceLocation: sourceLocation)
    }
}

func expectRefused(
    _ type: String, _ slots: [Slot], _ text: String, sourceLocation: SourceLocation = #_sourceLocation
) {
    expectRefused(type, slots, [:], text, sourceLocation: sourceLocation)
}

/// Memory that starts at an odd address, with marks around it.
@safe
private final class UnalignedMemory {
    private static let margin = 65
    private static let mark: UInt8 = 0xA5
    private let whole: UnsafeMutableRawBufferPointer
    let area: UnsafeMutableRawBufferPointer

    init(_ count: Int) {
        unsafe whole = .allocate(byteCount: count + 2 * Self.margin, alignment: 64)
        for index in unsafe whole.indices { unsafe whole[index] = Self.mark }
        unsafe area = UnsafeMutableRawBufferPointer(rebasing: whole[Self.margin..<Self.margin + count])
    }

    convenience init(_ bytes: [UInt8]) {
        self.init(bytes.count)
        unsafe area.copyBytes(from: bytes)
    }

    deinit { unsafe whole.deallocate() }

    var bytes: [UInt8] { unsafe Array(area) }

    var isSurroundingIntact: Bool {
        unsafe whole.prefix(Self.margin).allSatisfy { $0 == Self.mark }
            && whole.suffix(Self.margin).allSatisfy { $0 == Self.mark }
    }
}

/// The descriptors of the outputs of a node of `graph`.
func inferred(_ node: Node, in graph: Graph) throws -> [TensorDesc] {
    try #require(Catalogue[type: node.type]).infer(
        Inference(
            node: node, inputs: node.inputs.map { ref in ref.map { graph.desc(of: $0) } },
            constants: node.inputs.map { ref in ref.flatMap { graph.nodes[$0.node].constant } }))
}
