// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Operators that pick parts of a tensor by index. Negative indices count from the end. Constant indices outside the
/// tensor are refused; computed ones end the execution.
enum Gather {
    static let operators: [Operator] = [
        gather("GatherV2") { node throws(GraphError) in try node.number("axis", orInput: 2) },
        gather("GatherV2D") { node throws(GraphError) in try node.number("axis", orInput: nil) },
        gather("Gather") { node throws(GraphError) in try batchDimensions(node, node.input(1).shape.count) },
        gatherElements, gatherNd,
    ]

    private static func batchDimensions(_ node: Inference, _ rank: Int) throws(GraphError) -> Int {
        let stated = node.attributes.int("batch_dims") ?? 0
        guard stated >= -rank, stated <= rank else {
            throw node.invalid("attribute batch_dims is \(stated), but the indices have \(rank) dimensions")
        }
        return stated < 0 ? stated + rank : stated
    }

    /// Refuses batch dimensions that two inputs do not share.
    private static func checkBatch(
        _ node: Inference, _ batch: Int, _ x: [Int], _ indices: [Int]
    ) throws(GraphError) {
        guard batch <= x.count, batch <= indices.count, x[..<batch] == indices[..<batch] else {
            throw node.invalid("the shapes \(x) and \(indices) differ in the first \(batch) dimensions")
        }
    }

    private static func gather(
        _ type: String, axis: @escaping @Sendable (Inference) throws(GraphError) -> Int
    ) -> Operator {
        @Sendable func parameters(_ node: Inference) throws(GraphError) -> (axis: Int, batch: Int) {
            let (x, indices) = (try node.movable(0).shape, try node.known(1).shape)
            let batch = try batchDimensions(node, indices.count)
            try checkBatch(node, batch, x, indices)
            let axis = try node.axis(axis(node), rank: x.count)
            guard axis >= batch else { throw node.invalid("axis \(axis) is one of the \(batch) batch dimensions") }
            return (axis, batch)
        }
        return Operator(
            type,
            infer: { node throws(GraphError) in
                let (axis, batch) = try parameters(node)
                let x = try node.input(0)
                _ = try node.indexType(1)
                try node.checkIndices(1, size: x.shape[axis])
                let picked = try node.input(1).shape[batch...]
                return [try node.moved(x, Array(x.shape[..<axis]) + picked + x.shape[(axis + 1)...])]
            },
            lower: { lowering in
                let node = lowering.inference
                let (axis, batch) = try parameters(node)
                let x = try node.input(0)
                let outer = x.shape[batch..<axis].product
                let inner = x.shape[(axis + 1)...].product
                let size = x.shape[axis]
                let indices = try node.input(1).shape
                if let index = node.optionalConstantInts(1), index.count == 1, batch == 0 {
                    let first = index[0] < 0 ? index[0] + size : index[0]
                    return try lowering.copy(
                        lowering.input(0),
                        [
                            CopyDimension(size: outer, source: size * inner, target: inner),
                            CopyDimension(size: inner, source: 1, target: 1),
                        ], sourceOffset: first * inner)
                }
                let kernel = GatherKernel(
                    batch: x.shape[..<batch].product, outer: outer, size: size, innerBytes: inner * x.elementBytes,
                    count: indices[batch...].product, indexType: try node.indexType(1))
                return try lowering.native(kernel, [lowering.input(0), lowering.input(1)])
            })
    }

    /// One element for each index along dimension `dim`.
    private static let gatherElements = Operator(
        "GatherElements",
        infer: { node throws(GraphError) in
            let x = try node.movable(0)
            let indices = try node.known(1)
            _ = try node.indexType(1)
            let axis = try node.elementAxis("dim", data: x.shape, indices: indices.shape)
            try node.checkIndices(1, size: x.shape[axis])
            return [try node.moved(x, indices.shape)]
        },
        lower: { lowering in
            let node = lowering.inference
            let x = try node.input(0)
            let indices = try node.input(1).shape
            let kernel = GatherElementsKernel(
                elementBytes: x.elementBytes, data: x.shape, indices: indices,
                axis: try node.elementAxis("dim", data: x.shape, indices: indices), indexType: try node.indexType(1))
            return try lowering.native(kernel, [lowering.input(0), lowering.input(1)])
        })

    /// Slices named by tuples of indices, the last dimension of the second input.
    private static let gatherNd = Operator(
        "GatherNd",
        infer: { node throws(GraphError) in
            let x = try node.movable(0)
            let indices = try node.known(1).shape
            _ = try node.indexType(1)
            let batch = try batchDimensions(node, indices.count)
            try checkBatch(node, batch, x.shape, indices)
            guard let length = indices.last, indices.count > batch, batch + length <= x.shape.count else {
                throw node.invalid("indices of the shape \(indices) do not fit data of the shape \(x.shape)")
            }
            try node.checkTuples(1, sizes: Array(x.shape[batch..<batch + length]))
            return [try node.moved(x, indices.dropLast() + x.shape[(batch + length)...])]
        },
        lower: { lowering in
            let node = lowering.inference
            let x = try node.input(0)
            let indices = try node.input(1).shape
            let batch = try batchDimensions(node, indices.count)
            let length = indices[indices.count - 1]
            let kernel = GatherNdKernel(
                batch: x.shape[..<batch].product, sizes: Array(x.shape[batch..<batch + length]),
                innerBytes: x.shape[(batch + length)...].product * x.elementBytes,
                count: indices[batch...].dropLast().product, indexType: try node.indexType(1))
            return try lowering.native(kernel, [lowering.input(0), lowering.input(1)])
        })
}

extension Inference {
    /// The axis of an operator that looks up single elements, with its shapes checked.
    func elementAxis(_ attribute: String, data: [Int], indices: [Int]) throws(GraphError) -> Int {
        let axis = try self.axis(attributes.int(attribute) ?? 0, rank: data.count)
        guard data.count == indices.count,
            data.indices.allSatisfy({ $0 == axis || indices[$0] <= data[$0] })
        else { throw invalid("indices of the shape \(indices) do not fit data of the shape \(data)") }
        return axis
    }

    /// Refuses constant tuples of indices that point outside dimensions of `sizes`.
    func checkTuples(_ slot: Int, sizes: [Int]) throws(GraphError) {
        guard !sizes.isEmpty, let indices = optionalConstantInts(slot) else { return }
        for (number, index) in indices.enumerated() {
            let size = sizes[number % sizes.count]
            guard index >= -size, index < size else {
                throw invalid("index \(index) in input \(slot) is outside a dimension of size \(size)")
            }
        }
    }
}
