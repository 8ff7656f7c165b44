// SPDX-License-Identifier: Apache-2.0

/// A softmax over the middle of [outer, length, inner].
public struct SoftmaxLoop: Sendable {
    public var outer, length, inner: Int
    public var isLogarithm: Bool
    /// Columns that are worked on together where the rows are not contiguous.
    public static let columns = 64

    public init(outer: Int, length: Int, inner: Int, isLogarithm: Bool) {
        self.outer = outer
        self.length = length
        self.inner = inner
        self.isLogarithm = isLogarithm
    }

    public var columnBlocks: Int { (inner + Self.columns - 1) / Self.columns }
    public var parts: Int { outer * columnBlocks }
}
