// SPDX-License-Identifier: Apache-2.0

internal import CLanes

// What is a multiple of π is taken off with three times the digits of a float, for which products must not be rounded.
#if FMA
/// Up to here the multiple is a whole number without doubt.
private let largestReduced: Float = 1e5

/// sin(rest) with the sign changed if `turns`, which is whole, is odd; rest = x − π · n, from −π / 2 to π / 2.
@inline(__always) private func reducedSine(_ x: Lanes, _ n: Lanes, turns: Lanes) -> Lanes {
    var rest = multiplyAdd(n, all(-3.141_592_7), x)
    rest = multiplyAdd(n, all(8.742_277_7e-8), rest)
    rest = multiplyAdd(n, all(3.430_249e-15), rest)
    let square = rest * rest
    var sum = all(-2.388_774_7e-8)
    sum = multiplyAdd(sum, square, all(2.752_532e-6))
    sum = multiplyAdd(sum, square, all(-1.984_086_7e-4))
    sum = multiplyAdd(sum, square, all(8.333_331e-3))
    sum = multiplyAdd(sum, square, all(-1.666_666_7e-1))
    let sine = multiplyAdd(sum * square, rest, rest)
    return float(bits: bits(sine) ^ (bits(turns + all(12_582_912)) &<< Whole(repeating: 31)))
}

@inline(__always) private func isReducible(_ x: Lanes) -> Bool {
    lanes_first_place(lanes_less(all(largestReduced), magnitude(x))) == laneCount
}

@inline(__always) func sine(_ x: Lanes) -> Lanes {
    guard isReducible(x) else { return lanes_sine(x) }
    let n = lanes_round(x * all(0.318_309_89))
    // Of −0 the product with n leaves 0.
    return lanes_choose(lanes_equal(x, .zero), x, reducedSine(x, n, turns: n))
}

@inline(__always) func cosine(_ x: Lanes) -> Lanes {
    guard isReducible(x) else { return lanes_cosine(x) }
    // cos(x) = −sin(x − π / 2): half a multiple off, and one turn more.
    let turns = lanes_round(multiplyAdd(x, all(0.318_309_89), all(-0.5)))
    return reducedSine(x, turns + all(0.5), turns: turns + all(1))
}
#else
@inline(__always) func sine(_ x: Lanes) -> Lanes { lanes_sine(x) }

@inline(__always) func cosine(_ x: Lanes) -> Lanes { lanes_cosine(x) }
#endif
