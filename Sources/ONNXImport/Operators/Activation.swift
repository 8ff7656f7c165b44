// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

let activationRules: [String: Rule] = [
    "Relu": unary("Relu"), "Sigmoid": unary("Sigmoid"), "Softplus": unary("Softplus"), "Softsign": unary("Softsign"),
    "Mish": unary("Mish"), "HardSwish": unary("HardSwish"), "Selu": importSelu, "Celu": importCelu,
    "Elu": importElu, "LeakyRelu": importLeakyRelu, "HardSigmoid": importHardSigmoid, "Gelu": importGelu,
    "PRelu": importPRelu, "Shrink": importShrink, "ThresholdedRelu": importThresholdedRelu, "Swish": importSwish,
    "Hardmax": importHardmax, "Softmax": importSoftmax, "LogSoftmax": importLogSoftmax,
]

/// gamma · elu(x); GE's Selu has its two numbers built in.
private func importSelu(_ op: NodeContext) throws(ConversionError) {
    let (alpha, gamma) = (op.float("alpha", 1.67326324), op.float("gamma", 1.05070102))
    if abs(alpha - 1.67326324) < 1e-5, abs(gamma - 1.05070102) < 1e-5 {
        op.set(0, try op.emit("Selu", ["x": op.input(0)]))
    } else {
        op.set(
            0,
            try op.emit(
                "Elu", ["x": op.input(0)],
                ["alpha": .float(alpha), "scale": .float(gamma), "input_scale": .float(1)]))
    }
}

private func importCelu(_ op: NodeContext) throws(ConversionError) {
    let alpha = op.float("alpha", 1)
    op.set(
        0,
        try op.emit(
            "Celu", ["x": op.input(0)], ["alpha1": .float(alpha), "alpha2": .float(alpha), "alpha3": .float(1)]))
}

private func importElu(_ op: NodeContext) throws(ConversionError) {
    op.set(
        0,
        try op.emit(
            "Elu", ["x": op.input(0)],
            ["alpha": .float(op.float("alpha", 1)), "scale": .float(1), "input_scale": .float(1)]))
}

private func importLeakyRelu(_ op: NodeContext) throws(ConversionError) {
    op.set(
        0, try op.emit("LeakyRelu", ["x": op.input(0)], ["negative_slope": .float(op.float("alpha", 0.01))]))
}

private func importHardSigmoid(_ op: NodeContext) throws(ConversionError) {
    op.set(
        0,
        try op.emit(
            "HardSigmoid", ["input_x": op.input(0)],
            ["alpha": .float(op.float("alpha", 0.2)), "beta": .float(op.float("beta", 0.5))], output: "output_y"))
}

/// GE's Gelu is the exact one unless `approximate` says `tanh`.
private func importGelu(_ op: NodeContext) throws(ConversionError) {
    let approximate = op.string("approximate", "none")
    op.set(
        0,
        try op.emit(
            approximate == "tanh" ? "Gelu" : "GeluV2", ["x": op.input(0)], ["approximate": .string(approximate)]))
}

/// ONNX's slope broadcasts to x from the last dimension on; in GE a slope of one dimension belongs to the channels. A
/// dimension of 1 before it says the former in both.
private func importPRelu(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    var slope = try op.input(1)
    if try op.rank(slope) == 1, op.desc(slope).elementCount != 1, try op.rank(x) > 2 {
        slope = try op.unsqueeze(slope, [0])
    }
    op.set(0, try op.emit("PRelu", ["x": x, "weight": slope]))
}

private func importShrink(_ op: NodeContext) throws(ConversionError) {
    op.set(
        0,
        try op.emit(
            "Shrink", ["input_x": op.input(0)],
            ["lambd": .float(op.float("lambd", 0.5)), "bias": .float(op.float("bias", 0))], output: "output_y"))
}

/// x where x > alpha, else 0.
private func importThresholdedRelu(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let mask = try op.emit("Greater", ["x1": x, "x2": op.scalar(Double(op.float("alpha", 1)), like: x)])
    op.set(
        0, try op.emit("SelectV2", ["condition": mask, "then": x, "else": op.scalar(0, like: x)], output: "result"))
}

private func importSwish(_ op: NodeContext) throws(ConversionError) {
    op.set(0, try op.emit("Swish", ["x": op.input(0)], ["scale": .float(op.float("alpha", 1))]))
}

private func importHardmax(_ op: NodeContext) throws(ConversionError) {
    try importNormalizingRow(op) { (x, axis) throws(ConversionError) in
        try op.emit("HardMax", ["x": x], ["axis": .int(Int64(axis))])
    }
}

private func importSoftmax(_ op: NodeContext) throws(ConversionError) {
    try importNormalizingRow(op) { (x, axis) throws(ConversionError) in
        try op.emit("SoftmaxV2", ["x": x], ["axes": .ints([Int64(axis)]), "half_to_float": .bool(false)])
    }
}

private func importLogSoftmax(_ op: NodeContext) throws(ConversionError) {
    try importNormalizingRow(op) { (x, axis) throws(ConversionError) in
        try op.emit("LogSoftmaxV2", ["logits": x], ["axes": .ints([Int64(axis)])], output: "logsoftmax")
    }
}

/// Up to opset 12 the dimensions from `axis` on form one row; from 13 on the row lies along `axis` alone.
private func importNormalizingRow(
    _ op: NodeContext, _ emit: (TensorRef, Int) throws(ConversionError) -> TensorRef
) throws(ConversionError) {
    let x = try op.input(0)
    let rank = try op.rank(x)
    if op.opset >= 13 {
        op.set(0, try emit(x, try op.axis(op.int("axis", -1), rank: rank)))
        return
    }
    let axis = try op.axis(op.int("axis", 1), rank: rank)
    let shape = op.desc(x).shape
    if shape[(axis + 1)...].allSatisfy({ $0 == 1 }) {
        op.set(0, try emit(x, axis))
        return
    }
    guard op.desc(x).isStatic else { throw op.unsupported("rows over several dimensions of unknown size.") }
    let rows = try op.reshape(x, to: [shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *)])
    op.set(0, try op.reshape(try emit(rows, 1), to: shape))
}
