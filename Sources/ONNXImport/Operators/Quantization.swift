// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// Quantised tensors as what ONNX defines them by: GE's AscendQuant multiplies with the inverse of the scale, which rounds
/// differently.
let quantizationRules: [String: Rule] = [
    "QuantizeLinear": importQuantizeLinear, "DequantizeLinear": importDequantizeLinear,
]

/// Types whose numbers a float32 holds exactly.
private let narrowTypes: Set<DataType> = [.int8, .uint8, .int16, .uint16]

/// saturate(round(x / y_scale) + y_zero_point), halves to even.
private func importQuantizeLinear(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let zeroPoint = op.optionalInput(2)
    let given = zeroPoint.map { op.desc($0).dataType } ?? .uint8
    let type = op.int("output_dtype", 0) == 0 ? given : try op.dataType("output_dtype", given)
    guard narrowTypes.contains(type) else { throw op.unsupported("data type \(type) of the result.") }
    let scale = try alongAxis(op, try op.cast(try op.input(1), to: .float), of: x)
    var result = try op.emit("RealDiv", ["x1": op.cast(x, to: .float), "x2": scale])
    result = try op.emit("Rint", ["x": result])
    if let zeroPoint, !isZero(op, zeroPoint) {
        let offset = try alongAxis(op, try op.cast(zeroPoint, to: .float), of: x)
        result = try op.emit("Add", ["x1": result, "x2": offset])
    }
    op.set(0, try op.cast(result, to: type))
}

/// (x - x_zero_point) * x_scale.
private func importDequantizeLinear(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let type = op.desc(x).dataType
    guard narrowTypes.contains(type) || type == .int32 else { throw op.unsupported("data type \(type) of the input.") }
    var result = x
    if let zeroPoint = op.optionalInput(2), !isZero(op, zeroPoint) {
        // Differences of 32-bit numbers need all their bits.
        let wide: DataType = type == .int32 ? .int32 : .float
        let offset = try alongAxis(op, try op.cast(zeroPoint, to: wide), of: x)
        result = try op.emit("Sub", ["x1": op.cast(x, to: wide), "x2": offset])
    }
    let given = try op.input(1)
    let scale = try alongAxis(op, try op.cast(given, to: .float), of: x)
    result = try op.emit("Mul", ["x1": op.cast(result, to: .float), "x2": scale])
    op.set(0, try op.cast(result, to: op.desc(given).dataType))
}

/// Parameters for the whole tensor as they are, those for each index of `axis` so that they broadcast to it.
private func alongAxis(
    _ op: NodeContext, _ parameters: TensorRef, of x: TensorRef
) throws(ConversionError) -> TensorRef {
    guard op.int("block_size", 0) == 0 else { throw op.unsupported("attribute [block_size].") }
    let shape = op.desc(parameters).shape
    if op.desc(parameters).elementCount == 1 { return try op.reshape(parameters, to: []) }
    let rank = try op.rank(x)
    let axis = try op.axis(op.int("axis", 1), rank: rank)
    guard shape.count == 1, op.desc(x).shape[axis] == shape[0] else {
        throw op.invalid("parameters of shape \(shape) do not fit dimension \(axis) of the shape \(op.desc(x).shape).")
    }
    return try op.reshape(parameters, to: shape + [Int](repeating: 1, count: rank - axis - 1))
}

private func isZero(_ op: NodeContext, _ ref: TensorRef) -> Bool {
    guard case .inline(let bytes)? = op.constant(ref)?.data else { return false }
    return bytes.allSatisfy { $0 == 0 }
}
