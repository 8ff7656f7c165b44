// SPDX-License-Identifier: Apache-2.0

/// The transposition of a matrix of numbers of four bytes. Rows and columns are the target's, whose columns lie side by side;
/// in the source it is the rows that do.
public struct TransposeLoop: Sendable {
    public var rows, columns: Int
    /// Bytes from one column to the next in the source, and from one row to the next in the target.
    public var sourceColumn, targetRow: Int

    /// Rows and columns that are transposed at a time.
    public static let tile = 16

    public init(rows: Int, columns: Int, sourceColumn: Int, targetRow: Int) {
        self.rows = rows
        self.columns = columns
        self.sourceColumn = sourceColumn
        self.targetRow = targetRow
    }
}
