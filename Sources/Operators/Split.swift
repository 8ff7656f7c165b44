// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Operators that cut a tensor along a dimension.
enum Split {
    static let operators: [Operator] = [
        split("Split", x: 1) { node, x throws(GraphError) in
            try equal(node, x, axis: node.number("split_dim", orInput: 0))
        },
        split("SplitD") { node, x throws(GraphError) in
            try equal(node, x, axis: node.number("split_dim", orInput: nil))
        },
        split("SplitV") { node, x throws(GraphError) in
            try given(node, x, axis: node.number("split_dim", orInput: 2), node.list("size_splits", orInput: 1))
        },
        split("SplitVD") { node, x throws(GraphError) in
            try given(node, x, axis: node.number("split_dim", orInput: nil), node.list("size_splits", orInput: nil))
        },
        split("Unpack", dropsAxis: true) { node, x throws(GraphError) in
            let axis = try node.axis(node.attributes.int("axis") ?? 0, rank: x.count)
            let count = node.attributes.int("num") ?? x[axis]
            guard count == x[axis], count <= outputLimit(node) else {
                throw node.invalid(
                    "attribute num is \(count), dimension \(axis) of the shape \(x) is \(x[axis]), and there are "
                        + "\(outputLimit(node)) outputs")
            }
            return Parts(axis: axis, sizes: [Int](repeating: 1, count: count))
        },
    ]

    private struct Parts {
        var axis: Int
        var sizes: [Int]
    }

    /// The most outputs; keeps a damaged number from taking memory.
    private static func outputLimit(_ node: Inference) -> Int { node.outputCount(of: 65536) }

    /// - x: slot of the tensor. - dropsAxis: whether the parts, of size 1, lose the dimension.
    private static func split(
        _ type: String, x slot: Int = 0, dropsAxis: Bool = false,
        _ parts: @escaping @Sendable (Inference, [Int]) throws(GraphError) -> Parts
    ) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.movable(slot)
                let parts = try parts(node, x.shape)
                var outputs: [TensorDesc] = []
                for size in parts.sizes {
                    var shape = x.shape
                    shape[parts.axis] = size
                    if dropsAxis { shape.remove(at: parts.axis) }
                    outputs.append(try node.moved(x, shape))
                }
                return outputs
            },
            lower: { lowering in
                let x = try lowering.input(slot)
                let shape = lowering.builder.shape(x)
                let parts = try parts(lowering.inference, shape)
                if parts.sizes.count == 1 { return [try lowering.builder.reshape(x, to: lowering.outputs[0].shape)] }
                let outer = shape[..<parts.axis].product
                let inner = shape[(parts.axis + 1)...].product
                var offset = 0
                var regions: [RegionCopyKernel.Region] = []
                for (index, size) in parts.sizes.enumerated() {
                    regions.append(
                        .init(
                            output: index, elementBytes: lowering.outputs[index].elementBytes,
                            dimensions: [
                                CopyDimension(size: outer, source: shape[parts.axis] * inner, target: size * inner),
                                CopyDimension(size: size * inner, source: 1, target: 1),
                            ], sourceOffset: offset * inner))
                    offset += size
                }
                return try lowering.builder.native(RegionCopyKernel(regions), inputs: [x], outputs: lowering.outputs)
            })
    }

    private static func outputCount(_ node: Inference) throws(GraphError) -> Int {
        let count = node.attributes.int("num_split") ?? node.node.outputs.count
        guard count > 0, count <= outputLimit(node) else {
            throw node.invalid("attribute num_split is \(count), expected 1 to \(outputLimit(node))")
        }
        return count
    }

    private static func equal(_ node: Inference, _ x: [Int], axis: Int) throws(GraphError) -> Parts {
        let axis = try node.axis(axis, rank: x.count)
        let count = try outputCount(node)
        guard x[axis] % count == 0 else {
            throw node.invalid("dimension \(axis) of the shape \(x) cannot be cut into \(count) equal parts")
        }
        return Parts(axis: axis, sizes: [Int](repeating: x[axis] / count, count: count))
    }

    /// Parts of the given sizes, of which one may be −1 for what is left.
    private static func given(_ node: Inference, _ x: [Int], axis: Int, _ sizes: [Int]) throws(GraphError) -> Parts {
        let axis = try node.axis(axis, rank: x.count)
        let count = try outputCount(node)
        guard sizes.count == count else { throw node.invalid("there are \(sizes.count) sizes for \(count) outputs") }
        var total = 0
        for size in sizes where size != -1 {
            let (sum, overflow) = total.addingReportingOverflow(size)
            guard size >= 0, !overflow else { throw node.invalid("the sizes \(sizes) are not sizes") }
            total = sum
        }
        let open = sizes.indices.filter { sizes[$0] == -1 }
        guard open.count <= 1, open.isEmpty ? total == x[axis] : total <= x[axis] else {
            throw node.invalid("the sizes \(sizes) do not add up to dimension \(axis) of the shape \(x)")
        }
        var result = sizes
        for index in open { result[index] = x[axis] - total }
        return Parts(axis: axis, sizes: result)
    }
}
