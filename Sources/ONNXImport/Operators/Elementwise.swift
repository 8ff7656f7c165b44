// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// A GE operator with one input, one output and no attributes.
func unary(_ type: String, input: String = "x", output: String = "y") -> Rule {
    { (op: NodeContext) throws(ConversionError) in
        op.set(0, try op.emit(type, [input: op.input(0)], output: output))
    }
}

/// A GE operator with two inputs, one output and no attributes.
func binary(_ type: String, output: String = "y") -> Rule {
    { (op: NodeContext) throws(ConversionError) in
        op.set(0, try op.emit(type, ["x1": op.input(0), "x2": op.input(1)], output: output))
    }
}

/// An operator over any number of inputs, as a left fold of one with two inputs.
func chain(_ type: String) -> Rule {
    { (op: NodeContext) throws(ConversionError) in
        let inputs = try op.requiredInputs()
        guard inputs.count > 1 else {
            op.set(0, try op.emit("Identity", ["x": inputs[0]]))
            return
        }
        var result = inputs[0]
        for next in inputs.dropFirst() {
            result = try op.emit(type, ["x1": result, "x2": next])
        }
        op.set(0, result)
    }
}

let elementwiseRules: [String: Rule] = [
    "Abs": unary("Abs"), "Acos": unary("Acos"), "Acosh": unary("Acosh"), "Asin": unary("Asin"),
    "Asinh": unary("Asinh"), "Atan": unary("Atan"), "Atanh": unary("Atanh"), "Ceil": unary("Ceil"),
    "Cos": unary("Cos"), "Cosh": unary("Cosh"), "Erf": unary("Erf"), "Exp": unary("Exp"), "Floor": unary("Floor"),
    "Identity": unary("Identity"), "Log": unary("Log"), "Neg": unary("Neg"), "Reciprocal": unary("Reciprocal"),
    "Round": unary("Round"), "Sign": unary("Sign"), "Sin": unary("Sin"), "Sinh": unary("Sinh"),
    "Sqrt": unary("Sqrt"), "Tan": unary("Tan"), "Tanh": unary("Tanh"), "IsNaN": unary("IsNan"),
    "Not": unary("LogicalNot"), "BitwiseNot": unary("Invert"), "Det": unary("MatrixDeterminant"),

    "Add": binary("Add"), "Sub": binary("Sub"), "Mul": binary("Mul"), "Div": binary("RealDiv"), "Pow": binary("Pow"),
    "And": binary("LogicalAnd"), "Or": binary("LogicalOr"), "Equal": binary("Equal"), "Greater": binary("Greater"),
    "GreaterOrEqual": binary("GreaterEqual"), "Less": binary("Less"), "LessOrEqual": binary("LessEqual"),
    "BitwiseAnd": binary("BitwiseAnd"), "BitwiseOr": binary("BitwiseOr"), "BitwiseXor": binary("BitwiseXor"),

    "Max": chain("Maximum"), "Min": chain("Minimum"),
    // A chain of Add, not AccumulateNV2, since ONNX's operands broadcast and GE's have one shape.
    "Sum": chain("Add"), "Mean": importMean,

    "BitShift": importBitShift, "Cast": importCast, "CastLike": importCastLike, "Clip": importClip,
    "Dropout": importDropout, "IsInf": importIsInf, "Mod": importMod, "Where": importWhere, "Xor": importXor,
]

private func importMean(_ op: NodeContext) throws(ConversionError) {
    let inputs = try op.requiredInputs()
    var sum = inputs[0]
    for next in inputs.dropFirst() {
        sum = try op.emit("Add", ["x1": sum, "x2": next])
    }
    op.set(0, try op.emit("Mul", ["x1": sum, "x2": op.scalar(1 / Double(inputs.count), like: sum)]))
}

private func importBitShift(_ op: NodeContext) throws(ConversionError) {
    let type = op.string("direction", "") == "RIGHT" ? "RightShift" : "LeftShift"
    op.set(0, try op.emit(type, ["x": op.input(0), "y": op.input(1)], output: "z"))
}

