// SPDX-License-Identifier: Apache-2.0

import VectorFunctions

func fold(_ loop: FoldLoop, _ x: Input, _ y: Output, _ parts: Range<Int>) {
    let length = loop.length
    if loop.inner == 1 {
        switch loop.kind {
        case .sum: for row in parts { y[row] = sum(x + row * length, length) }
        case .mean: for row in parts { y[row] = sum(x + row * length, length) / Float(length) }
        case .maximum: for row in parts { y[row] = extreme(x + row * length, length) { maximum($0, $1) } }
        case .minimum: for row in parts { y[row] = extreme(x + row * length, length) { minimum($0, $1) } }
        case .product: for row in parts { y[row] = product(x + row * length, length) }
        }
        return
    }
    for part in parts {
        let row = part / loop.columnBlocks
        let first = (part - row * loop.columnBlocks) * FoldLoop.columns
        var column = first
        let end = min(first + FoldLoop.columns, loop.inner)
        while column < end {
            let count = min(laneCount, end - column)
            let (source, stride) = (x + row * length * loop.inner + column, loop.inner)
            let result: Lanes
            switch loop.kind {
            case .sum: result = sumOfColumns(source, length, stride, count)
            case .mean: result = sumOfColumns(source, length, stride, count) / all(Float(length))
            case .maximum: result = foldColumns(source, 0..<length, stride, count) { maximum($0, $1) }
            case .minimum: result = foldColumns(source, 0..<length, stride, count) { minimum($0, $1) }
            case .product: result = foldColumns(source, 0..<length, stride, count) { $0 * $1 }
            }
            store(result, y + row * loop.inner + column, first: count)
            column += laneCount
        }
    }
}

/// Four sums side by side: one would wait for each addition.
@inline(__always)
func sum(_ x: Input, _ length: Int) -> Float {
    var (a, b, c, d) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    var index = 0
    while index + 4 * laneCount <= length {
        a += load(x + index)
        b += load(x + index + laneCount)
        c += load(x + index + 2 * laneCount)
        d += load(x + index + 3 * laneCount)
        index += 4 * laneCount
    }
    while index < length {
        a += load(x + index, first: length - index)
        index += laneCount
    }
    return sum((a + b) + (c + d))
}

private func product(_ x: Input, _ length: Int) -> Float {
    var (result, index) = (all(1), 0)
    while index < length {
        let rest = length - index
        result *= rest >= laneCount ? load(x + index) : choose(first: rest, load(x + index, first: rest), else: all(1))
        index += laneCount
    }
    return fold(result) { $0 * $1 }
}

/// The last vector overlaps the one before: an element that is met twice changes nothing.
@inline(__always)
func extreme(_ x: Input, _ length: Int, _ choice: (Lanes, Lanes) -> Lanes) -> Float {
    if length < laneCount {
        return fold(choose(first: length, load(x, first: length), else: all(x[0])), choice)
    }
    let last = load(x + length - laneCount)
    var (a, b) = (last, last)
    var index = 0
    while index + 2 * laneCount <= length {
        a = choice(a, load(x + index))
        b = choice(b, load(x + index + laneCount))
        index += 2 * laneCount
    }
    if index + laneCount <= length { a = choice(a, load(x + index)) }
    return fold(choice(a, b), choice)
}

/// In sums of a few rows, so that a long column loses no more digits than a short one.
@inline(__always)
private func sumOfColumns(_ x: Input, _ length: Int, _ stride: Int, _ count: Int) -> Lanes {
    var (total, row) = (Lanes.zero, 0)
    while row < length {
        let end = min(row + 128, length)
        total += foldColumns(x, row..<end, stride, count) { $0 + $1 }
        row = end
    }
    return total
}

/// Folds rows of up to 16 columns, four rows at a time.
@inline(__always)
private func foldColumns(
    _ x: Input, _ rows: Range<Int>, _ stride: Int, _ count: Int, _ combine: (Lanes, Lanes) -> Lanes
) -> Lanes {
    var row = rows.lowerBound
    var result = load(x + row * stride, first: count)
    row += 1
    while row + 4 <= rows.upperBound {
        let start = x + row * stride
        let one = combine(load(start, first: count), load(start + stride, first: count))
        let other = combine(load(start + 2 * stride, first: count), load(start + 3 * stride, first: count))
        result = combine(result, combine(one, other))
        row += 4
    }
    while row < rows.upperBound {
        result = combine(result, load(x + row * stride, first: count))
        row += 1
    }
    return result
}
