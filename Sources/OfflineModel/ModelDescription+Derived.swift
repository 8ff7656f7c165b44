// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// The node and output that an input of NetOutput is named after. Not always its producer: fusion replaces nodes.
struct OutputSource {
    var node: String
    var output: Int
}

extension ModelDescription {
    /// The description that GE's compiler would have written for the graph.
    ///
    /// Source: GE's `ModelIntroduction`.
    /// - `outputSources`: one per input of NetOutput, or fewer where the producers themselves give the names.
    init(of model: Model, outputSources: [OutputSource], isDynamic: Bool) throws(OfflineModelError) {
        self.init()
        let graph = model.graph
        for number in graph.inputNodes {
            inputs.append(try ModelDescription.input(graph.nodes[number], isDynamic: isDynamic))
        }
        if let number = graph.outputNode {
            let node = graph.nodes[number]
            outputs = ModelDescription.outputs(of: node, in: model, outputSources)
            dynamicOutputShapes = node.attributes.strings("_dynamic_output_dims") ?? []
        }
        if let node = graph.nodes.last(where: { $0.type == "Case" }) { try readGears(of: node) }
    }

    private static func input(_ node: Node, isDynamic: Bool) throws(OfflineModelError) -> Tensor {
        guard let desc = node.inputDescs.first ?? node.outputs.first else {
            throw .malformedGraph("node '\(node.name)' (\(node.type)) has no tensor descriptor")
        }
        let dims =
            node.attributes.ints("_dynamic_aipp_input_dims") ?? node.attributes.ints("_mbatch_origin_input_dims")
            ?? desc.shape
        let behindAIPP = node.attributes.ints("input_dims")
        guard max(dims.count, behindAIPP?.count ?? 0) <= TensorDesc.rankLimit else {
            throw .malformedGraph("input '\(node.name)' has more than \(TensorDesc.rankLimit) dimensions")
        }
        return Tensor(
            name: node.name, dataType: desc.dataType, format: desc.format, dims: dims, dimsV2: behindAIPP,
            range: behindAIPP == nil ? ranges(desc) : [],
            size: isDynamic ? desc.byteCount ?? largestByteCount(desc) : desc.size ?? desc.byteCount ?? 0)
    }

    private static func outputs(of node: Node, in model: Model, _ sources: [OutputSource]) -> [Tensor] {
        let names = model.attributes.strings("attr_model_out_nodes_name") ?? []
        return node.inputs.indices.compactMap { slot -> Tensor? in
            let ref = node.inputs[slot]
            let stated = node.inputDescs.indices.contains(slot) ? node.inputDescs[slot] : nil
            guard let desc = stated ?? ref.map({ model.graph.desc(of: $0) }) else { return nil }
            var source = OutputSource(node: "", output: 0)
            if sources.indices.contains(slot) {
                source = sources[slot]
            } else if let ref {
                source = OutputSource(node: model.graph.nodes[ref.node].name, output: ref.output)
            }
            var name = "output_\(slot)_\(source.node)_\(source.output)"
            if names.count == node.inputs.count {
                name = names[slot].contains(":") ? names[slot] : "\(names[slot]):\(source.output)"
            }
            let special = desc.attributes.int("_special_input_size") ?? 0
            let turns = desc.format == .fractalZ && desc.shape.count >= 4
            return Tensor(
                name: name, dataType: desc.dataType, format: desc.format,
                dims: turns ? [2, 3, 1, 0].map { desc.shape[$0] } : desc.shape,
                range: turned(ranges(desc), if: turns), size: special > 0 ? special : storedSize(desc))
        }
    }

    private static func turned(_ ranges: [DimensionRange], if turns: Bool) -> [DimensionRange] {
        if !turns { return ranges }
        return ranges.count == 4 ? [2, 3, 1, 0].map { ranges[$0] } : []
    }

    /// Bytes of a tensor; old files give the origin's four dimensions for the blocked NC1HWC0. 0 if not known.
    private static func storedSize(_ desc: TensorDesc) -> Int {
        guard desc.format == .nc1hwc0, desc.shape.count == 4 else { return desc.byteCount ?? largestByteCount(desc) }
        let block = desc.dataType.bitWidth == 8 ? 32 : 16
        var stored = desc
        let (padded, overflow) = desc.shape[1].addingReportingOverflow(block - 1)
        stored.shape[1] = overflow ? desc.shape[1] : padded / block
        stored.shape.append(block)
        return stored.byteCount ?? 0
    }

    /// Bytes of a tensor with the largest size that each dimension can have; 0 where one has no limit.
    private static func largestByteCount(_ desc: TensorDesc) -> Int {
        let limits = ranges(desc).map(\.upper)
        guard limits.count == desc.shape.count, limits.allSatisfy({ $0 > 0 }) else { return 0 }
        return TensorDesc(desc.dataType, limits).byteCount ?? 0
    }

    private static func ranges(_ desc: TensorDesc) -> [DimensionRange] {
        guard case .intLists(let pairs)? = desc.attributes["shape_range"], pairs.allSatisfy({ $0.count == 2 }) else {
            return []
        }
        return pairs.map { DimensionRange(lower: Int($0[0]), upper: Int($0[1])) }
    }

    /// The gears that the compiler's Case node lists.
    private mutating func readGears(of node: Node) throws(OfflineModelError) {
        guard let count = node.attributes.int("_batch_num"), count > 0 else { return }
        var gears: [[Int]] = []
        for number in 0..<count {
            guard let gear = node.attributes.ints("_pred_value_\(number)") else {
                throw .malformedGraph(
                    "node '\(node.name)' has no attribute _pred_value_\(number), expected \(count) gears")
            }
            gears.append(gear)
        }
        switch node.attributes.int("mbatch_dynamic_type") {
        case nil: return
        case 1?: dynamicBatch = gears.map { $0.first ?? 0 }
        case 2?: dynamicImageSize = gears
        case 3?: dynamicDims = gears
        case let type?:
            throw .malformedGraph("node '\(node.name)' has the gear type \(type), expected 1, 2 or 3")
        }
        inputOrder = node.attributes.strings("user_designate_shape_order") ?? []
        if let fault = gearFault { throw .malformedGraph("node '\(node.name)': \(fault)") }
    }

    /// What is wrong with the gears: their values are sizes, and a gear has as many of them as the others.
    var gearFault: String? {
        func isSize(_ value: Int) -> Bool { (1...Int(Int32.max)).contains(value) }
        if let batch = dynamicBatch.first(where: { !isSize($0) }) { return "the batch size \(batch) is none" }
        for (gears, length) in [(dynamicImageSize, 2), (dynamicDims, dynamicDims.first?.count ?? 0)] {
            for gear in gears where gear.count != length || !gear.allSatisfy(isSize) {
                return "the gear \(gear) does not have \(length) sizes"
            }
        }
        return nil
    }
}
