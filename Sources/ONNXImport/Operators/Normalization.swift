// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

let normalizationRules: [String: Rule] = [
    "BatchNormalization": importBatchNormalization, "InstanceNormalization": importInstanceNormalization,
    "LayerNormalization": importLayerNormalization, "GroupNormalization": importGroupNormalization,
    "LRN": importLRN, "LpNormalization": importLpNormalization,
    "MeanVarianceNormalization": importMeanVarianceNormalization,
]

private func importBatchNormalization(_ op: NodeContext) throws(ConversionError) {
    guard !op.flag("training_mode", false) else { throw op.unsupported("training_mode 1.") }
    let result = try op.emit(
        "BatchNorm",
        [
            "x": op.input(0), "scale": op.input(1), "offset": op.input(2), "mean": op.input(3),
            "variance": op.input(4),
        ],
        [
            "epsilon": .float(op.float("epsilon", 1e-5)), "data_format": .string("NCHW"), "is_training": .bool(false),
            "exponential_avg_factor": .float(1),
        ])
    op.set(0, result)
}

private func importInstanceNormalization(_ op: NodeContext) throws(ConversionError) {
    op.set(
        0,
        try op.emit(
            "InstanceNorm", ["x": op.input(0), "gamma": op.input(1), "beta": op.input(2)],
            ["data_format": .string("NCHW"), "epsilon": .float(op.float("epsilon", 1e-5))]))
}

private func importLayerNormalization(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let rank = try op.rank(x)
    let axis = try op.axis(op.int("axis", -1), rank: rank)
    let gamma = try op.input(1)
    let epsilon = op.float("epsilon", 1e-5)
    // A zero for each element of gamma where the model has no offset.
    let beta: TensorRef
    if let given = op.optionalInput(2) {
        beta = given
    } else {
        beta = try op.emit("Mul", ["x1": gamma, "x2": op.scalar(0, like: gamma)])
    }
    let attributes: [String: Attribute] = [
        "begin_norm_axis": .int(Int64(axis)), "begin_params_axis": .int(Int64(axis)), "epsilon": .float(epsilon),
    ]
    guard op.wants(1) || op.wants(2) else {
        op.set(0, try op.emit("LayerNorm", ["x": x, "gamma": gamma, "beta": beta], attributes))
        return
    }
    let results = try op.emit(
        "LayerNorm", ["x": x, "gamma": gamma, "beta": beta], attributes, outputs: ["y", "mean", "variance"])
    op.set(0, results[0])
    op.set(1, results[1])
    let shifted = try op.emit("Add", ["x1": results[2], "x2": op.scalar(Double(epsilon), like: results[2])])
    op.set(2, try op.emit("Rsqrt", ["x": shifted]))
}

/// Normalises each group as one row, then scales each channel.
private func importGroupNormalization(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let shape = op.desc(x).shape
    let groups = try op.requiredInt("num_groups")
    guard op.desc(x).isStatic, shape.count >= 2, groups > 0, shape[1] % groups == 0 else {
        throw op.unsupported("an input of shape \(shape) in \(groups) groups.")
    }
    let rows = try op.reshape(x, to: [shape[0], groups, shape[1...].reduce(1, *) / groups])
    let axes = op.constant(ints: [2], type: .int32)
    let mean = try op.emit("ReduceMean", ["x": rows, "axes": axes], ["keep_dims": .bool(true)])
    let centred = try op.emit("Sub", ["x1": rows, "x2": mean])
    let square = try op.emit("Mul", ["x1": centred, "x2": centred])
    let variance = try op.emit("ReduceMean", ["x": square, "axes": axes], ["keep_dims": .bool(true)])
    let epsilon = try op.scalar(Double(op.float("epsilon", 1e-5)), like: x)
    let deviation = try op.emit("Sqrt", ["x": op.emit("Add", ["x1": variance, "x2": epsilon])])
    var result = try op.reshape(try op.emit("RealDiv", ["x1": centred, "x2": deviation]), to: shape)
    // Per group up to opset 20, per channel from 21 on.
    for (slot, kind) in [(1, "Mul"), (2, "Add")] {
        var operand = try op.input(slot)
        if op.opset < 21 {
            operand = try op.emit(
                "Expand",
                [
                    "x": op.reshape(operand, to: [groups, 1]),
                    "shape": op.constant(ints: [groups, shape[1] / groups]),
                ])
        }
        operand = try op.reshape(operand, to: [shape[1]] + [Int](repeating: 1, count: shape.count - 2))
        result = try op.emit(kind, ["x1": result, "x2": operand])
    }
    op.set(0, result)
}

private func importLRN(_ op: NodeContext) throws(ConversionError) {
    let size = try op.requiredInt("size")
    guard size > 0, size % 2 == 1 else { throw op.unsupported("an even size.") }
    op.set(
        0,
        try op.emit(
            "LRN", ["x": op.input(0)],
            [
                "depth_radius": .int(Int64((size - 1) / 2)), "bias": .float(op.float("bias", 1)),
                // ONNX divides alpha by the size of the window, GE does not.
                "alpha": .float(op.float("alpha", 0.0001) / Float(size)), "beta": .float(op.float("beta", 0.75)),
                "norm_region": .string("ACROSS_CHANNELS"),
            ]))
}

private func importLpNormalization(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let axis = try op.axis(op.int("axis", -1), rank: op.rank(x))
    let norm = try op.emit(
        "LpNormV2", ["x": x],
        [
            "p": .float(Float(op.int("p", 2))), "axes": .ints([Int64(axis)]), "keepdim": .bool(true),
            "epsilon": .float(0),
        ])
    // A row of zeros stays one.
    let divisor = try op.emit(
        "Maximum", ["x1": norm, "x2": op.scalar(Double(Float.leastNormalMagnitude), like: norm)])
    op.set(0, try op.emit("RealDiv", ["x1": x, "x2": divisor]))
}

private func importMeanVarianceNormalization(_ op: NodeContext) throws(ConversionError) {
    let axes = op.ints("axes") ?? [0, 2, 3]
    op.set(
        0,
        try op.emit("MVNV2", ["x": op.input(0)], ["eps": .float(1e-9), "axes": .ints(axes.map { Int64($0) })]))
}
