// SPDX-License-Identifier: Apache-2.0

/// Copies parts of its inputs to parts of its outputs: slices, joins, splits, paddings, repetitions.
public struct RegionCopyKernel: NativeKernel {
    /// One copy from an input to an output.
    public struct Region: Sendable {
        let input: Int
        let output: Int
        let pieces: [StridedCopy]
        let bytes: Int

        /// - dimensions: outermost first, strides in elements. - sourceOffset, targetOffset: first element of the
        /// views.
        /// - Precondition: the caller has checked that the views lie inside their tensors.
        public init(
            input: Int = 0, output: Int = 0, elementBytes: Int, dimensions: [CopyDimension], sourceOffset: Int = 0,
            targetOffset: Int = 0
        ) {
            self.input = input
            self.output = output
            bytes = dimensions.reduce(elementBytes) { $0 * $1.size }
            let wanted = max(1, min(16, bytes / Region.pieceBytes))
            guard wanted > 1, let axis = dimensions.firstIndex(where: { $0.size > 1 }) else {
                pieces = [
                    StridedCopy(
                        elementBytes: elementBytes, dimensions: dimensions, sourceOffset: sourceOffset,
                        targetOffset: targetOffset)
                ]
                return
            }
            let cut = dimensions[axis]
            // A transposition is quickest with as many rows as a vector has elements.
            let count = max(1, min(wanted, cut.source == 1 ? cut.size / 16 : cut.size))
            pieces = (0..<count).map { number in
                let start = cut.size * number / count
                var dimensions = dimensions
                dimensions[axis].size = cut.size * (number + 1) / count - start
                return StridedCopy(
                    elementBytes: elementBytes, dimensions: dimensions,
                    sourceOffset: sourceOffset + start * cut.source, targetOffset: targetOffset + start * cut.target)
            }
        }

        /// Enough work for a thread to be worth waking.
        private static let pieceBytes = 1 << 18
    }

    private struct Piece {
        let input: Int
        let output: Int
        let copy: StridedCopy
    }

    private let pieces: [Piece]
    public let parts: Int

    /// - inOrder: whether a region may overwrite what an earlier one has written; without that they are copied at the
    ///   same time when they are large.
    public init(_ regions: [Region], inOrder: Bool = false) {
        pieces = regions.flatMap { region in
            region.pieces.map { Piece(input: region.input, output: region.output, copy: $0) }
        }
        parts = !inOrder && regions.contains { $0.pieces.count > 1 } ? pieces.count : 1
    }

    public func run(_ operands: KernelOperands) {
        unsafe run(operands, pieces[...])
    }

    public func run(_ operands: KernelOperands, parts: Range<Int>) {
        unsafe run(operands, self.parts == 1 ? pieces[...] : pieces[parts])
    }

    private func run(_ operands: KernelOperands, _ pieces: ArraySlice<Piece>) {
        for piece in pieces {
            unsafe piece.copy.run(from: operands.inputs[piece.input], to: operands.outputs[piece.output])
        }
    }
}
