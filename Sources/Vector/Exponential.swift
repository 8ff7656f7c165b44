// SPDX-License-Identifier: Apache-2.0

internal import CLanes

/// Added to a float below 2^22, this rounds it to a whole number, which is then in the lowest bits.
private let rounding: Float = 12_582_912

/// x = n · ln 2 + rest with |rest| ≤ ln 2 / 2, for |x| below 2^22.
@inline(__always) private func splitByLogarithm(_ x: Lanes) -> (n: Lanes, rest: Lanes) {
    let n = multiplyAdd(x, all(1.442_695_04), all(rounding)) - all(rounding)
    let rest = multiplyAdd(n, all(-0.693_359_375), x)
    return (n, multiplyAdd(n, all(2.121_944_4e-4), rest))
}

/// 2^n for whole n from -126 to 127.
@inline(__always) private func powerOfTwo(_ n: Lanes) -> Lanes {
    float(bits: (bits(n + all(rounding)) &+ Whole(repeating: 127)) &<< Whole(repeating: 23))
}

/// e^rest for |rest| ≤ ln 2 / 2, less 1 + rest.
@inline(__always) private func exponentialTail(_ rest: Lanes) -> Lanes {
    var sum = all(1.987_569_1e-4)
    sum = multiplyAdd(sum, rest, all(1.398_199_9e-3))
    sum = multiplyAdd(sum, rest, all(8.333_452e-3))
    sum = multiplyAdd(sum, rest, all(4.166_579_6e-2))
    sum = multiplyAdd(sum, rest, all(1.666_666_5e-1))
    sum = multiplyAdd(sum, rest, all(5.000_000_1e-1))
    return sum * rest * rest
}

/// e^x as number · 2^n, where |x| ≤ 150 or x is NaN.
@inline(__always) private func exponentialParts(_ x: Lanes) -> (number: Lanes, n: Lanes) {
    let (n, rest) = splitByLogarithm(x)
    return (exponentialTail(rest) + rest + all(1), n)
}

@inline(__always) func exponential(_ x: Lanes) -> Lanes {
    // Beyond these bounds e^x is 0 or infinite in any case. NaN passes, and stays what it is.
    let (number, n) = exponentialParts(atMost(all(89), atLeast(all(-105), x)))
    return lanes_scale(number, n)
}

/// factor · e^x, precise where e^x alone is below the normal range.
@inline(__always) func exponential(_ x: Lanes, times factor: Lanes) -> Lanes {
    let (number, n) = exponentialParts(atMost(all(89), atLeast(all(-150), x)))
    let scaled = lanes_scale(number * factor, n)
    return choose(where: x, isLess: all(-150), factor * Lanes.zero, else: scaled)
}

/// e^x − 1 for x ≤ 0.
@inline(__always) func exponentialLessOne(_ x: Lanes) -> Lanes {
    let (n, rest) = splitByLogarithm(atLeast(all(-30), x))
    let scale = powerOfTwo(n)
    let result = multiplyAdd(exponentialTail(rest) + rest, scale, scale - all(1))
    return keepNaN(x, else: result)
}

/// ln(x) for normal x > 0.
@inline(__always) private func logarithmOfNormal(_ x: Lanes) -> Lanes {
    // m from sqrt(1/2) to sqrt(2), so that ln(m) is small where x is near 1.
    let offset = bits(x) &- Whole(repeating: 0x3f35_04f3)
    let exponent =
        float(bits: (offset &>> Whole(repeating: 23)) &+ bits(all(rounding))) - all(rounding)
    let mantissa = float(bits: (offset & Whole(repeating: 0x007f_ffff)) &+ Whole(repeating: 0x3f35_04f3))
    let m = mantissa - all(1)
    var sum = all(7.037_683_6e-2)
    sum = multiplyAdd(sum, m, all(-1.151_461e-1))
    sum = multiplyAdd(sum, m, all(1.167_699_9e-1))
    sum = multiplyAdd(sum, m, all(-1.242_014_1e-1))
    sum = multiplyAdd(sum, m, all(1.424_932_3e-1))
    sum = multiplyAdd(sum, m, all(-1.666_805_7e-1))
    sum = multiplyAdd(sum, m, all(2.000_071_5e-1))
    sum = multiplyAdd(sum, m, all(-2.499_999_4e-1))
    sum = multiplyAdd(sum, m, all(3.333_333_1e-1))
    let square = m * m
    var tail = sum * m * square
    tail = multiplyAdd(exponent, all(-2.121_944_4e-4), tail)
    tail = multiplyAdd(square, all(-0.5), tail)
    return multiplyAdd(exponent, all(0.693_359_375), m + tail)
}

