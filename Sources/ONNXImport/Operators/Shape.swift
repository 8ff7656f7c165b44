// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

let shapeRules: [String: Rule] = [
    "Reshape": importReshape, "Flatten": importFlatten, "Squeeze": importSqueeze, "Unsqueeze": importUnsqueeze,
    "Transpose": importTranspose, "Concat": importConcat, "Split": importSplit, "Expand": importExpand,
    "Tile": importTile, "Shape": importShape, "Size": importSize, "Pad": importPad,
    "DepthToSpace": importDepthToSpace, "SpaceToDepth": importSpaceToDepth,
]

/// With constant sizes and a known input, 0 and -1 are replaced by what they stand for.
private func importReshape(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let shape = try op.input(1)
    let desc = op.desc(x)
    guard let wanted = op.constant(shape)?.ints, !op.isDynamic(x) else {
        op.set(
            0,
            try op.emit(
                "Reshape", ["x": x, "shape": shape],
                ["axis": .int(0), "num_axes": .int(-1), "allowzero": .int(Int64(op.int("allowzero", 0)))]))
        return
    }
    var sizes = wanted
    if !op.flag("allowzero", false) {
        for (axis, size) in wanted.enumerated() where size == 0 {
            guard axis < desc.shape.count else { throw op.invalid("shape \(wanted) copies a missing dimension.") }
            sizes[axis] = desc.shape[axis]
        }
    }
    let count = desc.shape.reduce(1, *)
    if let open = sizes.firstIndex(of: -1) {
        let rest = sizes.enumerated().filter { $0.offset != open }.reduce(1) { $0 * $1.element }
        guard rest > 0, count % rest == 0 else {
            throw op.invalid("\(count) elements of shape \(desc.shape) do not fit into \(wanted).")
        }
        sizes[open] = count / rest
    }
    guard sizes.allSatisfy({ $0 >= 0 }), sizes.reduce(1, *) == count else {
        throw op.invalid("\(count) elements of shape \(desc.shape) do not fit into \(wanted).")
    }
    op.set(
        0,
        try op.emit(
            "Reshape", ["x": x, "shape": op.constant(ints: sizes)],
            ["axis": .int(0), "num_axes": .int(-1), "allowzero": .int(1)]))
}

private func importFlatten(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let rank = try op.rank(x)
    let axis = op.int("axis", 1)
    let split = axis < 0 ? axis + rank : axis
    guard (0...rank).contains(split) else { throw op.invalid("axis \(axis) of a tensor with \(rank) dimensions.") }
    let shape = op.desc(x).shape
    guard !op.isDynamic(x) else {
        op.set(0, try op.emit("Flatten", ["x": x], ["axis": .int(Int64(axis))]))
        return
    }
    let rows = shape[..<split].reduce(1, *)
    op.set(
        0,
        try op.emit(
            "Reshape", ["x": x, "shape": op.constant(ints: [rows, shape[split...].reduce(1, *)])],
            ["axis": .int(0), "num_axes": .int(-1), "allowzero": .int(1)]))
}

/// The axes: an attribute up to opset 12, an input from 13 on.
private func axes(_ op: NodeContext) throws(ConversionError) -> [Int]? {
    op.opset < 13 ? op.ints("axes") : try op.constantInts(input: 1)
}

private func importSqueeze(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    op.set(0, try op.squeeze(x, try axes(op) ?? []))
}

private func importUnsqueeze(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    guard let axes = try axes(op) else { throw op.invalid("axes are missing.") }
    op.set(0, try op.unsqueeze(x, axes))
}

private func importTranspose(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let rank = try op.rank(x)
    let permutation = op.ints("perm") ?? (0..<rank).reversed()
    guard permutation.sorted() == Array(0..<rank) else {
        throw op.invalid("perm \(permutation) is not an order of \(rank) dimensions.")
    }
    op.set(0, try op.transpose(x, permutation))
}

private func importConcat(_ op: NodeContext) throws(ConversionError) {
    let inputs = try op.requiredInputs()
    guard inputs.count > 1 else {
        op.set(0, try op.emit("Identity", ["x": inputs[0]]))
        return
    }
    let axis = try op.axis(op.requiredInt("axis"), rank: op.rank(inputs[0]))
    op.set(
        0,
        try op.emit(
            "ConcatD", list: inputs, ["concat_dim": .int(Int64(axis)), "N": .int(Int64(inputs.count))]))
}

