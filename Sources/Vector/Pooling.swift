// SPDX-License-Identifier: Apache-2.0

internal import CLanes
import VectorFunctions

/// What the windows of one row of the output see of the depth and the height.
private struct Sight {
    /// The first row of the image, in elements from the start of the tensor; it may lie in the padding.
    var start: Int
    var depths, rows: Range<Int>
    /// Taps that lie in the padded image.
    var padded: Int

    var inImage: Int { depths.count * rows.count }

    /// - number: of the row among all of the output, images and, unless they are innermost, channels outermost.
    @inline(__always)
    init(_ loop: PoolingLoop, row number: Int, rowLength: Int) {
        let image = number / loop.rowsOfImage
        let place = number - image * loop.rowsOfImage
        let (depth, height) = (place / loop.output.height, place % loop.output.height)
        let z = depth * loop.strides.depth - loop.padsBegin.depth
        let y = height * loop.strides.height - loop.padsBegin.height
        let (seen, padded) = taps(
            from: z, loop.dilations.depth, loop.window.depth, loop.image.depth, loop.padsEnd.depth)
        let (rows, paddedRows) = taps(
            from: y, loop.dilations.height, loop.window.height, loop.image.height, loop.padsEnd.height)
        start = ((image * loop.image.depth + z) * loop.image.height + y) * rowLength
        depths = seen
        self.rows = rows
        self.padded = padded * paddedRows
    }

    /// Calls `body` with the start of each row that lies in the image.
    @inline(__always)
    func forEachRow(_ loop: PoolingLoop, _ rowLength: Int, _ body: (Int) -> Void) {
        for depth in depths {
            let plane = start + depth * loop.dilations.depth * loop.image.height * rowLength
            for row in rows { body(plane + row * loop.dilations.height * rowLength) }
        }
    }
}

/// With the channels innermost; a part is a row of the output.
func pool(_ loop: PoolingLoop, _ source: Input, _ result: Output, _ parts: Range<Int>) {
    let rowLength = loop.image.width * loop.channels
    for part in parts {
        let sight = Sight(loop, row: part, rowLength: rowLength)
        for column in 0..<loop.output.width {
            let x = column * loop.strides.width - loop.padsBegin.width
            let columns = taps(from: x, loop.dilations.width, loop.window.width, loop.image.width, loop.padsEnd.width)
            let target = result + (part * loop.output.width + column) * loop.channels
            let address = source + x * loop.channels
            if loop.isMaximum {
                let start = all(-.infinity)
                fold(loop, sight, address, columns.inImage, target, from: start, { maximum($0, $1) }) { $0 }
            } else {
                let divisor = all(
                    divisor(loop, sight, inImage: columns.inImage.count, inPaddedImage: columns.padded))
                fold(loop, sight, address, columns.inImage, target, from: .zero, { $0 + $1 }) { $0 / divisor }
            }
        }
    }
}

@inline(__always)
private func divisor(_ loop: PoolingLoop, _ sight: Sight, inImage: Int, inPaddedImage: Int) -> Float {
    if loop.divisor != 0 { return Float(loop.divisor) }
    let count = loop.excludesPadding ? sight.inImage * inImage : sight.padded * inPaddedImage
    return Float(max(count, 1))
}

/// The taps of a window that lie in the image, and how many lie in the padded image.
@inline(__always)
private func taps(
    from start: Int, _ step: Int, _ length: Int, _ size: Int, _ padEnd: Int
) -> (inImage: Range<Int>, padded: Int) {
    (taps(from: start, step, length, size), min(length, max(0, steps(size + padEnd - start, step))))
}

/// The taps of a window that lie in the image.
@inline(__always)
func taps(from start: Int, _ step: Int, _ length: Int, _ size: Int) -> Range<Int> {
    let first = start < 0 ? steps(-start, step) : 0
    let end = min(length, max(0, steps(size - start, step)))
    return min(first, end)..<end
}

/// How many steps it takes to come so far. Short rows are done in less time than a division takes.
@inline(__always)
private func steps(_ distance: Int, _ step: Int) -> Int { step == 1 ? distance : (distance + step - 1) / step }

