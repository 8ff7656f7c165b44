// SPDX-License-Identifier: Apache-2.0

import VectorFunctions

func reduceRows(_ reduction: RowReduction, _ x: Input, _ y: Output, _ rows: Range<Int>) {
    let length = reduction.length
    switch reduction.kind {
    case .sum: for row in rows { y[row] = sum(x + row * length, length) }
    case .mean: for row in rows { y[row] = sum(x + row * length, length) / Float(length) }
    case .maximum: for row in rows { y[row] = extreme(x + row * length, length) { maximum($0, $1) } }
    case .minimum: for row in rows { y[row] = extreme(x + row * length, length) { minimum($0, $1) } }
    }
}

/// Four sums side by side: one would wait for each addition.
@inline(__always)
private func sum(_ x: Input, _ length: Int) -> Float {
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

/// The last vector overlaps the one before: an element that is met twice changes nothing.
@inline(__always)
private func extreme(_ x: Input, _ length: Int, _ choose: (Lanes, Lanes) -> Lanes) -> Float {
    var state = all(x[0])
    var index = 0
    while index + laneCount <= length {
        state = choose(state, load(x + index))
        index += laneCount
    }
    if index < length {
        if length >= laneCount {
            state = choose(state, load(x + length - laneCount))
        } else {
            for place in index..<length { state = choose(state, all(x[place])) }
        }
    }
    var result = state
    for lane in 1..<laneCount { result = choose(result, all(state[lane])) }
    return result[0]
}
