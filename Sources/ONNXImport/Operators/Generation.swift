// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph
import SaturatingArithmetic

/// Operators that make tensors from parameters.
let generationRules: [String: Rule] = [
    "Constant": importConstant, "ConstantOfShape": importConstantOfShape, "Range": importRange,
    "EyeLike": importEyeLike,
]

private func importConstant(_ op: NodeContext) throws(ConversionError) {
    let value: Constant
    if let tensor = try op.tensor("value") {
        value = tensor
    } else if op.has("value_float") {
        value = Constant(packing: [op.float("value_float", 0)], shape: [])
    } else if let values = op.floats("value_floats") {
        value = Constant(packing: values, shape: [values.count])
    } else if op.has("value_int") {
        value = Constant(ints: [op.int("value_int", 0)], shape: [])
    } else if let values = op.ints("value_ints") {
        value = Constant(ints: values)
    } else {
        throw op.unsupported("a constant without one of value, value_float(s), value_int(s).")
    }
    op.set(0, op.constant(value))
}

/// The value is repeated here when the shape is known, as no operator is needed then.
private func importConstantOfShape(_ op: NodeContext) throws(ConversionError) {
    let dims = try op.input(0)
    let value = try op.tensor("value") ?? Constant(packing: [0], shape: [1])
    guard case .inline(let element) = value.data, value.desc.elementCount == 1 else {
        throw op.invalid("attribute [value] must have one element.")
    }
    let shape = op.constant(dims)?.ints
    let desc = TensorDesc(value.desc.dataType, shape ?? [-1])
    if shape != nil, !desc.isStatic || !desc.isWithinLimits {
        throw op.invalid("shape \(desc.shape) is not that of a tensor.")
    }
    guard let size = desc.byteCount, op.importer.draft.budget.take(size) else {
        let scalar = op.constant(Constant(TensorDesc(value.desc.dataType, []), value.data))
        op.set(0, try op.emit("Fill", ["dims": dims, "value": scalar]))
        return
    }
    op.set(0, op.constant(Constant(desc, .inline(repeated(element, size: size)))))
}

/// `size` bytes that repeat `element`, a divisor of them.
private func repeated(_ element: [UInt8], size: Int) -> [UInt8] {
    if Set(element).count == 1 { return [UInt8](repeating: element[0], count: size) }
    return unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        // Each round doubles what is there.
        var filled = min(element.count, size)
        for index in 0..<filled {
            unsafe buffer[index] = element[index]
        }
        while filled < size, filled > 0 {
            let next = min(filled, size - filled)
            unsafe (buffer.baseAddress! + filled).update(from: buffer.baseAddress!, count: next)
            filled += next
        }
        count = filled
    }
}

private func importRange(_ op: NodeContext) throws(ConversionError) {
    op.set(
        0,
        try op.emit(
            "Range", ["start": op.input(0), "limit": op.input(1), "delta": op.input(2)],
            ["is_closed": .bool(false)]))
}

private func importEyeLike(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let shape = op.desc(x).shape
    let type = try op.dataType("dtype", op.desc(x).dataType)
    guard op.desc(x).isStatic, shape.count == 2, let one = Constant(scalar: 1, dataType: type),
        case .inline(let element) = one.data, let size = TensorDesc(type, shape).byteCount
    else { throw op.unsupported("an input that is no matrix of known size.") }
    guard op.importer.draft.budget.take(size) else {
        throw op.invalid("the matrix of shape \(shape) is more than may be computed at conversion.")
    }
    var bytes = [UInt8](repeating: 0, count: size)
    for row in 0..<shape[0] {
        let column = row + op.int("k", 0)
        guard (0..<shape[1]).contains(column) else { continue }
        let start = (row * shape[1] + column) * element.count
        bytes.replaceSubrange(start..<start + element.count, with: element)
    }
    op.set(0, op.constant(Constant(TensorDesc(type, shape), .inline(bytes))))
}
