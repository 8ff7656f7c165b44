// SPDX-License-Identifier: Apache-2.0

import VectorFunctions

/// A row of a convolution's result, or some of its pixels, and the taps that lie in the image.
struct RowTaps {
    /// Those of the window's planes and rows that lie in the image.
    var planes, lines: Range<Int>
    /// The pixels, and those of them all of whose columns of the window lie in the image.
    var columns, inside: Range<Int>
    /// How far from the start of x the first tap of column 0 lies, if it lay in the image, in elements.
    var origin: Int
    /// The number in the result of the pixel at column 0.
    var target: Int

    /// - row: the number of the row among those of all images. - piece: which of the parts that rows are cut into.
    init(_ loop: ConvolutionLoop, row number: Int, piece: Int) {
        let start = piece * loop.pixelsPerBlock
        self.init(loop, row: number, columns: start..<min(start + loop.pixelsPerBlock, loop.outWidth))
    }

    init(_ loop: ConvolutionLoop, row number: Int, columns: Range<Int>) {
        self.columns = columns
        let (layer, row) = (number / loop.outHeight, number % loop.outHeight)
        let (image, plane) = (layer / loop.outPlanes, layer % loop.outPlanes)
        let front = plane * loop.strideZ - loop.padFront
        let top = row * loop.strideY - loop.padTop
        planes = taps(from: front, loop.dilationZ, loop.windowPlanes, loop.planes)
        lines = taps(from: top, loop.dilationY, loop.windowHeight, loop.height)
        let reach = (loop.windowWidth - 1) * loop.dilationX
        let first = loop.padLeft > 0 ? (loop.padLeft + loop.strideX - 1) / loop.strideX : 0
        let room = loop.width - 1 - reach + loop.padLeft
        let end = room < 0 ? 0 : room / loop.strideX + 1
        let begin = min(max(first, columns.lowerBound), columns.upperBound)
        inside = begin..<max(begin, min(end, columns.upperBound))
        let line = (image * loop.planes + front) * loop.height + top
        origin = (line * loop.width - loop.padLeft) * loop.pixelLength
        target = loop.resultPixel(image: image, plane: plane, row: row, column: 0)
    }

    /// Calls `body` with the first column of each tile, how many there are, and the columns of the window that lie in the
    /// image: tiles are of nearly the same width, those at the edges are single pixels.
    @inline(__always)
    func forEachTile(_ loop: ConvolutionLoop, widest: Int, _ body: (Int, Int, Range<Int>) -> Void) {
        func edge(_ columns: Range<Int>) {
            for column in columns {
                let left = column * loop.strideX - loop.padLeft
                body(column, 1, taps(from: left, loop.dilationX, loop.windowWidth, loop.width))
            }
        }
        edge(columns.lowerBound..<inside.lowerBound)
        cutTiles(inside, widest: widest) { body($0, $1, 0..<loop.windowWidth) }
        edge(inside.upperBound..<columns.upperBound)
    }
}

/// Calls `body` with the first column of each tile and how many there are; tiles are of nearly the same width.
@inline(__always)
func cutTiles(_ columns: Range<Int>, widest: Int, _ body: (Int, Int) -> Void) {
    let count = (columns.count + widest - 1) / widest
    var column = columns.lowerBound
    for index in 0..<count {
        let width = index < columns.count % count ? columns.count / count + 1 : columns.count / count
        body(column, width)
        column += width
    }
}

/// Applies the steps from number `first` on to some channels of a row.
func finish(
    _ row: RowTaps, _ loop: ConvolutionLoop, from first: Int, _ operands: VectorFunctions.Operands, _ result: Output,
    channel: Int, channels: Int
) {
    let step = loop.columnStep
    finish(
        loop.epilogue, from: first, operands, result,
        Rows(
            start: (row.target + row.columns.lowerBound * step) * loop.resultLength + channel, count: row.columns.count,
            stride: step * loop.resultLength, channel: channel, channels: channels))
}

extension ConvolutionLoop {
    /// The rows of a block, and which of the parts that rows are cut into it is.
    func rowsAndPiece(_ block: Int) -> (rows: Range<Int>, piece: Int) {
        let first = block / blocksPerRow * rowsPerBlock
        return (first..<min(first + rowsPerBlock, rows), block % blocksPerRow)
    }
}
