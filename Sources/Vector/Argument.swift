// SPDX-License-Identifier: Apache-2.0

internal import CLanes
import VectorFunctions

func findArgument(_ loop: ArgumentLoop, _ x: Input, _ y: UnsafeMutableRawPointer, _ parts: Range<Int>) {
    let length = loop.length
    if loop.inner == 1 {
        for row in parts {
            let line = x + row * length
            let best =
                loop.isLargest
                ? extreme(line, length) { maximum($0, $1) } : extreme(line, length) { minimum($0, $1) }
            write(firstPlace(of: best, in: line, length), y, row, isLong: loop.writesLong)
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
            let source = x + row * length * loop.inner + column
            let places =
                loop.isLargest
                ? placesInColumns(source, length, loop.inner, count) { lanes_less($1, $0) }
                : placesInColumns(source, length, loop.inner, count) { lanes_less($0, $1) }
            for lane in 0..<count {
                write(Int(places[lane]), y, row * loop.inner + column + lane, isLong: loop.writesLong)
            }
            column += laneCount
        }
    }
}

@inline(__always)
private func write(_ place: Int, _ y: UnsafeMutableRawPointer, _ index: Int, isLong: Bool) {
    if isLong {
        y.storeBytes(of: Int64(place), toByteOffset: 8 * index, as: Int64.self)
    } else {
        y.storeBytes(of: Int32(truncatingIfNeeded: place), toByteOffset: 4 * index, as: Int32.self)
    }
}

/// Where `best`, which the line has, is met first; any NaN where it is NaN.
private func firstPlace(of best: Float, in line: Input, _ length: Int) -> Int {
    let (wanted, isNaN) = (all(best), best != best)
    var index = 0
    while true {
        let rest = min(laneCount, length - index)
        let value = load(line + index, first: rest)
        let place = lanes_first_place(isNaN ? lanes_is_nan(value) : lanes_equal(value, wanted))
        if place < rest || index + laneCount >= length { return index + place }
        index += laneCount
    }
}

@inline(__always)
private func placesInColumns(
    _ x: Input, _ length: Int, _ stride: Int, _ count: Int, _ isBetter: (Lanes, Lanes) -> Whole
) -> Whole {
    // Zeros that the compiler cannot take for those in its shuffles of vectors: Swift 6.3 fails over them.
    let zeros = lanes_first(0)
    var (best, places, place) = (load(x, first: count), zeros, zeros)
    for index in 1..<max(length, 1) {
        let value = load(x + index * stride, first: count)
        place = place &+ Whole(repeating: 1)
        // The first NaN wins for good.
        let wins = (isBetter(value, best) | lanes_is_nan(value)) & lanes_equal(best, best)
        best = lanes_choose(wins, value, best)
        places = lanes_choose_whole(wins, place, places)
    }
    return places
}