/// ln(x) for x ≥ 1.
@inline(__always) func logarithm(_ x: Lanes) -> Lanes {
    keepNaN(x, else: choose(where: all(.greatestFiniteMagnitude), isLess: x, x, else: logarithmOfNormal(x)))
}

/// ln(x); NaN below 0.
@inline(__always) func naturalLogarithm(_ x: Lanes) -> Lanes {
    // Numbers below the normal range are brought into it.
    let isSmall = lanes_less(x, all(.leastNormalMagnitude))
    let scaled = lanes_choose(isSmall, x * all(0x1p23), x)
    let result = logarithm(scaled) - lanes_choose(isSmall, all(15.942_385), .zero)
    let defined = choose(where: x, isLess: .zero, all(.nan), else: result)
    return lanes_choose(lanes_equal(x, .zero), all(-.infinity), defined)
}

/// ln(1 + x) for x from 0 to 1.
@inline(__always) func logarithmOfOnePlus(_ x: Lanes) -> Lanes {
    let sum = all(1) + x
    // What rounding the sum has lost is put back.
    let lost = x - (sum - all(1))
    return logarithmOfNormal(sum) + lost / sum
}

/// 1 / (1 + e^−x).
@inline(__always) func sigmoid(_ x: Lanes) -> Lanes {
    let power = exponential(-magnitude(x))
    return choose(where: x, isLess: .zero, power, else: all(1)) * lanes_reciprocal(all(1) + power)
}

/// factor / (1 + e^−x).
@inline(__always) func sigmoid(_ x: Lanes, times factor: Lanes) -> Lanes {
    let negative = -magnitude(x)
    let numerator = choose(where: x, isLess: .zero, exponential(negative, times: factor), else: factor)
    return keepNaN(x, else: numerator / (all(1) + exponential(negative)))
}

@inline(__always) func hyperbolicTangent(_ x: Lanes) -> Lanes {
    // With t = e^(2|x|) − 1 it is t / (t + 2), in which no digits are lost near 0.
    let (n, rest) = splitByLogarithm(atMost(all(20), magnitude(x)) * all(2))
    let scale = powerOfTwo(n)
    let t = multiplyAdd(exponentialTail(rest) + rest, scale, scale - all(1))
    return copySign(atMost(all(1), t * lanes_reciprocal(t + all(2))), x)
}

/// ln(1 + e^x).
@inline(__always) func softplus(_ x: Lanes) -> Lanes {
    let rest = logarithmOfOnePlus(exponential(-magnitude(x)))
    return atLeast(Lanes.zero, x) + rest
}

/// x · tanh(ln(1 + e^x)).
@inline(__always) func mish(_ x: Lanes) -> Lanes {
    let power = exponential(-magnitude(x))
    let two = all(2)
    // With p = e^x the tangent is p(p + 2) / (p(p + 2) + 2); with p = e^−x it is (1 + 2p) / (1 + 2p + 2p²).
    let below = exponential(x, times: x) * (power + two) / (power * (power + two) + two)
    let numerator = all(1) + two * power
    let above = x * (numerator / (numerator + two * power * power))
    return keepNaN(x, else: choose(where: x, isLess: .zero, below, else: above))
}

