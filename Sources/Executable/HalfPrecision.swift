// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Graphs in float16 and bfloat16, rewritten to compute in float32 with the same results.
///
/// The quick kernels are those for float32. So tensors of the short types are kept as float32 whose values the short type
/// has: what an operator computes is rounded to it, once, as when it is stored in the short type. Operators that only
/// choose among values or move them commute with rounding, which then comes after them, where it hinders no fusion.
struct HalfPrecision {
    /// Operators that move elements; graphs of nothing else stay as they are.
    private static let movements: Set<String> = [
        "Identity", "Reshape", "Squeeze", "SqueezeV2", "SqueezeV3", "Unsqueeze", "UnsqueezeV2", "UnsqueezeV3",
        "ExpandDims", "Flatten", "FlattenV2", "Transpose", "TransposeD", "TransData", "ConcatD", "ConcatV2",
        "ConcatV2D",
        "Split", "SplitD", "SplitV", "SplitVD", "Slice", "SliceD", "StridedSlice", "StridedSliceD", "StridedSliceV2",
        "Expand", "ExpandD", "BroadcastTo", "BroadcastToD", "Tile", "TileD", "Gather", "GatherV2", "GatherV2D",
        "GatherElements", "GatherNd", "DepthToSpace", "SpaceToDepth", "ReverseV2", "ReverseV2D", "Pack", "Unpack",
    ]
    /// Operators that also commute with rounding, of one tensor: they choose among its elements and constants.
    private static let choices: Set<String> = [
        "Relu", "Relu6", "ClipByValue", "MaxPoolV3", "MaxPool", "MaxPool3D", "Neg", "Abs",
    ]
    /// Operators whose results need no rounding, since they are elements of the inputs.
    private static let selections: Set<String> = [
        "Maximum", "Minimum", "Select", "SelectV2", "TopK", "TopKV2", "TopKD", "ReduceMax", "ReduceMaxD", "ReduceMin",
        "ReduceMinD", "Dropout", "Sign", "Floor", "Ceil", "Rint", "Round", "OneHot", "OneHotD", "ReverseSequence",
    ]

    private let graph: Graph
    private var result: Graph
    private var names: Set<String>
    /// Where each tensor is found: as it was, unless it is of a short type.
    private var places: [TensorRef: TensorRef] = [:]
    /// Tensors in float32 whose values are not rounded yet, with the type to round to.
    private var unrounded: [TensorRef: DataType] = [:]
    private var rounded: [TensorRef: TensorRef] = [:]

    /// The graph to compile in the place of `graph`.
    static func widening(_ graph: Graph) -> Graph {
        let computes = graph.nodes.contains { node in
            !movements.contains(node.type) && node.type != "Cast" && node.type != "NetOutput"
                && node.inputs.contains { $0.map { isShort(graph.desc(of: $0)) } ?? false }
        }
        guard computes else { return graph }
        var rewriting = HalfPrecision(graph)
        rewriting.run()
        return rewriting.result
    }

    private init(_ graph: Graph) {
        self.graph = graph
        result = Graph(name: graph.name, attributes: graph.attributes)
        names = Set(graph.nodes.map(\.name))
    }

    private static func isShort(_ desc: TensorDesc) -> Bool { isShort(desc.dataType) }
    private static func isShort(_ type: DataType) -> Bool { type == .float16 || type == .bfloat16 }

    private mutating func run() {
        for (number, original) in graph.nodes.enumerated() {
            var node = original
            node.inputDescs = []
            if let value = node.constant, Self.isShort(value.desc) {
                add(Node(widening: value, name: node.name), of: number)
            } else if node.type == "NetOutput" {
                node.inputs = node.inputs.map { ref in ref.map { short($0) } }
                result.append(node)
            } else if node.type == "Cast" {
                addCast(node, of: number)
            } else if node.inputs.contains(where: { $0.map { Self.isShort(graph.desc(of: $0)) } ?? false }) {
                addComputing(node, of: number)
            } else {
                node.inputs = node.inputs.map { ref in ref.map { places[$0] ?? $0 } }
                let place = result.append(node)
                for (output, desc) in node.outputs.enumerated() {
                    let ref = TensorRef(place.node, output)
                    places[TensorRef(number, output)] =
                        Self.isShort(desc) ? append("Cast", [ref], desc, to: .float, node.name) : ref
                }
            }
        }
    }

