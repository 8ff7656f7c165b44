// SPDX-License-Identifier: Apache-2.0

import VectorFunctions

func softmax(_ loop: SoftmaxLoop, _ x: Input, _ y: Output, _ parts: Range<Int>) {
    let blocks = loop.columnBlocks
    for part in parts {
        let row = part / blocks
        let column = (part - row * blocks) * SoftmaxLoop.columns
        let start = row * loop.length * loop.inner + column
        if loop.inner == 1 {
            softmaxOfRow(x + start, y + start, loop.length, loop.isLogarithm)
        } else {
            var offset = 0
            let count = min(SoftmaxLoop.columns, loop.inner - column)
            while offset < count {
                softmaxOfColumns(
                    x + start + offset, y + start + offset, loop.length, loop.inner,
                    min(laneCount, count - offset), loop.isLogarithm)
                offset += laneCount
            }
        }
    }
}

/// Up to 16 rows side by side, each along a column of a matrix.
private func softmaxOfColumns(
    _ x: Input, _ y: Output, _ length: Int, _ stride: Int, _ count: Int, _ isLogarithm: Bool
) {
    var largest = load(x, first: count)
    for index in 1..<max(length, 1) { largest = larger(load(x + index * stride, first: count), largest) }
    var sum = Lanes.zero
    if isLogarithm {
        for index in 0..<length { sum += exponential(load(x + index * stride, first: count) - largest) }
        // One after the other: their sum would lose the digits of the logarithm where the numbers are large.
        let scale = logarithm(sum)
        for index in 0..<length {
            store(load(x + index * stride, first: count) - largest - scale, y + index * stride, first: count)
        }
        return
    }
    for index in 0..<length {
        let power = exponential(load(x + index * stride, first: count) - largest)
        sum += power
        store(power, y + index * stride, first: count)
    }
    let factor = all(1) / sum
    for index in 0..<length {
        store(load(y + index * stride, first: count) * factor, y + index * stride, first: count)
    }
}

private func softmaxOfRow(_ x: Input, _ y: Output, _ length: Int, _ isLogarithm: Bool) {
    let shift = all(largestNumber(x, length))
    var (sums, index) = (Lanes.zero, 0)
    while index < length {
        let rest = min(laneCount, length - index)
        let power = exponential(load(x + index, first: rest) - shift)
        if !isLogarithm { store(power, y + index, first: rest) }
        sums += rest == laneCount ? power : choose(first: rest, power, else: .zero)
        index += laneCount
    }
    if isLogarithm {
        let scale = logarithm(all(sum(sums)))
        index = 0
        while index < length {
            let rest = min(laneCount, length - index)
            store(load(x + index, first: rest) - shift - scale, y + index, first: rest)
            index += laneCount
        }
        return
    }
    let factor = all(1 / sum(sums))
    index = 0
    while index < length {
        let rest = min(laneCount, length - index)
        store(load(y + index, first: rest) * factor, y + index, first: rest)
        index += laneCount
    }
}

/// The larger; `b` where one is NaN. A softmax over NaN is NaN whichever number is taken off.
@inline(__always) private func larger(_ a: Lanes, _ b: Lanes) -> Lanes { choose(where: b, isLess: a, a, else: b) }

private func largestNumber(_ x: Input, _ length: Int) -> Float {
    let none = all(-.infinity)
    var (a, b) = (none, none)
    var index = 0
    while index + 2 * laneCount <= length {
        a = larger(load(x + index), a)
        b = larger(load(x + index + laneCount), b)
        index += 2 * laneCount
    }
    while index < length {
        let rest = min(laneCount, length - index)
        a = larger(choose(first: rest, load(x + index, first: rest), else: none), a)
        index += laneCount
    }
    return fold(larger(a, b)) { larger($0, $1) }
}
