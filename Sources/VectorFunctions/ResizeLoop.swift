// SPDX-License-Identifier: Apache-2.0

/// Resizes the middle of [outer, rows, columns, inner] by picking rows and columns, or by mixing two of each.
@safe
public struct ResizeLoop: @unchecked Sendable {
    /// The elements of the input that make up one of the output: first · (1 − share) + second · share.
    public struct Tap: Sendable {
        public var first, second: Int32
        public var share: Float

        public init(first: Int32, second: Int32, share: Float) {
            self.first = first
            self.second = second
            self.share = share
        }
    }

    public var outer, rows, columns, inner: Int
    public var outRows, outColumns: Int
    /// Whether rows and columns are mixed; else those named first are picked.
    public var isLinear: Bool
    /// One for each row and each column of the output; nil where these stay as they are. Not owned.
    public var rowTaps, columnTaps: UnsafePointer<Tap>?
    /// How many parts the work is cut into. Each has scratch memory for a row of the input.
    public var parts = 1

    public init(
        outer: Int, rows: Int, columns: Int, inner: Int, outRows: Int, outColumns: Int, isLinear: Bool
    ) {
        self.outer = outer
        self.rows = rows
        self.columns = columns
        self.inner = inner
        self.outRows = outRows
        self.outColumns = outColumns
        self.isLinear = isLinear
        unsafe rowTaps = nil
        unsafe columnTaps = nil
    }

    public var rowLength: Int { columns * inner }
    public var outRowLength: Int { outColumns * inner }
}
