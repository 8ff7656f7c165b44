// SPDX-License-Identifier: Apache-2.0

import VectorFunctions

func resize(_ loop: ResizeLoop, _ x: Input, _ y: Output, _ scratch: Output, _ parts: Range<Int>) {
    let total = loop.outer * loop.outRows
    for part in parts {
        let line = scratch + part * loop.rowLength
        let range = total * part / loop.parts..<total * (part + 1) / loop.parts
        for row in range {
            let (image, place) = (row / loop.outRows, row % loop.outRows)
            let (tap, target) = (rowTap(loop, place), y + row * loop.outRowLength)
            let source = x + image * loop.rows * loop.rowLength
            let first = source + Int(tap.first) * loop.rowLength
            if tap.first != tap.second {
                let mixed = loop.columnTaps == nil ? target : line
                mix(first, source + Int(tap.second) * loop.rowLength, share: tap.share, mixed, loop.rowLength)
                if loop.columnTaps != nil { resizeColumns(loop, Input(line), target) }
            } else if row > range.lowerBound, place > 0, isSame(tap, rowTap(loop, place - 1)) {
                target.update(from: target - loop.outRowLength, count: loop.outRowLength)
            } else {
                resizeColumns(loop, first, target)
            }
        }
    }
}

@inline(__always)
private func rowTap(_ loop: ResizeLoop, _ place: Int) -> ResizeLoop.Tap {
    if let taps = loop.rowTaps { return taps[place] }
    let row = Int32(truncatingIfNeeded: place)
    return ResizeLoop.Tap(first: row, second: row, share: 0)
}

@inline(__always)
private func isSame(_ a: ResizeLoop.Tap, _ b: ResizeLoop.Tap) -> Bool { a.first == b.first && a.second == b.second }

private func resizeColumns(_ loop: ResizeLoop, _ x: Input, _ y: Output) {
    guard let taps = loop.columnTaps else { return y.update(from: x, count: loop.rowLength) }
    let inner = loop.inner
    if inner > 1 {
        for column in 0..<loop.outColumns {
            let (tap, target) = (taps[column], y + column * inner)
            let first = x + Int(tap.first) * inner
            if loop.isLinear, tap.first != tap.second {
                mix(first, x + Int(tap.second) * inner, share: tap.share, target, inner)
            } else {
                copy(first, target, inner)
            }
        }
    } else if loop.isLinear {
        for column in 0..<loop.outColumns {
            let tap = taps[column]
            y[column] = x[Int(tap.first)] * (1 - tap.share) + x[Int(tap.second)] * tap.share
        }
    } else {
        for column in 0..<loop.outColumns { y[column] = x[Int(taps[column].first)] }
    }
}

@inline(__always)
private func mix(_ a: Input, _ b: Input, share: Float, _ y: Output, _ count: Int) {
    let (rest, share) = (all(1 - share), all(share))
    var index = 0
    while index < count {
        let left = count - index
        let sum = multiplyAdd(load(b + index, first: left), share, load(a + index, first: left) * rest)
        store(sum, y + index, first: left)
        index += laneCount
    }
}

/// Without a call, which would take longer than copying the channels of a pixel.
@inline(__always)
private func copy(_ x: Input, _ y: Output, _ count: Int) {
    var index = 0
    while index < count {
        store(load(x + index, first: count - index), y + index, first: count - index)
        index += laneCount
    }
}
