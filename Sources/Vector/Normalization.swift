// SPDX-License-Identifier: Apache-2.0

import VectorFunctions

/// Inputs x, factors, terms; x may be y.
func normalize(_ loop: NormalizationLoop, _ operands: VectorFunctions.Operands, _ y: Output, _ rows: Range<Int>) {
    func input(_ place: Int) -> Input { Input(operands[place].assumingMemoryBound(to: Float.self)) }
    let (x, factors, terms) = (input(0), input(1), input(2))
    let length = loop.length
    for row in rows {
        let (source, target) = (x + row * length, y + row * length)
        let mean = all(sum(source, length) / Float(length))
        let variance = sumOfSquares(source, length, less: mean) / Float(length)
        let place = row % loop.period
        let factor = all(factors[place]) / squareRoot(all(variance + loop.epsilon))
        let term = all(terms[place])
        var index = 0
        while index < length {
            let rest = length - index
            let normal = load(source + index, first: rest) - mean
            store(multiplyAdd(normal, factor, term), target + index, first: rest)
            index += laneCount
        }
    }
}

@inline(__always)
private func sumOfSquares(_ x: Input, _ length: Int, less mean: Lanes) -> Float {
    var (a, b, c, d) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    var index = 0
    while index + 4 * laneCount <= length {
        let (p, q) = (load(x + index) - mean, load(x + index + laneCount) - mean)
        let (r, s) = (load(x + index + 2 * laneCount) - mean, load(x + index + 3 * laneCount) - mean)
        a = multiplyAdd(p, p, a)
        b = multiplyAdd(q, q, b)
        c = multiplyAdd(r, r, c)
        d = multiplyAdd(s, s, d)
        index += 4 * laneCount
    }
    while index < length {
        let rest = min(laneCount, length - index)
        let difference = choose(first: rest, load(x + index, first: rest) - mean, else: .zero)
        a = multiplyAdd(difference, difference, a)
        index += laneCount
    }
    return sum((a + b) + (c + d))
}
