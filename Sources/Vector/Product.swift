// SPDX-License-Identifier: Apache-2.0

internal import CLanes
import VectorFunctions

func multiply(
    _ loop: ProductLoop, _ operands: VectorFunctions.Operands, _ result: Output, _ scratch: Output, _ parts: Range<Int>
) {
    let end = QuickEnd(loop.epilogue, operands)
    withTileMemory { buffer in
        for part in parts {
            let packed = scratch + part * loop.scratchLength
            for item in loop.items * part / loop.parts..<loop.items * (part + 1) / loop.parts {
                let (rest, group) = item.quotientAndRemainder(dividingBy: loop.groups)
                let (matrix, block) = rest.quotientAndRemainder(dividingBy: loop.blocks)
                let product = Product(
                    loop: loop, operands: operands, result: result, end: end, packed: packed, buffer: buffer,
                    matrix: matrix,
                    rows: block * loop.rowsPerBlock..<min((block + 1) * loop.rowsPerBlock, loop.rows),
                    panels: group * loop.panelsPerGroup..<min((group + 1) * loop.panelsPerGroup, loop.panels))
                product.compute()
            }
        }
    }
}

/// Some rows and panels of one product.
private struct Product {
    var loop: ProductLoop
    var operands: VectorFunctions.Operands
    var result: Output
    var end: QuickEnd
    /// Memory for two panels, and for a tile.
    var packed, buffer: Output
    var matrix: Int
    var rows, panels: Range<Int>

    func compute() {
        var panel = panels.lowerBound
        while panel < panels.upperBound {
            if mostPanels == 2, panel + 2 <= panels.upperBound {
                compute(panel, InlineArray<2, Int> { _ in 0 })
                panel += 2
            } else {
                compute(panel, InlineArray<1, Int> { _ in 0 })
                panel += 1
            }
        }
        let channel = panels.lowerBound * laneCount
        finish(
            loop.epilogue, from: end.steps, operands, result,
            Rows(
                start: start + channel, count: rows.count, stride: loop.columns, channel: channel,
                channels: min(panels.count * laneCount, loop.columns - channel)))
    }

    /// Where the first row lies in the result.
    private var start: Int { (matrix * loop.rows + rows.lowerBound) * loop.columns }

    @inline(__always)
    private func compute<let panels: Int>(_ panel: Int, _ panels: InlineArray<panels, Int>) {
        let places = loop.matrices[matrix]
        let a = Input(operands[0].assumingMemoryBound(to: Float.self)) + places.a
        let first = panel * laneCount
        let b = Input(operands[1].assumingMemoryBound(to: Float.self)) + places.b + first * loop.bColumn
        let count = loop.columns - first
        var sums = RowSums(
            source: a + rows.lowerBound * loop.aRow, rowStep: loop.aRow, numberStep: loop.aDepth,
            runs: Runs(length: loop.depth), weights: Input(packed), panelStep: loop.depth * laneCount)
        if loop.bColumn == 1, rows.count <= mostRows, count >= panels.count * laneCount {
            // Not worth to be packed for one tile.
            (sums.weights, sums.weightStep, sums.panelStep) = (b, loop.bDepth, laneCount)
        } else {
            for panel in 0..<panels.count {
                pack(
                    b + panel * laneCount * loop.bColumn, count: min(count - panel * laneCount, laneCount),
                    into: packed + panel * loop.depth * laneCount)
            }
        }
        let target = ProductEnd(
            result: result, start: start + first, resultStep: loop.columns, end: end, count: count)
        sums.compute(rows: rows.count, isAlone: loop.rows == 1, ahead: 0, target, buffer: buffer, panels)
    }

    /// Packs so many columns of b as a panel.
    private func pack(_ source: Input, count: Int, into target: Output) {
        if loop.bColumn == 1 {
            for row in 0..<loop.depth {
                store(load(source + row * loop.bDepth, first: count), target + row * laneCount)
            }
        } else if loop.bDepth == 1, count == laneCount, loop.depth >= laneCount {
            for row in stride(from: 0, to: loop.depth, by: laneCount) {
                // The last tile overlaps the one before.
                let row = min(row, loop.depth - laneCount)
                lanes_transpose(source + row, 4 * loop.bColumn, target + row * laneCount, 4 * laneCount)
            }
        } else {
            for row in 0..<loop.depth {
                let line = target + row * laneCount
                for lane in 0..<laneCount {
                    line[lane] = lane < count ? source[row * loop.bDepth + lane * loop.bColumn] : 0
                }
            }
        }
    }
}
