// SPDX-License-Identifier: Apache-2.0

/// A fold over the middle of [outer, length, inner].
public struct FoldLoop: Sendable {
    public enum Kind: UInt8, Sendable {
        case sum, mean, maximum, minimum, product
    }
    public var kind: Kind
    public var outer, length, inner: Int
    /// Columns that are worked on together where what is folded is not contiguous.
    public static let columns = 64

    public init(_ kind: Kind, outer: Int, length: Int, inner: Int) {
        self.kind = kind
        self.outer = outer
        self.length = length
        self.inner = inner
    }

    public var columnBlocks: Int { (inner + Self.columns - 1) / Self.columns }
    public var parts: Int { outer * columnBlocks }
}

/// Finds the first place of the largest or smallest element along the middle of [outer, length, inner]; NaN wins over
/// every number.
public struct ArgumentLoop: Sendable {
    public var isLargest: Bool
    /// Whether the places are written as 64-bit integers, else as 32-bit ones.
    public var writesLong: Bool
    public var outer, length, inner: Int

    public init(isLargest: Bool, writesLong: Bool, outer: Int, length: Int, inner: Int) {
        self.isLargest = isLargest
        self.writesLong = writesLong
        self.outer = outer
        self.length = length
        self.inner = inner
    }

    public var columnBlocks: Int { (inner + FoldLoop.columns - 1) / FoldLoop.columns }
    public var parts: Int { outer * columnBlocks }
}
