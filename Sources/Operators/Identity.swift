// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels

/// Operators that pass their input on.
enum Identity {
    static let operators: [Operator] = [
        pass("Identity"), pass("TensorMove"), pass("StopGradient"), pass("PlaceholderWithDefault"), dropout,
        identityN, transData,
    ]

    private static func pass(_ type: String) -> Operator {
        Operator(
            type, infer: { node throws(GraphError) in [try passed(node, 0)] }, lower: { [try $0.input(0)] })
    }

    private static func passed(_ node: Inference, _ slot: Int) throws(GraphError) -> TensorDesc {
        let x = try node.input(slot)
        return try node.output(x.dataType, x.shape, format: x.format)
    }

    /// Nothing is dropped at inference; a mask of what was kept is not made.
    private static let dropout = Operator(
        "Dropout",
        infer: { node throws(GraphError) in
            guard node.node.outputs.count <= 1 else { throw node.invalid("the mask output is not supported") }
            return [try passed(node, 0)]
        },
        lower: { [try $0.input(0)] })

    private static let identityN = Operator(
        "IdentityN",
        infer: { node throws(GraphError) in
            var outputs: [TensorDesc] = []
            for slot in node.inputs.indices { outputs.append(try passed(node, slot)) }
            return outputs
        },
        lower: { lowering in try lowering.inputs.indices.map { try lowering.input($0) } })

    // MARK: TransData

    /// Between the formats that list their dimensions in some order; a blocked format has no meaning on this machine.
    private static let transData = Operator(
        "TransData",
        infer: { node throws(GraphError) in
            let x = try node.known(0)
            let permutation = try formatPermutation(node, rank: x.shape.count)
            let target = orders[node.attributes.string("dst_format") ?? ""]?.format ?? x.format
            return [try TensorDesc(x.dataType, node.moved(x, permutation.map { x.shape[$0] }).shape, format: target)]
        },
        lower: { lowering in
            let x = try lowering.input(0)
            let rank = lowering.outputs[0].shape.count
            return [try lowering.builder.transpose(x, formatPermutation(lowering.inference, rank: rank))]
        })

    private static let orders: [String: (format: Format, letters: String)] = [
        "ND": (.nd, ""), "NCHW": (.nchw, "NCHW"), "NHWC": (.nhwc, "NHWC"), "HWCN": (.hwcn, "HWCN"),
        "CHWN": (.chwn, "CHWN"), "NCDHW": (.ncdhw, "NCDHW"), "NDHWC": (.ndhwc, "NDHWC"), "DHWCN": (.dhwcn, "DHWCN"),
    ]

    private static func formatPermutation(_ node: Inference, rank: Int) throws(GraphError) -> [Int] {
        let names = [node.attributes.string("src_format") ?? "", node.attributes.string("dst_format") ?? ""]
        guard let source = orders[names[0]]?.letters, let target = orders[names[1]]?.letters else {
            throw node.invalid(
                "a change from format '\(names[0])' to '\(names[1])' is not supported, expected two of "
                    + orders.keys.sorted().joined(separator: ", "))
        }
        if source == target || source.isEmpty || target.isEmpty { return Array(0..<rank) }
        guard source.count == target.count, source.count == rank else {
            throw node.invalid("formats \(names[0]) and \(names[1]) do not fit \(rank) dimensions")
        }
        let letters = Array(source)
        return target.compactMap { letters.firstIndex(of: $0) }
    }
}