private func importCast(_ op: NodeContext) throws(ConversionError) {
    let type = try op.dataType("to", .undefined)
    op.set(0, try op.emit("Cast", ["x": op.input(0)], ["dst_type": .int(Int64(type.rawValue))]))
}

private func importCastLike(_ op: NodeContext) throws(ConversionError) {
    let type = op.desc(try op.input(1)).dataType
    op.set(0, try op.emit("Cast", ["x": op.input(0)], ["dst_type": .int(Int64(type.rawValue))]))
}

/// Bounds are attributes up to opset 10 and optional inputs from 11 on. One that is absent is the least or the greatest
/// number of the type, so that it bounds infinities.
private func importClip(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    var low: TensorRef?
    var high: TensorRef?
    if op.opset < 11 {
        if op.has("min") { low = try op.scalar(Double(op.float("min", 0)), like: x) }
        if op.has("max") { high = try op.scalar(Double(op.float("max", 0)), like: x) }
    } else {
        (low, high) = (op.optionalInput(1), op.optionalInput(2))
    }
    if let greatest = op.desc(x).dataType.greatestFinite {
        if low == nil { low = try op.scalar(-greatest, like: x) }
        if high == nil { high = try op.scalar(greatest, like: x) }
    }
    let result: TensorRef
    switch (low, high) {
    case (let low?, let high?):
        result = try op.emit("ClipByValue", ["x": x, "clip_value_min": low, "clip_value_max": high])
    case (nil, let high?): result = try op.emit("Minimum", ["x1": x, "x2": high])
    case (let low?, nil): result = try op.emit("Maximum", ["x1": x, "x2": low])
    case (nil, nil): result = try op.emit("Identity", ["x": x])
    }
    op.set(0, result)
}

extension DataType {
    /// The greatest finite number of a type with infinities; nil for the others.
    fileprivate var greatestFinite: Double? {
        switch self {
        case .float: Double(Float.greatestFiniteMagnitude)
        case .double: .greatestFiniteMagnitude
        case .float16: Double(Float16.greatestFiniteMagnitude)
        case .bfloat16: Double(Float(bitPattern: 0x7f7f_0000))
        default: nil
        }
    }
}

/// The identity in inference; the mask says that everything was kept.
private func importDropout(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    if let training = op.optionalInput(2) {
        guard let value = op.constant(training)?.ints, value.count == 1 else {
            throw op.unsupported("input 2, training_mode, must be a constant, false.")
        }
        // With a ratio of 0 nothing is dropped, in training either.
        guard value[0] == 0 || op.constant(op.optionalInput(1))?.floats == [0] else {
            throw op.unsupported("training_mode is true, so that elements would be dropped at random.")
        }
    }
    op.set(0, try op.emit("Identity", ["x": x]))
    if op.wants(1) {
        let ones = try op.emit("OnesLike", ["x": x])
        op.set(1, try op.cast(ones, to: .bool))
    }
}

private func importIsInf(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    switch (op.flag("detect_negative", true), op.flag("detect_positive", true)) {
    case (true, true): op.set(0, try op.emit("IsInf", ["x": x]))
    case (false, true): op.set(0, try op.emit("Equal", ["x1": x, "x2": op.scalar(.infinity, like: x)]))
    case (true, false): op.set(0, try op.emit("Equal", ["x1": x, "x2": op.scalar(-.infinity, like: x)]))
    case (false, false): throw op.unsupported("detect_negative and detect_positive are both 0.")
    }
}

/// The sign of the result is the divisor's, or with fmod the dividend's.
private func importMod(_ op: NodeContext) throws(ConversionError) {
    let type = op.flag("fmod", false) ? "Mod" : "FloorMod"
    op.set(0, try op.emit(type, ["x1": op.input(0), "x2": op.input(1)]))
}

private func importWhere(_ op: NodeContext) throws(ConversionError) {
    op.set(
        0,
        try op.emit(
            "SelectV2", ["condition": op.input(0), "then": op.input(1), "else": op.input(2)], output: "result"))
}

private func importXor(_ op: NodeContext) throws(ConversionError) {
    op.set(0, try op.emit("NotEqual", ["x1": op.input(0), "x2": op.input(1)]))
}
