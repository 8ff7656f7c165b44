// SPDX-License-Identifier: Apache-2.0

import VectorFunctions

/// Inputs x and, unless there are no parameters, factors and terms; x may be y.
func normalize(_ loop: NormalizationLoop, _ operands: VectorFunctions.Operands, _ y: Output, _ rows: Range<Int>) {
    func input(_ place: Int) -> Input { Input(operands[place].assumingMemoryBound(to: Float.self)) }
    let (x, length) = (input(0), loop.length)
    for row in rows {
        let (source, target) = (x + row * length, y + row * length)
        let mean = all(sum(source, length) / Float(length))
        let variance = sumOfSquares(source, length, less: mean) / Float(length)
        let factor = all(1) / squareRoot(all(variance + loop.epsilon))
        switch loop.parameters {
        case .none: write(source, target, length) { number, _, _ in (number - mean) * factor }
        case .ofElement:
            let (factors, terms) = (input(1), input(2))
            write(source, target, length) { number, index, rest in
                let scaled = (number - mean) * factor
                return multiplyAdd(scaled, load(factors + index, first: rest), load(terms + index, first: rest))
            }
        case .ofRow(let period):
            let (scale, term) = (all(input(1)[row % period]) * factor, all(input(2)[row % period]))
            write(source, target, length) { number, _, _ in multiplyAdd(number - mean, scale, term) }
        }
    }
}

/// Calls `body` with each vector of a row, its place, and how many elements are left.
@inline(__always)
private func write(_ x: Input, _ y: Output, _ length: Int, _ body: (Lanes, Int, Int) -> Lanes) {
    var index = 0
    while index < length {
        let rest = length - index
        store(body(load(x + index, first: rest), index, rest), y + index, first: rest)
        index += laneCount
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
