// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Operators that update parts of a tensor by index. Negative indices count from the end. Constant indices outside the
/// tensor are refused; computed ones end the execution.
enum Scatter {
    static let operators: [Operator] =
        [scatterElements, scatterNd]
        + ["ScatterNd", "TensorScatter", "Scatter"].flatMap { family in
            reductions.map { update(family + $0.suffix, $0.reduction, byRow: family == "Scatter") }
        }

    private static let reductions: [(suffix: String, reduction: ScatterReduction)] = [
        ("Update", .replace), ("Add", .add), ("Sub", .subtract), ("Mul", .multiply), ("Max", .maximum),
        ("Min", .minimum),
    ]

    private static func noKernel(_ node: Inference, _ type: DataType) -> GraphError {
        node.invalid("elements of type \(type) cannot be combined")
    }

    /// Data, indices, and updates of the shape of the indices.
    private static let scatterElements = Operator(
        "ScatterElements",
        infer: { node throws(GraphError) in
            let x = try node.movable(0)
            let indices = try node.known(1).shape
            let updates = try node.movable(2).shape
            try node.checkSameType([0, 2])
            guard indices == updates else {
                throw node.invalid("indices of the shape \(indices) and updates of the shape \(updates) do not match")
            }
            _ = try elements(node)
            return [try node.moved(x, x.shape)]
        },
        lower: { lowering in
            let inputs = try [lowering.input(0), lowering.input(1), lowering.input(2)]
            return try lowering.native(elements(lowering.inference), inputs)
        })

    private static func elements(_ node: Inference) throws(GraphError) -> ScatterElementsKernel {
        let x = try node.input(0)
        let indices = try node.input(1).shape
        let axis = try node.elementAxis("axis", data: x.shape, indices: indices)
        try node.checkIndices(1, size: x.shape[axis])
        let names: [String: ScatterReduction] = [
            "none": .replace, "update": .replace, "add": .add, "mul": .multiply, "max": .maximum, "min": .minimum,
        ]
        let stated = node.attributes.string("reduction") ?? "none"
        guard let reduction = names[stated] else {
            throw node.invalid(
                "attribute reduction is '\(stated)', expected one of \(names.keys.sorted().joined(separator: ", "))")
        }
        let kernel = ScatterElementsKernel(
            dataType: x.dataType, data: x.shape, indices: indices, axis: axis, indexType: try node.indexType(1),
            reduction: reduction)
        guard let kernel else { throw noKernel(node, x.dataType) }
        return kernel
    }

    // MARK: Slices

    /// Data, tuples of indices, and one slice for each of them.
    /// - byRow: single indices of the first dimension instead of tuples.
    private static func update(_ type: String, _ reduction: ScatterReduction, byRow: Bool) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.movable(0)
                try node.checkSameType([0, 2])
                _ = try slices(node, x, indices: 1, reduction, byRow: byRow)
                return [try node.moved(x, x.shape)]
            },
            lower: { lowering in
                let node = lowering.inference
                let kernel = try slices(node, node.input(0), indices: 1, reduction, byRow: byRow)
                return try lowering.native(kernel, [lowering.input(0), lowering.input(1), lowering.input(2)])
            })
    }

    /// Tuples of indices, slices, and the shape of a tensor that is 0 elsewhere; slices of equal tuples are summed up.
    private static let scatterNd = Operator(
        "ScatterNd",
        infer: { node throws(GraphError) in
            let output = try zeros(node)
            _ = try slices(node, output, indices: 0, .add, byRow: false, startsFromZero: true)
            return [output]
        },
        lower: { lowering in
            let kernel = try slices(
                lowering.inference, lowering.outputs[0], indices: 0, .add, byRow: false, startsFromZero: true)
            return try lowering.native(kernel, [lowering.input(0), lowering.input(1)])
        })

    private static func zeros(_ node: Inference) throws(GraphError) -> TensorDesc {
        let shape = try node.list("shape", orInput: 2)
        guard shape.allSatisfy({ $0 >= 0 }), shape.count <= 64 else { throw node.invalid("\(shape) is not a shape") }
        return try node.moved(TensorDesc(node.movable(1).dataType, []), shape)
    }

    private static func slices(
        _ node: Inference, _ x: TensorDesc, indices slot: Int, _ reduction: ScatterReduction, byRow: Bool,
        startsFromZero: Bool = false
    ) throws(GraphError) -> ScatterNdKernel {
        let indices = try node.known(slot).shape
        let updates = try node.movable(slot + 1).shape
        let length = byRow ? 1 : indices.last ?? -1
        guard length >= 0, length <= x.shape.count else {
            throw node.invalid("indices of the shape \(indices) do not fit data of the shape \(x.shape)")
        }
        let tuples = byRow ? indices : indices.dropLast()
        guard updates == tuples + x.shape[length...] else {
            throw node.invalid(
                "the updates have the shape \(updates), expected \(Array(tuples + x.shape[length...])) "
                    + "for indices of the shape \(indices) and data of the shape \(x.shape)")
        }
        let sizes = Array(x.shape[..<length])
        try node.checkTuples(slot, sizes: sizes)
        let kernel = ScatterNdKernel(
            dataType: x.dataType, sizes: sizes, inner: x.shape[length...].product, count: tuples.product,
            indexType: try node.indexType(slot), reduction: reduction, startsFromZero: startsFromZero)
        guard let kernel else { throw noKernel(node, x.dataType) }
        return kernel
    }
}
