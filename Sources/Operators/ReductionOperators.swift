// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Reductions over axes. Types ending in D hold the axes in the attribute `axes`, the others in input 1.
enum Reduction {
    static let operators: [Operator] =
        pair("ReduceSum", Types.numbers, .sum) + pair("ReduceMean", Types.numbers, .mean)
        + pair("ReduceMax", Types.all, .maximum) + pair("ReduceMin", Types.all, .minimum)
        + pair("ReduceProd", Types.numbers, .product) + pair("ReduceAny", Types.bool, .any)
        + pair("ReduceAll", Types.bool, .all) + pair("ReduceLogSumExp", Types.reals, .logSumExp)
        + pair("ReduceLogSum", Types.reals, .logSum) + pair("EuclideanNorm", Types.numbers, .euclideanNorm)
        + [squareSum, lpNorm]

    private static func pair(_ type: String, _ types: Set<DataType>, _ function: ReductionFunction) -> [Operator] {
        [
            reduction(type, types, keepsDimensions: "keep_dims", axes: inputAxes) { _ in function },
            reduction(type + "D", types, keepsDimensions: "keep_dims", axes: attributeAxes("axes")) { _ in function },
        ]
    }

    private static let squareSum = reduction(
        "SquareSumV1", Types.numbers, keepsDimensions: "keep_dims", axes: attributeAxes("axis")
    ) { _ in .sumOfSquares }

    /// Norms of order 1 and 2, and of infinite order; other orders are refused.
    private static let lpNorm = reduction(
        "LpNormV2", Types.reals, keepsDimensions: "keepdim", axes: attributeAxes("axes")
    ) { node throws(GraphError) in
        let order = node.attributes.float("p") ?? 2
        switch order {
        case 1: return .sumOfAbsolutes
        case 2: return .euclideanNorm
        default: throw node.invalid("attribute p is \(order), expected 1 or 2")
        }
    }

    /// Axes counted from the front and sorted; nil where nothing is reduced.
    typealias Axes = @Sendable (Inference, _ rank: Int) throws(GraphError) -> [Int]?

    private static let inputAxes: Axes = { node, rank throws(GraphError) in
        try normalize(node.hasInput(1) ? node.constantInts(1) : [], node, rank)
    }

    static func attributeAxes(_ name: String) -> Axes {
        { node, rank throws(GraphError) in try normalize(node.attributes.ints(name) ?? [], node, rank) }
    }

    /// No axes stand for all of them, or with the attribute `noop_with_empty_axes` for none.
    private static func normalize(_ axes: [Int], _ node: Inference, _ rank: Int) throws(GraphError) -> [Int]? {
        if axes.isEmpty { return node.attributes.bool("noop_with_empty_axes") == true ? nil : Array(0..<rank) }
        var result = Set<Int>()
        for axis in axes { result.insert(try node.axis(axis, rank: rank)) }
        return result.sorted()
    }

    static func reduction(
        _ type: String, _ types: Set<DataType>, keepsDimensions: String, axes: @escaping Axes,
        _ function: @escaping @Sendable (Inference) throws(GraphError) -> ReductionFunction
    ) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.input(0, of: types)
                _ = try function(node)
                guard !x.shape.contains(-2), let axes = try axes(node, x.shape.count) else { return [x] }
                let keeps = node.attributes.bool(keepsDimensions) ?? false
                return [try node.output(x.dataType, reduced(x.shape, axes, keeps: keeps))]
            },
            lower: { lowering in
                let x = try lowering.input(0)
                guard let axes = try axes(lowering.inference, lowering.builder.shape(x).count) else { return [x] }
                return [try apply(function(lowering.inference), x, axes, lowering)]
            },
            fusesFollowers: true)
    }

    static func reduced(_ shape: [Int], _ axes: [Int], keeps: Bool) -> [Int] {
        shape.indices.compactMap { axes.contains($0) ? (keeps ? 1 : nil) : shape[$0] }
    }

    /// Emits the reduction with a vector kernel where there is one, else with one that takes any type.
    static func apply(_ function: ReductionFunction, _ x: Value, _ axes: [Int], _ lowering: Lowering) throws -> Value {
        let (builder, output) = (lowering.builder, lowering.outputs[0])
        if let result = try builder.reduction(x, function, axes: axes, output: output) { return result }
        let desc = builder.desc(x)
        return try lowering.native(function.kernel(desc.dataType, desc.shape, axes: Set(axes)), [x])[0]
    }
}
