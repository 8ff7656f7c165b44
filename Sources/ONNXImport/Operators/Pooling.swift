// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

let poolingRules: [String: Rule] = [
    "MaxPool": importMaxPool, "AveragePool": importAveragePool, "LpPool": importLpPool,
    "GlobalAveragePool": unary("GlobalAveragePool"), "GlobalMaxPool": importGlobalMaxPool,
    "GlobalLpPool": importGlobalLpPool,
]

/// Input and window of a pooling over two dimensions; one dimension is widened.
private struct PoolingParts {
    var x: TensorRef
    var window: Window
    let isOneDimensional: Bool
    let isVolume: Bool

    init(_ op: NodeContext) throws(ConversionError) {
        x = try op.input(0)
        let rank = try op.rank(x) - 2
        let kernel = try op.requiredInts("kernel_shape")
        guard (1...3).contains(rank), kernel.count == rank else {
            throw op.unsupported("a pooling over \(rank) dimensions with a kernel of \(kernel.count).")
        }
        window = try Window(op, kernel: kernel, input: Array(op.desc(x).shape.dropFirst(2)))
        isOneDimensional = rank == 1
        isVolume = rank == 3
        if isOneDimensional {
            window.widen()
            x = try op.unsqueeze(x, [2])
        }
    }

    /// The attributes that all poolings have. Explicit pads, since GE knows one SAME where ONNX has two.
    func attributes(_ op: NodeContext) -> [String: Attribute] {
        [
            "ksize": Window.full(window.kernel), "strides": Window.full(window.strides), "pads": window.padsAttribute,
            "padding_mode": .string("CALCULATED"), "ceil_mode": .bool(op.flag("ceil_mode", false)),
            "global_pooling": .bool(false), "data_format": .string(isVolume ? "NCDHW" : "NCHW"),
        ]
    }

    func finish(_ op: NodeContext, _ result: TensorRef) throws(ConversionError) {
        op.set(0, isOneDimensional ? try op.squeeze(result, [2]) : result)
    }
}

private func importMaxPool(_ op: NodeContext) throws(ConversionError) {
    guard !op.wants(1) else { throw op.unsupported("the output Indices.") }
    guard !op.flag("storage_order", false) else { throw op.unsupported("storage_order 1.") }
    let parts = try PoolingParts(op)
    var attributes = parts.attributes(op)
    if parts.window.dilations.contains(where: { $0 != 1 }) {
        attributes["dilation"] = Window.full(parts.window.dilations)
    }
    try parts.finish(op, try op.emit(parts.isVolume ? "MaxPool3D" : "MaxPoolV3", ["x": parts.x], attributes))
}

private func importAveragePool(_ op: NodeContext) throws(ConversionError) {
    let parts = try PoolingParts(op)
    guard parts.window.dilations.allSatisfy({ $0 == 1 }) else { throw op.unsupported("dilations.") }
    let includesPadding = op.flag("count_include_pad", false)
    var attributes = parts.attributes(op)
    attributes[parts.isVolume ? "count_include_pad" : "exclusive"] = .bool(
        parts.isVolume ? includesPadding : !includesPadding)
    attributes["divisor_override"] = .int(0)
    try parts.finish(op, try op.emit(parts.isVolume ? "AvgPool3D" : "AvgPoolV2", ["x": parts.x], attributes))
}

/// (sum over the window of |x|^p)^(1/p)
private func importLpPool(_ op: NodeContext) throws(ConversionError) {
    var parts = try PoolingParts(op)
    guard parts.window.dilations.allSatisfy({ $0 == 1 }) else { throw op.unsupported("dilations.") }
    guard !parts.isVolume else { throw op.unsupported("three dimensions.") }
    let power = Double(op.int("p", 2))
    let magnitude = try op.emit("Abs", ["x": parts.x])
    parts.x = try op.emit("Pow", ["x1": magnitude, "x2": op.scalar(power, like: parts.x)])
    var attributes = parts.attributes(op)
    attributes["exclusive"] = .bool(false)
    let mean = try op.emit("AvgPoolV2", ["x": parts.x], attributes)
    let area = Double(parts.window.kernel.reduce(1, *))
    let sum = try op.emit("Mul", ["x1": mean, "x2": op.scalar(area, like: mean)])
    try parts.finish(op, try op.emit("Pow", ["x1": sum, "x2": op.scalar(1 / power, like: sum)]))
}

private func importGlobalMaxPool(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let axes = op.constant(ints: Array(2..<max(2, try op.rank(x))), type: .int32)
    op.set(0, try op.emit("ReduceMax", ["x": x, "axes": axes], ["keep_dims": .bool(true)]))
}

private func importGlobalLpPool(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let axes = (2..<max(2, try op.rank(x))).map { Int64($0) }
    op.set(
        0,
        try op.emit(
            "LpNormV2", ["x": x],
            [
                "p": .float(Float(op.int("p", 2))), "axes": .ints(axes), "keepdim": .bool(true), "epsilon": .float(0),
            ]))
}
