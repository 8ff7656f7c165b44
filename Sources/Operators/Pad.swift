// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Operators that put margins around a tensor. A negative margin cuts off.
enum Pad {
    static let operators: [Operator] = [
        pad("Pad", margins: { node, rank throws(GraphError) in try pairs(node, node.constantInts(1), rank) }),
        pad("PadD", margins: attributeMargins),
        pad(
            "PadV2", value: 2, margins: { node, rank throws(GraphError) in try pairs(node, node.constantInts(1), rank) }
        ),
        pad("PadV2D", value: 1, margins: attributeMargins),
        pad(
            "PadV3", value: 2, mode: statedMode,
            margins: { node, rank throws(GraphError) in try arranged(node, node.constantInts(1), rank) }),
        pad("PadV3D", mode: statedMode, margins: attributeMargins),
        pad(
            "MirrorPad", mode: statedMode,
            margins: { node, rank throws(GraphError) in try pairs(node, node.constantInts(1), rank) }),
    ]

    private enum Mode {
        case constant, reflect, symmetric, edge, wrap
    }

    private struct Margin {
        var before: Int
        var after: Int
    }

    /// - value: slot of the number to fill with. - margins: for each dimension.
    private static func pad(
        _ type: String, value: Int? = nil,
        mode: @escaping @Sendable (Inference) throws(GraphError) -> Mode = { _ in .constant },
        margins: @escaping @Sendable (Inference, Int) throws(GraphError) -> [Margin]
    ) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.movable(0)
                let margins = try margins(node, x.shape.count)
                let mode = try mode(node)
                if let value, node.hasInput(value), mode == .constant {
                    try node.checkSameType([0, value])
                    let count = try node.known(value).elementCount
                    guard count == 1 else { throw node.invalid("input \(value) is not a single number") }
                } else if mode == .constant {
                    _ = try fillConstant(node)
                }
                var shape: [Int] = []
                for (axis, size) in x.shape.enumerated() {
                    let margin = margins[axis]
                    let (some, first) = size.addingReportingOverflow(margin.before)
                    let (all, second) = some.addingReportingOverflow(margin.after)
                    guard !first, !second, all >= 0 else {
                        throw node.invalid(
                            "margins \(margin.before) and \(margin.after) do not fit a dimension of size \(size)")
                    }
                    if mode != .constant, size == 0, all > 0 {
                        throw node.invalid("there is nothing to repeat in a dimension of size 0")
                    }
                    shape.append(all)
                }
                let output = try node.moved(x, shape)
                guard mode == .constant || shape.reduce(0, +) <= Inference.largestConstant / 8 else {
                    throw node.invalid("the output shape \(shape) is too large for this mode")
                }
                return [output]
            },
            lower: { lowering in
                let node = lowering.inference
                let shape = try node.input(0).shape
                let margins = try margins(node, shape.count)
                let x = try lowering.input(0)
                if margins.allSatisfy({ $0.before == 0 && $0.after == 0 }) { return [x] }
                let mode = try mode(node)
                if mode == .constant {
                    let isInput = value.map(node.hasInput) ?? false
                    let fill = try isInput ? lowering.input(value ?? 0) : lowering.builder.constant(fillConstant(node))
                    return try lowering.builder.native(
                        RegionCopyKernel(regions(shape, margins, lowering.outputs[0])), inputs: [x, fill],
                        outputs: lowering.outputs)
                }
                let tables = shape.indices.map { axis in
                    (0..<lowering.outputs[0].shape[axis]).map {
                        coordinate($0, margins[axis].before, shape[axis], mode)
                    }
                }
                let kernel = IndexedCopyKernel(
                    elementBytes: lowering.outputs[0].elementBytes, tables: tables, source: shape)
                return try lowering.native(kernel, [x])
            })
    }

    // MARK: Constant margins

    /// The number to fill with where no input holds it: attribute `constant_values`, else 0.
    private static func fillConstant(_ node: Inference) throws(GraphError) -> Constant {
        let type = try node.input(0).dataType
        guard let constant = Constant(number: Double(node.attributes.int("constant_values") ?? 0), dataType: type)
        else {
            throw node.invalid("there is no number of type \(type)")
        }
        return constant
    }

    /// One copy for the inside and, for each dimension, one before and one behind it, as wide as the output in the
    /// dimensions that follow and as the inside in those that precede. Input 1 is the number to fill with.
    private static func regions(
        _ shape: [Int], _ margins: [Margin], _ output: TensorDesc
    ) -> [RegionCopyKernel.Region] {
        let source = rowMajorStrides(shape)
        let target = rowMajorStrides(output.shape)
        let inside = shape.indices.map { axis in
            // A cut behind can reach into the margin before.
            let start = min(max(0, margins[axis].before), output.shape[axis])
            return start..<max(start, min(output.shape[axis], margins[axis].before + shape[axis]))
        }
        func offset(_ starts: [Int], _ strides: [Int]) -> Int { zip(starts, strides).reduce(0) { $0 + $1.0 * $1.1 } }

        var regions = [
            RegionCopyKernel.Region(
                elementBytes: output.elementBytes,
                dimensions: shape.indices.map {
                    CopyDimension(size: inside[$0].count, source: source[$0], target: target[$0])
                },
                sourceOffset: inside.contains(where: \.isEmpty)
                    ? 0 : offset(shape.indices.map { inside[$0].lowerBound - margins[$0].before }, source),
                targetOffset: offset(inside.map(\.lowerBound), target))
        ]
        for axis in shape.indices {
            for margin in [0..<inside[axis].lowerBound, inside[axis].upperBound..<output.shape[axis]]
            where !margin.isEmpty {
                let box = inside[..<axis] + [margin] + output.shape[(axis + 1)...].map { 0..<$0 }
                regions.append(
                    .init(
                        input: 1, elementBytes: output.elementBytes,
                        dimensions: shape.indices.map {
                            CopyDimension(size: box[$0].count, source: 0, target: target[$0])
                        }, targetOffset: offset(box.map(\.lowerBound), target)))
            }
        }
        return regions
    }

    // MARK: Repeating margins

    private static func coordinate(_ target: Int, _ before: Int, _ size: Int, _ mode: Mode) -> Int {
        let index = target - before
        func wrapped(_ period: Int) -> Int {
            let rest = index % period
            return rest < 0 ? rest + period : rest
        }
        switch mode {
        case .constant, .edge: return min(max(index, 0), size - 1)
        case .wrap: return wrapped(size)
        case .reflect:
            guard size > 1 else { return 0 }
            let rest = wrapped(2 * (size - 1))
            return min(rest, 2 * (size - 1) - rest)
        case .symmetric:
            let rest = wrapped(2 * size)
            return min(rest, 2 * size - 1 - rest)
        }
    }

    @Sendable
    private static func statedMode(_ node: Inference) throws(GraphError) -> Mode {
        let stated = node.attributes.string("mode") ?? "constant"
        switch stated.lowercased() {
        case "constant": return .constant
        case "reflect": return .reflect
        case "symmetric": return .symmetric
        case "edge": return .edge
        case "wrap", "circular": return .wrap
        default:
            throw node.invalid("attribute mode is '\(stated)', expected constant, reflect, symmetric, edge or wrap")
        }
    }

    // MARK: Arrangement

    /// Margins given as pairs, one pair for each dimension.
    private static func pairs(_ node: Inference, _ flat: [Int], _ rank: Int) throws(GraphError) -> [Margin] {
        guard flat.count == 2 * rank else {
            throw node.invalid("there are \(flat.count) paddings, expected \(2 * rank) for \(rank) dimensions")
        }
        return (0..<rank).map { Margin(before: flat[2 * $0], after: flat[2 * $0 + 1]) }
    }

    /// Pairs, or with `paddings_contiguous` false all that come before first.
    private static func arranged(_ node: Inference, _ flat: [Int], _ rank: Int) throws(GraphError) -> [Margin] {
        let margins = try pairs(node, flat, rank)
        guard node.attributes.bool("paddings_contiguous") == false else { return margins }
        return (0..<rank).map { Margin(before: flat[$0], after: flat[rank + $0]) }
    }

    @Sendable
    private static func attributeMargins(_ node: Inference, _ rank: Int) throws(GraphError) -> [Margin] {
        guard case .intLists(let lists)? = node.attributes["paddings"] else {
            return try arranged(node, node.list("paddings", orInput: nil), rank)
        }
        return try arranged(node, lists.joined().map { Int($0) }, rank)
    }
}