@inline(__always)
private func fold(
    _ loop: PoolingLoop, _ sight: Sight, _ address: Input, _ columns: Range<Int>, _ target: Output,
    from initial: Lanes, _ add: (Lanes, Lanes) -> Lanes, _ finish: (Lanes) -> Lanes
) {
    let (channels, step) = (loop.channels, loop.dilations.width * loop.channels)
    var channel = 0
    while channel + laneCount <= channels {
        var state = initial
        sight.forEachRow(loop, loop.image.width * channels) { row in
            let line = address + row + channel
            for column in columns { state = add(state, load(line + column * step)) }
        }
        store(finish(state), target + channel)
        channel += laneCount
    }
    guard channel < channels else { return }
    let rest = channels - channel
    var state = initial
    sight.forEachRow(loop, loop.image.width * channels) { row in
        let line = address + row + channel
        for column in columns { state = add(state, load(line + column * step, first: rest)) }
    }
    store(finish(state), target + channel, first: rest)
}

/// With the elements of a row side by side, a channel being an image of its own: the rows of a window become one, then the
/// columns of that.
func poolRows(_ loop: PoolingLoop, _ source: Input, _ result: Output, _ scratch: Output, _ parts: Range<Int>) {
    let total = loop.batch * loop.rowsOfImage
    let border = borders(loop)
    let empty: Float = loop.isMaximum ? -.infinity : 0
    for part in parts {
        let line = scratch + part * loop.lineLength
        line.update(repeating: empty, count: loop.lineLength)
        for row in total * part / loop.parts..<total * (part + 1) / loop.parts {
            let sight = Sight(loop, row: row, rowLength: loop.image.width)
            let target = result + row * loop.output.width
            if loop.isMaximum {
                mergeRows(loop, sight, source, line, from: all(empty)) { maximum($0, $1) }
                mergeColumns(loop, Input(line), target, from: all(empty), { maximum($0, $1) }) { $0 }
            } else {
                mergeRows(loop, sight, source, line, from: .zero) { $0 + $1 }
                let width = loop.window.width
                let whole = all(divisor(loop, sight, inImage: width, inPaddedImage: width))
                mergeColumns(loop, Input(line), target, from: .zero, { $0 + $1 }) { $0 / whole }
                for column in 0..<border.lowerBound { averageColumn(loop, sight, line, target, column) }
                for column in border.upperBound..<loop.output.width { averageColumn(loop, sight, line, target, column) }
            }
        }
    }
}

/// The columns of the output whose windows lie in the image as a whole, as to the width.
private func borders(_ loop: PoolingLoop) -> Range<Int> {
    func isWhole(_ column: Int) -> Bool {
        let x = column * loop.strides.width - loop.padsBegin.width
        let seen = taps(from: x, loop.dilations.width, loop.window.width, loop.image.width, loop.padsEnd.width)
        return seen.inImage.count == loop.window.width
    }
    var (first, end) = (0, loop.output.width)
    while first < end, !isWhole(first) { first += 1 }
    while first < end, !isWhole(end - 1) { end -= 1 }
    return first..<end
}

@inline(__always)
private func mergeRows(
    _ loop: PoolingLoop, _ sight: Sight, _ source: Input, _ line: Output, from initial: Lanes,
    _ add: (Lanes, Lanes) -> Lanes
) {
    let (width, target) = (loop.image.width, line + loop.padsBegin.width)
    var column = 0
    while column < width {
        let rest = width - column
        var state = initial
        sight.forEachRow(loop, width) { state = add(state, load(source + $0 + column, first: rest)) }
        store(state, target + column, first: rest)
        column += laneCount
    }
}

@inline(__always)
private func mergeColumns(
    _ loop: PoolingLoop, _ line: Input, _ target: Output, from initial: Lanes, _ add: (Lanes, Lanes) -> Lanes,
    _ finish: (Lanes) -> Lanes
) {
    let (stride, dilation) = (loop.strides.width, loop.dilations.width)
    var column = 0
    while column < loop.output.width {
        var state = initial
        for tap in 0..<loop.window.width {
            let address = line + column * stride + tap * dilation
            switch stride {
            case 1: state = add(state, load(address))
            case 2: state = add(state, lanes_even(load(address), load(address + laneCount)))
            default: state = add(state, lanes_load_steps(address, stride))
            }
        }
        store(finish(state), target + column, first: loop.output.width - column)
        column += laneCount
    }
}

/// The mean of one window that does not lie in the image as a whole.
private func averageColumn(_ loop: PoolingLoop, _ sight: Sight, _ line: Output, _ target: Output, _ column: Int) {
    let x = column * loop.strides.width - loop.padsBegin.width
    let columns = taps(from: x, loop.dilations.width, loop.window.width, loop.image.width, loop.padsEnd.width)
    var sum: Float = 0
    for tap in columns.inImage { sum += line[column * loop.strides.width + tap * loop.dilations.width] }
    target[column] = sum / divisor(loop, sight, inImage: columns.inImage.count, inPaddedImage: columns.padded)
}
