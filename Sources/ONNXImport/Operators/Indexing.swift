// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

let indexingRules: [String: Rule] = [
    "Slice": importSlice, "Gather": importGather, "GatherElements": importGatherElements,
    "GatherND": importGatherND, "Scatter": importScatterElements, "ScatterElements": importScatterElements,
    "ScatterND": importScatterND, "NonZero": importNonZero, "TopK": importTopK, "OneHot": importOneHot,
    "Trilu": importTrilu, "ReverseSequence": importReverseSequence, "Compress": importCompress,
]

private let noMasks: [String: Attribute] = [
    "begin_mask": .int(0), "end_mask": .int(0), "ellipsis_mask": .int(0), "new_axis_mask": .int(0),
    "shrink_axis_mask": .int(0),
]

/// x[starts:ends:strides] along some axes.
func slice(
    _ op: NodeContext, _ x: TensorRef, starts: [Int], ends: [Int], axes: [Int], strides: [Int]? = nil
) throws(ConversionError) -> TensorRef {
    try op.emit(
        "StridedSliceV2",
        [
            "x": x, "begin": op.constant(ints: starts), "end": op.constant(ints: ends),
            "axes": op.constant(ints: axes), "strides": strides.map { op.constant(ints: $0) },
        ], noMasks)
}

/// Bounds are attributes up to opset 9, inputs from 10 on.
private func importSlice(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    if op.opset < 10 {
        let starts = try op.requiredInts("starts")
        op.set(
            0,
            try slice(
                op, x, starts: starts, ends: try op.requiredInts("ends"),
                axes: op.ints("axes") ?? Array(starts.indices)))
        return
    }
    op.set(
        0,
        try op.emit(
            "StridedSliceV2",
            [
                "x": x, "begin": op.input(1), "end": op.input(2), "axes": op.optionalInput(3),
                "strides": op.optionalInput(4),
            ], noMasks))
}

private func importGather(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let axis = try op.axis(op.int("axis", 0), rank: op.rank(x))
    op.set(
        0,
        try op.emit(
            "GatherV2",
            [
                "x": x, "indices": op.input(1),
                "axis": op.constant(Constant(ints: [axis], shape: [], dataType: .int32)),
            ],
            ["batch_dims": .int(0), "negative_index_support": .bool(true)]))
}

private func importGatherElements(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let axis = try op.axis(op.int("axis", 0), rank: op.rank(x))
    op.set(0, try op.emit("GatherElements", ["x": x, "index": op.input(1)], ["dim": .int(Int64(axis))]))
}

private func importGatherND(_ op: NodeContext) throws(ConversionError) {
    guard op.int("batch_dims", 0) == 0 else { throw op.unsupported("batch_dims other than 0.") }
    op.set(
        0,
        try op.emit(
            "GatherNd", ["x": op.input(0), "indices": op.input(1)], ["negative_index_support": .bool(true)]))
}

private func importScatterElements(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let axis = try op.axis(op.int("axis", 0), rank: op.rank(x))
    op.set(
        0,
        try op.emit(
            "ScatterElements", ["data": x, "indices": op.input(1), "updates": op.input(2)],
            ["axis": .int(Int64(axis)), "reduction": .string(op.string("reduction", "none"))]))
}

private func importScatterND(_ op: NodeContext) throws(ConversionError) {
    let reduction = op.string("reduction", "none")
    let types = ["none": "ScatterNdUpdate", "add": "ScatterNdAdd", "max": "ScatterNdMax", "min": "ScatterNdMin"]
    guard let type = types[reduction] else { throw op.unsupported("reduction [\(reduction)].") }
    // A copy, since the operator changes its first input in place.
    let copy = try op.emit("TensorMove", ["x": op.input(0)])
    op.set(
        0,
        try op.emit(
            type, ["var": copy, "indices": op.input(1), "updates": op.input(2)], ["use_locking": .bool(false)],
            output: "var"))
}

private func importNonZero(_ op: NodeContext) throws(ConversionError) {
    op.set(
        0,
        try op.emit("NonZero", ["x": op.input(0)], ["transpose": .bool(true), "dtype": .dataType(.int64)]))
}

/// k is an attribute up to opset 9, an input from 10 on.
private func importTopK(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let k =
        op.opset < 10
        ? op.constant(Constant(ints: [try op.requiredInt("k")], shape: [], dataType: .int32)) : try op.input(1)
    let results = try op.emit(
        "TopK", ["x": x, "k": k],
        [
            "dim": .int(Int64(try op.axis(op.int("axis", -1), rank: op.rank(x)))),
            "sorted": .bool(op.flag("sorted", true)), "largest": .bool(op.flag("largest", true)),
            "indices_dtype": .dataType(.int64),
        ], outputs: ["values", "indices"])
    op.set(0, results[0])
    op.set(1, results[1])
}

/// Indices from -depth to -1 count from the end; others outside give rows that are off. `values` holds the value for
/// off and the value for on.
private func importOneHot(_ op: NodeContext) throws(ConversionError) {
    let values = try op.input(2)
    let off = try op.squeeze(try slice(op, values, starts: [0], ends: [1], axes: [0]), [0])
    let on = try op.squeeze(try slice(op, values, starts: [1], ends: [2], axes: [0]), [0])
    var depth = try op.input(1)
    if op.desc(depth).shape != [] { depth = try op.reshape(depth, to: []) }
    let indices = try op.cast(try op.input(0), to: .int64)
    let fromEnd = try op.emit("Add", ["x1": indices, "x2": op.cast(depth, to: .int64)])
    let isNegative = try op.emit("Less", ["x1": indices, "x2": op.scalar(0, like: indices)])
    // GE's operator takes every negative index for one outside.
    let position = try op.emit(
        "SelectV2", ["condition": isNegative, "then": fromEnd, "else": indices], output: "result")
    op.set(
        0,
        try op.emit(
            "OneHot",
            ["x": position, "depth": try op.cast(depth, to: .int32), "on_value": on, "off_value": off],
            ["axis": .int(Int64(op.int("axis", -1)))]))
}

private func importTrilu(_ op: NodeContext) throws(ConversionError) {
    op.set(
        0,
        try op.emit(
            "Trilu", ["x": op.input(0), "k": op.optionalInput(1)], ["upper": .int(Int64(op.int("upper", 1)))]))
}

private func importReverseSequence(_ op: NodeContext) throws(ConversionError) {
    op.set(
        0,
        try op.emit(
            "ReverseSequence", ["x": op.input(0), "seq_lengths": op.input(1)],
            ["seq_dim": .int(Int64(op.int("time_axis", 0))), "batch_dim": .int(Int64(op.int("batch_axis", 1)))]))
}

/// The elements whose condition holds: their positions, then a gather.
private func importCompress(_ op: NodeContext) throws(ConversionError) {
    var x = try op.input(0)
    let positions = try op.emit(
        "NonZero", ["x": op.input(1)], ["transpose": .bool(true), "dtype": .dataType(.int64)])
    var axis = 0
    if op.has("axis") {
        axis = try op.axis(op.int("axis", 0), rank: op.rank(x))
    } else {
        x = try op.reshape(x, to: [-1])
    }
    op.set(
        0,
        try op.emit(
            "GatherV2",
            [
                "x": x, "indices": op.squeeze(positions, [0]),
                "axis": op.constant(Constant(ints: [axis], shape: [], dataType: .int32)),
            ],
            ["batch_dims": .int(0), "negative_index_support": .bool(true)]))
}
