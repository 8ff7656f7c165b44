// SPDX-License-Identifier: Apache-2.0

/// Products of matrices of floats that become known during an execution: y = a · b for each of a batch.
///
/// Operands: a and b, whose elements lie at regular steps, and those of the epilogue. The results are dense and row-major.
@safe
public struct ProductLoop: @unchecked Sendable {
    /// How far from the start of their tensors two matrices lie, in elements.
    public struct Places: Sendable {
        public var a, b: Int

        public init(a: Int, b: Int) { (self.a, self.b) = (a, b) }
    }

    /// a is rows by depth, b is depth by columns.
    public var rows, depth, columns: Int
    /// Elements from one row of a, number of its rows, row of b, and column of b to the next.
    public var aRow, aDepth, bDepth, bColumn: Int
    /// Those of each product. Not owned.
    public var matrices: UnsafeBufferPointer<Places>
    /// Not owned.
    public var epilogue: UnsafeBufferPointer<EpilogueStep>
    /// How the work is cut: each product into blocks of rows, and these into groups of panels.
    public var rowsPerBlock: Int
    public var panelsPerGroup: Int
    public var parts = 1

    public init(
        rows: Int, depth: Int, columns: Int, aRow: Int, aDepth: Int, bDepth: Int, bColumn: Int,
        matrices: UnsafeBufferPointer<Places>, epilogue: UnsafeBufferPointer<EpilogueStep>
    ) {
        (self.rows, self.depth, self.columns) = (rows, depth, columns)
        (self.aRow, self.aDepth, self.bDepth, self.bColumn) = (aRow, aDepth, bDepth, bColumn)
        unsafe self.matrices = unsafe matrices
        unsafe self.epilogue = unsafe epilogue
        rowsPerBlock = rows
        panelsPerGroup = (columns + ConvolutionLoop.panel - 1) / ConvolutionLoop.panel
    }

    public var panels: Int { (columns + ConvolutionLoop.panel - 1) / ConvolutionLoop.panel }
    public var blocks: Int { (rows + rowsPerBlock - 1) / rowsPerBlock }
    public var groups: Int { (panels + panelsPerGroup - 1) / panelsPerGroup }
    public var items: Int { unsafe matrices.count * blocks * groups }

    /// Elements of scratch memory that each part needs: two panels.
    public var scratchLength: Int { 2 * depth * ConvolutionLoop.panel }
}
