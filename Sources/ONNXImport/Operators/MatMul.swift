// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

let matMulRules: [String: Rule] = ["MatMul": importMatMul, "Gemm": importGemm, "Einsum": importEinsum]

/// A vector on either side becomes a matrix of one row or column for the product.
private func importMatMul(_ op: NodeContext) throws(ConversionError) {
    var (left, right) = (try op.input(0), try op.input(1))
    let leftIsVector = try op.rank(left) == 1
    let rightIsVector = try op.rank(right) == 1
    if leftIsVector { left = try op.unsqueeze(left, [0]) }
    if rightIsVector { right = try op.unsqueeze(right, [1]) }
    var result = try op.emit(
        "BatchMatMulV2", ["x1": left, "x2": right],
        ["adj_x1": .bool(false), "adj_x2": .bool(false), "offset_x": .int(0)])
    if leftIsVector { result = try op.squeeze(result, [-2]) }
    if rightIsVector { result = try op.squeeze(result, [-1]) }
    op.set(0, result)
}

/// alpha · A · B + beta · C
private func importGemm(_ op: NodeContext) throws(ConversionError) {
    var result = try op.emit(
        "MatMulV2", ["x1": op.input(0), "x2": op.input(1)],
        [
            "transpose_x1": .bool(op.flag("transA", false)), "transpose_x2": .bool(op.flag("transB", false)),
            "offset_x": .int(0),
        ])
    let alpha = op.float("alpha", 1)
    if alpha != 1 {
        result = try op.emit("Mul", ["x1": result, "x2": op.scalar(Double(alpha), like: result)])
    }
    if var addend = op.optionalInput(2) {
        let beta = op.float("beta", 1)
        if beta != 1 {
            addend = try op.emit("Mul", ["x1": addend, "x2": op.scalar(Double(beta), like: addend)])
        }
        result = try op.emit("Add", ["x1": result, "x2": addend])
    }
    op.set(0, result)
}

private func importEinsum(_ op: NodeContext) throws(ConversionError) {
    let inputs = try op.requiredInputs()
    op.set(
        0,
        try op.emit(
            "Einsum", list: inputs,
            ["equation": .string(op.string("equation", "")), "N": .int(Int64(inputs.count))]))
}
