// SPDX-License-Identifier: Apache-2.0

internal import CLanes
import VectorFunctions

/// Applies `function` to `count` elements; `x` and `y` may be the same.
func apply(_ function: ElementFunction, _ x: Input, _ y: Output, _ count: Int) {
    let (alpha, beta) = (all(function.alpha), all(function.beta))
    let (zero, one) = (Lanes.zero, all(1))
    switch function.kind {
    case .leakyRelu: map(x, y, count) { choose(where: $0, isLess: zero, $0 * alpha, else: $0) }
    case .clamp: map(x, y, count) { atMost(beta, atLeast(alpha, $0)) }
    case .linear: map(x, y, count) { multiplyAdd($0, alpha, beta) }
    case .hardSigmoid: map(x, y, count) { atMost(one, atLeast(zero, multiplyAdd($0, alpha, beta))) }
    case .hardSwish: map(x, y, count) { $0 * atMost(one, atLeast(zero, multiplyAdd($0, alpha, beta))) }
    case .sigmoid: map(x, y, count) { sigmoid($0) }
    case .swish: map(x, y, count) { sigmoid($0 * alpha, times: $0) }
    case .tanh: map(x, y, count) { hyperbolicTangent($0) }
    case .exp: map(x, y, count) { exponential($0) }
    case .log: map(x, y, count) { naturalLogarithm($0) }
    case .elu: map(x, y, count) { choose(where: $0, isLess: zero, alpha * exponentialLessOne($0), else: $0) }
    case .geluErf: map(x, y, count) { gelu($0) }
    case .geluTanh: map(x, y, count) { geluByTangent($0) }
    case .softplus: map(x, y, count) { softplus($0 * alpha) / alpha }
    case .mish: map(x, y, count) { mish($0) }
    case .abs: map(x, y, count) { magnitude($0) }
    case .square: map(x, y, count) { $0 * $0 }
    case .sqrt: map(x, y, count) { squareRoot($0) }
    case .erf: map(x, y, count) { errorFunction($0) }
    case .sin: map(x, y, count) { sine($0) }
    case .cos: map(x, y, count) { cosine($0) }
    case .floor: map(x, y, count) { lanes_floor($0) }
    case .ceil: map(x, y, count) { lanes_ceil($0) }
    case .round: map(x, y, count) { lanes_round($0) }
    case .truncate: map(x, y, count) { lanes_truncate($0) }
    case .reciprocal: map(x, y, count) { one / $0 }
    case .inverseSquareRoot: map(x, y, count) { one / squareRoot($0) }
    case .power:
        switch function.alpha {
        case 2: map(x, y, count) { $0 * $0 }
        case 3: map(x, y, count) { $0 * $0 * $0 }
        default: map(x, y, count) { ($0 * $0) * ($0 * $0) }
        }
    }
}

/// One loop for whole vectors and the rest: a function that is called in two places is not compiled into either.
@inline(__always)
private func map(_ x: Input, _ y: Output, _ count: Int, _ function: (Lanes) -> Lanes) {
    var index = 0
    while index < count {
        let rest = count - index
        store(function(load(x + index, first: rest)), y + index, first: rest)
        index += laneCount
    }
}

/// y = function(x, other), where `other` is one number or as many as x has; `x` and `y` may be the same.
func combine(_ function: CombiningFunction, _ x: Input, _ other: Input, isOne: Bool, _ y: Output, _ count: Int) {
    switch function {
    case .add: combine(x, other, isOne, y, count) { $0 + $1 }
    case .subtract: combine(x, other, isOne, y, count) { $0 - $1 }
    case .multiply: combine(x, other, isOne, y, count) { $0 * $1 }
    case .divide: combine(x, other, isOne, y, count) { $0 / $1 }
    case .maximum: combine(x, other, isOne, y, count) { maximum($0, $1) }
    case .minimum: combine(x, other, isOne, y, count) { minimum($0, $1) }
    case .subtractFrom: combine(x, other, isOne, y, count) { $1 - $0 }
    case .divideInto: combine(x, other, isOne, y, count) { $1 / $0 }
    case .slope: combine(x, other, isOne, y, count) { choose(where: $0, isLess: .zero, $0 * $1, else: $0) }
    }
}

@inline(__always)
private func combine(
    _ x: Input, _ other: Input, _ isOne: Bool, _ y: Output, _ count: Int, _ function: (Lanes, Lanes) -> Lanes
) {
    let single = all(isOne ? other[0] : 0)
    var index = 0
    while index + laneCount <= count {
        store(function(load(x + index), isOne ? single : load(other + index)), y + index)
        index += laneCount
    }
    if index < count {
        let rest = count - index
        let operand = isOne ? single : load(other + index, first: rest)
        store(function(load(x + index, first: rest), operand), y + index, first: rest)
    }
}

/// Rows of a tensor with the channels innermost, or some channels of them.
struct Rows {
    /// The first row's first channel, in elements from the start of the tensor.
    var start: Int
    var count: Int
    var stride: Int
    var channel: Int
    var channels: Int

    /// Calls `body` with the start and the length of each run of elements without a gap.
    @inline(__always)
    func forEachRun(_ body: (Int, Int) -> Void) {
        if channels == stride { return body(start, count * channels) }
        for row in 0..<count { body(start + row * stride, channels) }
    }
}

/// Applies one step to rows of x.
private func apply(
    _ step: EpilogueStep, _ operands: VectorFunctions.Operands, _ x: Input, _ y: Output, _ rows: Rows
) {
    switch step.action {
    case .apply(let function): rows.forEachRun { apply(function, x + $0, y + $0, $1) }
    case .combine(let function, let kind, let place):
        let operand = Input(operands[place].assumingMemoryBound(to: Float.self))
        switch kind {
        case .one: rows.forEachRun { combine(function, x + $0, operand, isOne: true, y + $0, $1) }
        case .ofElement: rows.forEachRun { combine(function, x + $0, operand + $0, isOne: false, y + $0, $1) }
        case .ofRow:
            for row in 0..<rows.count {
                let offset = rows.start + row * rows.stride
                let number = offset / rows.stride % step.period
                combine(function, x + offset, operand + number, isOne: true, y + offset, rows.channels)
            }
        case .ofChannel:
            for row in 0..<rows.count {
                let offset = rows.start + row * rows.stride
                combine(function, x + offset, operand + rows.channel, isOne: false, y + offset, rows.channels)
            }
        }
    }
}

/// Applies the steps from number `first` on to rows of a result.
func finish(
    _ steps: UnsafeBufferPointer<EpilogueStep>, from first: Int, _ operands: VectorFunctions.Operands, _ y: Output,
    _ rows: Rows
) {
    var index = first
    while index < steps.count {
        apply(steps[index], operands, Input(y), y, rows)
        index += 1
    }
}

func applySteps(
    _ steps: UnsafeBufferPointer<EpilogueStep>, _ operands: VectorFunctions.Operands, _ x: Input, _ y: Output,
    _ elements: Range<Int>, rowLength: Int
) {
    let rows = Rows(
        start: elements.lowerBound, count: elements.count / rowLength, stride: rowLength, channel: 0,
        channels: rowLength)
    guard steps.count > 0 else { return }
    apply(steps[0], operands, x, y, rows)
    finish(steps, from: 1, operands, y, rows)
}