    private mutating func add(_ node: Node, of number: Int) {
        let place = result.append(node)
        for output in node.outputs.indices { places[TensorRef(number, output)] = TensorRef(place.node, output) }
    }

    /// A node that reads short types: it reads and gives float32 instead.
    private mutating func addComputing(_ original: Node, of number: Int) {
        var node = original
        let commutes = Self.movements.contains(node.type) || Self.choices.contains(node.type)
        // Several operands would have to wait together.
        let waits =
            commutes && (node.inputs.first ?? nil).map { isUnrounded($0) } == true
            && node.inputs.dropFirst().allSatisfy { $0.map { !isUnrounded($0) } ?? true }
        node.inputs = node.inputs.enumerated().map { slot, ref in
            ref.map { waits && slot == 0 ? places[$0] ?? $0 : exact($0) }
        }
        node.outputs = node.outputs.map { desc in
            var desc = desc
            if Self.isShort(desc) { desc.dataType = .float }
            return desc
        }
        let place = result.append(node)
        for (output, desc) in original.outputs.enumerated() {
            let ref = TensorRef(place.node, output)
            places[TensorRef(number, output)] = ref
            guard Self.isShort(desc) else { continue }
            let isExact = commutes && !waits || Self.selections.contains(node.type)
            if !isExact { unrounded[ref] = desc.dataType }
        }
    }

    private mutating func addCast(_ node: Node, of number: Int) {
        guard let source = node.inputs.first ?? nil, let stated = node.outputs.first else {
            return add(node, of: number)
        }
        let target =
            node.attributes.int("dst_type").flatMap { DataType(rawValue: Int32(clamping: $0)) } ?? stated.dataType
        let from = graph.desc(of: source).dataType
        let (given, wanted) = (Self.isShort(from) ? .float : from, Self.isShort(target) ? DataType.float : target)
        var place = exact(source)
        if given != wanted { place = append("Cast", [place], stated, to: wanted, node.name) }
        if Self.isShort(target), from != target {
            if given != wanted {
                unrounded[place] = target
            } else {
                place = append("RoundToShort", [place], stated, to: .float, node.name, rounding: target)
            }
        }
        places[TensorRef(number)] = place
    }

    private func isUnrounded(_ ref: TensorRef) -> Bool { places[ref].map { unrounded[$0] != nil } ?? false }

    /// The tensor with values of its own type.
    private mutating func exact(_ ref: TensorRef) -> TensorRef {
        let place = places[ref] ?? ref
        guard let type = unrounded[place] else { return place }
        if let known = rounded[place] { return known }
        let name = graph.nodes[ref.node].name
        let ref = append("RoundToShort", [place], graph.desc(of: ref), to: .float, name, rounding: type)
        rounded[place] = ref
        return ref
    }

    /// The tensor in its own type; rounding is what the conversion does.
    private mutating func short(_ ref: TensorRef) -> TensorRef {
        let place = places[ref] ?? ref
        let desc = graph.desc(of: ref)
        guard Self.isShort(desc) else { return place }
        return append("Cast", [place], desc, to: desc.dataType, graph.nodes[ref.node].name)
    }

    private mutating func append(
        _ type: String, _ inputs: [TensorRef], _ desc: TensorDesc, to target: DataType, _ name: String,
        rounding: DataType? = nil
    ) -> TensorRef {
        var desc = desc
        desc.dataType = target
        let dataType = rounding ?? target
        return result.append(
            Node(
                name: names.fresh("\(name)_\(type)"), type: type, inputs: inputs, outputs: [desc],
                attributes: ["dst_type": .int(Int64(dataType.rawValue))]))
    }
}

extension Node {
    /// A constant of a short type as one of float32: at once where its elements are at hand, else when it is packed.
    fileprivate init(widening value: Constant, name: String) {
        var desc = value.desc
        desc.dataType = .float
        var widened = value
        if case .inline(let bytes) = value.data {
            widened = Constant(desc, .inline(Widening.bytes(bytes, from: value.desc.dataType)))
        }
        self.init(name: name, type: "Const", outputs: [desc], attributes: ["value": .tensor(widened)])
    }
}