/// Sizes come from an attribute (up to 12), an input (13 on), `num_outputs` (18 on), or are equal parts.
private func importSplit(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let axis = try op.axis(op.int("axis", 0), rank: op.rank(x))
    let count = op.node.output.count
    let dimension = op.desc(x).shape[axis]
    let given = op.opset < 13 ? op.ints("split") : try op.constantInts(input: 1)
    let names = (0..<count).map { "y\($0)" }
    let splitDim = op.constant(Constant(ints: [axis], shape: [], dataType: .int32))
    let results: [TensorRef]
    if given == nil, dimension < 0 || dimension % count == 0 {
        results = try op.emit(
            "Split", ["split_dim": splitDim, "x": x], ["num_split": .int(Int64(count))], outputs: names)
    } else {
        let part = (dimension + count - 1) / count
        let sizes = given ?? (0..<count).map { max(0, min(part, dimension - part * $0)) }
        guard sizes.count == count else { throw op.invalid("\(sizes.count) sizes for \(count) outputs.") }
        results = try op.emit(
            "SplitV", ["x": x, "size_splits": op.constant(ints: sizes), "split_dim": splitDim],
            ["num_split": .int(Int64(count))], outputs: names)
    }
    for (index, result) in results.enumerated() {
        op.set(index, result)
    }
}

/// ONNX lets either side have dimensions of size 1, so the target is the broadcast shape of both.
private func importExpand(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    var shape = try op.input(1)
    if let wanted = op.constant(shape)?.ints, !op.isDynamic(x) {
        var sizes = op.desc(x).shape
        let missing = max(0, wanted.count - sizes.count)
        sizes.insert(contentsOf: [Int](repeating: 1, count: missing), at: 0)
        for (axis, size) in zip(sizes.indices.suffix(wanted.count), wanted) where sizes[axis] != size && size != 1 {
            guard sizes[axis] == 1 else { throw op.invalid("\(op.desc(x).shape) does not expand to \(wanted).") }
            sizes[axis] = size
        }
        if sizes == op.desc(x).shape {
            op.set(0, try op.emit("Identity", ["x": x]))
            return
        }
        shape = op.constant(ints: sizes)
    }
    op.set(0, try op.emit("Expand", ["x": x, "shape": shape]))
}

private func importTile(_ op: NodeContext) throws(ConversionError) {
    op.set(0, try op.emit("Tile", ["x": op.input(0), "multiples": op.input(1)]))
}

/// From opset 15 on, `start` and `end` choose a part of the shape.
private func importShape(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let shape = try op.emit("Shape", ["x": x], ["dtype": .int(Int64(DataType.int64.rawValue))])
    guard op.has("start") || op.has("end") else {
        op.set(0, shape)
        return
    }
    let rank = try op.rank(x)
    func clamped(_ value: Int) -> Int { min(rank, max(0, value < 0 ? value + rank : value)) }
    let start = clamped(op.int("start", 0))
    let end = max(start, clamped(op.int("end", rank)))
    op.set(0, try slice(op, shape, starts: [start], ends: [end], axes: [0]))
}

private func importSize(_ op: NodeContext) throws(ConversionError) {
    op.set(0, try op.emit("Size", ["x": op.input(0)], ["dtype": .int(Int64(DataType.int64.rawValue))]))
}

/// PadV3 with all begins first, then all ends, for every opset and mode.
private func importPad(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let mode = op.string("mode", "constant")
    let rank = try op.rank(x)
    var paddings: TensorRef
    var value: TensorRef
    if op.opset < 11 {
        paddings = op.constant(ints: try op.requiredInts("pads"))
        value = try op.scalar(Double(op.float("value", 0)), like: x)
    } else {
        paddings = try op.input(1)
        if let given = op.optionalInput(2) { value = given } else { value = try op.scalar(0, like: x) }
        if let axes = try op.constantInts(input: 3) {
            guard let given = op.constant(paddings)?.ints, given.count == axes.count * 2 else {
                throw op.unsupported("pads for chosen axes that are not constant.")
            }
            var full = [Int](repeating: 0, count: rank * 2)
            for (index, axis) in axes.enumerated() {
                let axis = try op.axis(axis, rank: rank)
                full[axis] = given[index]
                full[axis + rank] = given[index + axes.count]
            }
            paddings = op.constant(ints: full)
        }
    }
    if op.desc(value).shape != [], op.desc(value).elementCount == 1 { value = try op.reshape(value, to: []) }
    op.set(
        0,
        try op.emit(
            "PadV3", ["x": x, "paddings": paddings, "constant_values": value],
            ["mode": .string(mode), "paddings_contiguous": .bool(false)]))
}

private func importDepthToSpace(_ op: NodeContext) throws(ConversionError) {
    op.set(
        0,
        try op.emit(
            "DepthToSpace", ["x": op.input(0)],
            [
                "block_size": .int(Int64(try op.requiredInt("blocksize"))), "mode": .string(op.string("mode", "DCR")),
                "data_format": .string("NCHW"),
            ]))
}

private func importSpaceToDepth(_ op: NodeContext) throws(ConversionError) {
    op.set(
        0,
        try op.emit(
            "SpaceToDepth", ["x": op.input(0)],
            ["block_size": .int(Int64(try op.requiredInt("blocksize"))), "data_format": .string("NCHW")]))
}
