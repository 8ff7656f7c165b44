// SPDX-License-Identifier: Apache-2.0

internal import CLanes
import VectorFunctions

/// In bands of rows: their part of a column fills whole lines of the cache.
func transpose(_ loop: TransposeLoop, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) {
    if min(loop.rows, loop.columns) < TransposeLoop.tile { return transposeNarrow(loop, source, target) }
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

/// With fewer rows or columns than a tile.
private func transposeNarrow(
    _ loop: TransposeLoop, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer
) {
    let tile = TransposeLoop.tile
    var row = 0
    while row < loop.rows {
        var column = 0
        while column < loop.columns {
            lanes_transpose_first(
                source + column * loop.sourceColumn + 4 * row, loop.sourceColumn, min(tile, loop.columns - column),
                min(tile, loop.rows - row), target + row * loop.targetRow + 4 * column, loop.targetRow)
            column += tile
        }
        row += tile
    }
}
