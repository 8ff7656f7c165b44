// SPDX-License-Identifier: Apache-2.0

internal import CLanes
import VectorFunctions

/// In bands of rows: their part of a column fills whole lines of the cache.
func transpose(_ loop: TransposeLoop, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) {
    let (tile, band) = (TransposeLoop.tile, 4 * TransposeLoop.tile)
    var start = 0
    while start < loop.rows {
        let end = min(start + band, loop.rows)
        var column = 0
        while column < loop.columns {
            // The last tile overlaps the one before.
            let left = min(column, loop.columns - tile)
            var row = start
            while row < end {
                let top = min(row, loop.rows - tile)
                lanes_transpose(
                    source + left * loop.sourceColumn + 4 * top, loop.sourceColumn,
                    target + top * loop.targetRow + 4 * left, loop.targetRow)
                row += tile
            }
            column += tile
        }
        start = end
    }
}
