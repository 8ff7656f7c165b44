// SPDX-License-Identifier: Apache-2.0

/// How the elements of a tensor lie in memory: the step from one to the next in each dimension, in elements.
package struct Layout: Equatable, Sendable {
    package let shape: [Int]
    /// 0 where no step is ever made.
    package let strides: [Int]

    private init(_ shape: [Int], strides: [Int]) {
        self.shape = shape
        let isEmpty = shape.contains(0)
        self.strides = zip(shape, strides).map { isEmpty || $0.0 == 1 ? 0 : $0.1 }
    }

    /// Dense, with the dimensions from the outermost to the innermost in the given order.
    private init(_ shape: [Int], order: some BidirectionalCollection<Int>) {
        var strides = [Int](repeating: 0, count: shape.count)
        var step = 1
        for axis in order.reversed() {
            strides[axis] = step
            step *= max(shape[axis], 1)
        }
        self.init(shape, strides: strides)
    }

    /// Dense row-major.
    package init(_ shape: [Int]) { self.init(shape, order: shape.indices) }

    /// [N, C, spatial…] without gaps and with the channels innermost in memory.
    package static func channelsLast(_ shape: [Int]) -> Layout {
        Layout(shape, order: channelsLastOrder(rank: shape.count))
    }

    /// The dimensions of such a tensor from the outermost to the innermost in memory.
    static func channelsLastOrder(rank: Int) -> [Int] { [0] + Array(2..<rank) + [1] }

    package var isRowMajor: Bool { self == Layout(shape) }

    /// Whether the channels are innermost, and that is not row-major as well.
    package var isChannelsLast: Bool { shape.count >= 3 && self == .channelsLast(shape) && !isRowMajor }

    package var elementCount: Int { shape.reduce(1, *) }

    /// The dimensions from the outermost to the innermost in memory; nil where there are gaps between the elements.
    package var memoryOrder: [Int]? {
        let order = shape.indices.sorted { (strides[$0], -$0) > (strides[$1], -$1) }
        return self == Layout(shape, order: order) ? order : nil
    }

    /// The layout of another shape of the same rank that is row-major or has the channels innermost as this one; nil where
    /// this is neither.
    package func like(_ shape: [Int]) -> Layout? {
        isRowMajor ? Layout(shape) : isChannelsLast ? .channelsLast(shape) : nil
    }

    /// Dimension i of the result is dimension `permutation[i]` of this.
    package func transposed(_ permutation: [Int]) -> Layout {
        Layout(permutation.map { shape[$0] }, strides: permutation.map { strides[$0] })
    }

    /// The same elements in row-major order under another shape; nil where no steps give that.
    package func reshaped(_ shape: [Int]) -> Layout? {
        if shape.contains(0) || isRowMajor { return Layout(shape) }
        // Neighbours that are walked like one dimension are one.
        var merged: [(size: Int, step: Int)] = []
        for (size, step) in zip(self.shape, strides) where size != 1 {
            if let last = merged.last, last.step == step * size {
                merged[merged.count - 1] = (last.size * size, step)
            } else {
                merged.append((size, step))
            }
        }
        var result = [Int](repeating: 0, count: shape.count)
        var (rest, step) = (1, 0)
        for axis in shape.indices.reversed() where shape[axis] != 1 {
            if rest == 1 {
                guard let next = merged.popLast() else { return nil }
                (rest, step) = next
            }
            guard rest % shape[axis] == 0 else { return nil }
            result[axis] = step
            step *= shape[axis]
            rest /= shape[axis]
        }
        return Layout(shape, strides: result)
    }
}

extension RegionCopyKernel {
    /// Copies a tensor from one layout to another of the same shape, which has no gaps.
    package init(from source: Layout, to target: Layout, elementBytes: Int) {
        let order = target.memoryOrder ?? Array(target.shape.indices)
        self.init([
            .init(
                elementBytes: elementBytes,
                dimensions: order.map {
                    CopyDimension(size: target.shape[$0], source: source.strides[$0], target: target.strides[$0])
                })
        ])
    }
}
