// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

let reductionRules: [String: Rule] = [
    "ReduceMax": reduction("ReduceMax"), "ReduceMin": reduction("ReduceMin"), "ReduceMean": reduction("ReduceMean"),
    "ReduceProd": reduction("ReduceProd"), "ReduceSum": reduction("ReduceSum"),
    "ReduceLogSumExp": reduction("ReduceLogSumExp"), "ReduceLogSum": importReduceLogSum,
    "ReduceL1": norm(1), "ReduceL2": norm(2), "ReduceSumSquare": importReduceSumSquare,
    "ArgMax": argument("ArgMaxV2"), "ArgMin": argument("ArgMin"), "CumSum": importCumSum,
]

/// What a reduction runs over.
private struct ReducedAxes {
    let x: TensorRef
    /// Counted from 0; nil where nothing is reduced.
    let axes: [Int]?
    let keepsDimensions: Bool

    init(_ op: NodeContext) throws(ConversionError) {
        x = try op.input(0)
        keepsDimensions = op.flag("keepdims", true)
        let rank = try op.rank(x)
        let given = try op.constantInts(input: 1) ?? op.ints("axes") ?? []
        if given.isEmpty {
            axes = op.flag("noop_with_empty_axes", false) ? nil : Array(0..<rank)
        } else {
            var positive: [Int] = []
            for axis in given {
                positive.append(try op.axis(axis, rank: rank))
            }
            axes = positive.sorted()
        }
    }
}

private func reduction(_ type: String) -> Rule {
    { (op: NodeContext) throws(ConversionError) in
        let reduced = try ReducedAxes(op)
        op.set(0, try reduce(op, reduced.x, type, reduced))
    }
}

private func reduce(
    _ op: NodeContext, _ x: TensorRef, _ type: String, _ reduced: ReducedAxes
) throws(ConversionError) -> TensorRef {
    guard let axes = reduced.axes else { return try op.emit("Identity", ["x": x]) }
    return try op.emit(
        type, ["x": x, "axes": op.constant(ints: axes, type: .int32)], ["keep_dims": .bool(reduced.keepsDimensions)])
}

private func importReduceLogSum(_ op: NodeContext) throws(ConversionError) {
    let reduced = try ReducedAxes(op)
    op.set(0, try op.emit("Log", ["x": try reduce(op, reduced.x, "ReduceSum", reduced)]))
}

private func importReduceSumSquare(_ op: NodeContext) throws(ConversionError) {
    let reduced = try ReducedAxes(op)
    let square = try op.emit("Mul", ["x1": reduced.x, "x2": reduced.x])
    op.set(0, try reduce(op, square, "ReduceSum", reduced))
}

private func norm(_ power: Float) -> Rule {
    { (op: NodeContext) throws(ConversionError) in
        let reduced = try ReducedAxes(op)
        guard let axes = reduced.axes else {
            op.set(0, try op.emit("Abs", ["x": reduced.x]))
            return
        }
        op.set(
            0,
            try op.emit(
                "LpNormV2", ["x": reduced.x],
                [
                    "p": .float(power), "axes": .ints(axes.map { Int64($0) }),
                    "keepdim": .bool(reduced.keepsDimensions), "epsilon": .float(0),
                ]))
    }
}

private func argument(_ type: String) -> Rule {
    { (op: NodeContext) throws(ConversionError) in
        var x = try op.input(0)
        let axis = try op.axis(op.int("axis", 0), rank: op.rank(x))
        let size = op.desc(x).shape[axis]
        // GE finds the first of several equal elements; the last one is the first one from behind.
        let findsLast = op.flag("select_last_index", false)
        if findsLast {
            guard size > 0 else { throw op.unsupported("select_last_index 1 with a dimension of unknown size.") }
            x = try slice(op, x, starts: [-1], ends: [-size - 1], axes: [axis], strides: [-1])
        }
        let dimension = op.constant(Constant(ints: [axis], shape: [], dataType: .int32))
        var result = try op.emit(type, ["x": x, "dimension": dimension], ["dtype": .dataType(.int64)])
        if findsLast {
            let last = op.constant(Constant(ints: [size - 1], shape: []))
            result = try op.emit("Sub", ["x1": last, "x2": result])
        }
        op.set(0, op.flag("keepdims", true) ? try op.unsqueeze(result, [axis]) : result)
    }
}

private func importCumSum(_ op: NodeContext) throws(ConversionError) {
    op.set(
        0,
        try op.emit(
            "Cumsum", ["x": op.input(0), "axis": op.input(1)],
            ["exclusive": .bool(op.flag("exclusive", false)), "reverse": .bool(op.flag("reverse", false))]))
}