/// factor · (1 − erf(size / √2)) for size ≥ 0.
@inline(__always) private func complementaryErrorFunction(ofScaled size: Lanes, times factor: Lanes) -> Lanes {
    let x = size * all(0.707_106_77)
    // Near 0 the complement is near 1, so that the function itself is the better start.
    let square = x * x
    var near = all(7.853_861_4e-5)
    near = multiplyAdd(near, square, all(-8.010_194e-4))
    near = multiplyAdd(near, square, all(5.188_327_6e-3))
    near = multiplyAdd(near, square, all(-2.685_381_2e-2))
    near = multiplyAdd(near, square, all(1.128_358_5e-1))
    near = multiplyAdd(near, square, all(-3.761_262_6e-1))
    near = multiplyAdd(near, square, all(1.128_379_2))
    // From 0.5 to 2: e^(x²) · (1 − erf(x)) around 1.25, fitted to equal relative errors of 1e-8.
    let wide = atMost(all(20), atLeast(all(0.65), size))
    let bounded = wide * all(0.707_106_77)
    let u = atMost(all(2), bounded) - all(1.25)
    var middle = all(6.554_543_5e-5)
    middle = multiplyAdd(middle, u, all(-1.944_025_9e-4))
    middle = multiplyAdd(middle, u, all(4.660_706_6e-4))
    middle = multiplyAdd(middle, u, all(-1.306_557_1e-3))
    middle = multiplyAdd(middle, u, all(3.555_337_4e-3))
    middle = multiplyAdd(middle, u, all(-9.086_642_4e-3))
    middle = multiplyAdd(middle, u, all(2.201_112_9e-2))
    middle = multiplyAdd(middle, u, all(-5.021_775_1e-2))
    middle = multiplyAdd(middle, u, all(1.067_955_8e-1))
    middle = multiplyAdd(middle, u, all(-2.088_218_9e-1))
    middle = multiplyAdd(middle, u, all(3.678_229_2e-1))
    // From 2 on: x · e^(x²) · (1 − erf(x)) in 1 / x², fitted in the same way.
    let inverse = all(1.414_213_6) / wide
    let q = inverse * inverse
    var far = all(-1.004_562_9e1)
    far = multiplyAdd(far, q, all(1.253_437_4e1))
    far = multiplyAdd(far, q, all(-7.314_441_7))
    far = multiplyAdd(far, q, all(2.883_276_5))
    far = multiplyAdd(far, q, all(-1.011_016_3))
    far = multiplyAdd(far, q, all(4.215_941_7e-1))
    far = multiplyAdd(far, q, all(-2.820_696_5e-1))
    far = multiplyAdd(far, q, all(5.641_894_3e-1))
    let scaled = choose(where: bounded, isLess: all(2), middle, else: far * inverse)
    // e^(−size² / 2), with the square to more digits than one float has.
    let coarse = float(bits: bits(wide) & Whole(repeating: ~0xfff))
    let difference = (coarse - wide) * (wide + coarse) * all(0.5)
    let rest = exponentialTail(difference) + difference + all(1)
    let tail = exponential(coarse * coarse * all(-0.5), times: rest * scaled * factor)
    return keepNaN(x, else: choose(where: x, isLess: all(0.5), (all(1) - near * x) * factor, else: tail))
}

@inline(__always) func errorFunction(_ x: Lanes) -> Lanes {
    let size = atMost(all(4), magnitude(x))
    let square = x * x
    var near = all(-8.010_194e-4)
    near = multiplyAdd(near, square, all(5.188_327_6e-3))
    near = multiplyAdd(near, square, all(-2.685_381_2e-2))
    near = multiplyAdd(near, square, all(1.128_358_5e-1))
    near = multiplyAdd(near, square, all(-3.761_262_6e-1))
    near = multiplyAdd(near, square, all(1.128_379_2))
    // From 0.5 to 4: e^(x²) · (1 − erf(x)) around 1.25, fitted so that the complement is right to 2e-8.
    let u = size - all(1.25)
    var complement = all(2.484_704_1e-5)
    complement = multiplyAdd(complement, u, all(-1.666_913_6e-4))
    complement = multiplyAdd(complement, u, all(5.302_167_4e-4))
    complement = multiplyAdd(complement, u, all(-1.346_193_2e-3))
    complement = multiplyAdd(complement, u, all(3.515_605e-3))
    complement = multiplyAdd(complement, u, all(-9.068_750_8e-3))
    complement = multiplyAdd(complement, u, all(2.202_256_2e-2))
    complement = multiplyAdd(complement, u, all(-5.022_025_6e-2))
    complement = multiplyAdd(complement, u, all(1.067_943_8e-1))
    complement = multiplyAdd(complement, u, all(-2.088_218_4e-1))
    complement = multiplyAdd(complement, u, all(3.678_229_3e-1))
    let far = copySign(all(1) - exponential(-size * size, times: complement), x)
    return keepNaN(x, else: choose(where: size, isLess: all(0.5), near * x, else: far))
}

@inline(__always) func gelu(_ x: Lanes) -> Lanes {
    let half = all(0.5) * x
    let tail = complementaryErrorFunction(ofScaled: magnitude(x), times: half)
    let result = choose(where: .zero, isLess: x, x - tail, else: tail)
    return choose(where: all(.greatestFiniteMagnitude), isLess: x, x, else: result)
}

@inline(__always) func geluByTangent(_ x: Lanes) -> Lanes {
    // 1 + tanh(u) = 2 · sigmoid(2u): no digits are lost where tanh(u) is near -1.
    sigmoid(x * multiplyAdd(x * x, all(0.071_354_814), all(1.595_769_1)), times: x)
}
