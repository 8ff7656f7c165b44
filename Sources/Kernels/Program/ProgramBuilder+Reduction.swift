// SPDX-License-Identifier: Apache-2.0

public import GEGraph
internal import VectorFunctions

extension ProgramBuilder {
    /// Folds a tensor over `axes`; the result has `output`'s shape, the axes kept as 1 or dropped. Nil for other types than
    /// float, and functions that the vector kernels do not have.
    public func reduction(
        _ x: Value, _ function: ReductionFunction, axes: [Int], output: TensorDesc
    ) throws -> Value? {
        let shape = shape(x)
        guard desc(x).dataType == .float, !shape.contains(0), let kind = function.foldKind else { return nil }
        var result = x
        let isChannelsLast = layout(of: x).isChannelsLast
        if !isChannelsLast { result = try plain(x) }
        let order = isChannelsLast ? Layout.channelsLastOrder(rank: shape.count) : Array(shape.indices)
        // Neighbours in memory of the same kind are one dimension; those of size 1 do not matter.
        var merged: [(size: Int, isFolded: Bool)] = []
        for axis in order where shape[axis] != 1 {
            let isFolded = axes.contains(axis)
            if let last = merged.last, last.isFolded == isFolded {
                merged[merged.count - 1].size *= shape[axis]
            } else {
                merged.append((shape[axis], isFolded))
            }
        }
        if !merged.contains(where: \.isFolded) { merged.append((1, true)) }
        var kept = shape
        for axis in axes { kept[axis] = 1 }
        let layout: Layout = isChannelsLast ? .channelsLast(kept) : Layout(kept)
        var buffer = try operandBuffer(result, self.layout(of: result))
        // Innermost first: what is left is less for each that follows.
        while let axis = merged.lastIndex(where: \.isFolded) {
            let loop = FoldLoop(
                kind, outer: merged[..<axis].reduce(1) { $0 * $1.size }, length: merged[axis].size,
                inner: merged[(axis + 1)...].reduce(1) { $0 * $1.size })
            merged.remove(at: axis)
            let isLast = !merged.contains(where: \.isFolded)
            let desc = TensorDesc(.float, isLast ? kept : merged.map(\.size))
            result = emit(
                VectorFoldKernel(loop), inputs: [buffer], output: desc,
                layout: isLast ? layout : Layout(desc.shape))
            if !isLast { buffer = try operandBuffer(result, nil) }
        }
        return try reshape(result, to: output.shape)
    }
}

extension ReductionFunction {
    fileprivate var foldKind: FoldLoop.Kind? {
        switch self {
        case .sum: .sum
        case .mean: .mean
        case .maximum: .maximum
        case .minimum: .minimum
        case .product: .product
        default: nil
        }
    }
}
