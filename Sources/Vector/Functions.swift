// SPDX-License-Identifier: Apache-2.0

internal import CLanes
import VectorFunctions

/// Applies `function` to `count` elements; `x` and `y` may be the same.
func apply(_ function: ElementFunction, _ x: Input, _ y: Output, _ count: Int) {
    apply(function, x, y, Rows(start: 0, count: 1, stride: count, channel: 0, channels: count))
}

/// Applies `function` to rows of x; `x` and `y` may be the same.
private func apply(_ function: ElementFunction, _ x: Input, _ y: Output, _ rows: Rows) {
    let (alpha, beta) = (all(function.alpha), all(function.beta))
    let (zero, one) = (Lanes.zero, all(1))
    switch function.kind {
    case .leakyRelu: map(x, y, rows) { choose(where: $0, isLess: zero, $0 * alpha, else: $0) }
    case .clamp: map(x, y, rows) { atMost(beta, atLeast(alpha, $0)) }
    case .linear: map(x, y, rows) { multiplyAdd($0, alpha, beta) }
    case .hardSigmoid: map(x, y, rows) { atMost(one, atLeast(zero, multiplyAdd($0, alpha, beta))) }
    case .hardSwish: map(x, y, rows) { $0 * atMost(one, atLeast(zero, multiplyAdd($0, alpha, beta))) }
    case .sigmoid: map(x, y, rows) { sigmoid($0) }
    case .swish: map(x, y, rows) { sigmoid($0 * alpha, times: $0) }
    case .tanh: map(x, y, rows) { hyperbolicTangent($0) }
    case .exp: map(x, y, rows) { exponential($0) }
    case .log: map(x, y, rows) { naturalLogarithm($0) }
    case .elu: map(x, y, rows) { choose(where: $0, isLess: zero, alpha * exponentialLessOne($0), else: $0) }
    case .geluErf: map(x, y, rows) { gelu($0) }
    case .geluTanh: map(x, y, rows) { geluByTangent($0) }
    case .softplus: map(x, y, rows) { softplus($0 * alpha) / alpha }
    case .mish: map(x, y, rows) { mish($0) }
    case .abs: map(x, y, rows) { magnitude($0) }
    case .square: map(x, y, rows) { $0 * $0 }
    case .sqrt: map(x, y, rows) { squareRoot($0) }
    case .erf: map(x, y, rows) { errorFunction($0) }
    case .sin: map(x, y, rows) { sine($0) }
    case .cos: map(x, y, rows) { cosine($0) }
    case .floor: map(x, y, rows) { lanes_floor($0) }
    case .ceil: map(x, y, rows) { lanes_ceil($0) }
    case .round: map(x, y, rows) { lanes_round($0) }
    case .truncate: map(x, y, rows) { lanes_truncate($0) }
    case .reciprocal: map(x, y, rows) { one / $0 }
    case .inverseSquareRoot: map(x, y, rows) { one / squareRoot($0) }
    case .power:
        switch function.alpha {
        case 2: map(x, y, rows) { $0 * $0 }
        case 3: map(x, y, rows) { $0 * $0 * $0 }
        default: map(x, y, rows) { ($0 * $0) * ($0 * $0) }
        }
    }
}

/// One loop for whole vectors and the rest: a function that is called in two places is not compiled into either.
@inline(__always)
private func map(_ x: Input, _ y: Output, _ rows: Rows, _ function: (Lanes) -> Lanes) {
    let rows = rows.joined
    var start = rows.start
    for _ in 0..<rows.count {
        var index = 0
        while index < rows.channels {
            let (place, rest) = (start + index, rows.channels - index)
            store(function(load(x + place, first: rest)), y + place, first: rest)
            index += laneCount
        }
        start += rows.stride
    }
}

/// Which elements of an operand meet those of a row.
private struct OperandRows {
    /// The first element for the first row.
    var start: Input
    /// Elements from one row to the next, and after how many rows they begin again, counted from `number` on.
    var step = 0
    var number = 0
    var period = Int.max
    /// Whether one element meets all of a row.
    var isOne = false

    @inline(__always)
    mutating func advance() {
        number += 1
        if number == period { number = 0 }
    }
}

/// y = function(x, other), where `other` is one number or as many as x has; `x` and `y` may be the same.
func combine(_ function: CombiningFunction, _ x: Input, _ other: Input, isOne: Bool, _ y: Output, _ count: Int) {
    let rows = Rows(start: 0, count: 1, stride: count, channel: 0, channels: count)
    combine(function, x, OperandRows(start: other, isOne: isOne), y, rows)
}

/// y = function(x, operand); `x` and `y` may be the same.
private func combine(_ function: CombiningFunction, _ x: Input, _ operand: OperandRows, _ y: Output, _ rows: Rows) {
    switch function {
    case .add: combine(x, operand, y, rows) { $0 + $1 }
    case .subtract: combine(x, operand, y, rows) { $0 - $1 }
    case .multiply: combine(x, operand, y, rows) { $0 * $1 }
    case .divide: combine(x, operand, y, rows) { $0 / $1 }
    case .maximum: combine(x, operand, y, rows) { maximum($0, $1) }
    case .minimum: combine(x, operand, y, rows) { minimum($0, $1) }
    case .subtractFrom: combine(x, operand, y, rows) { $1 - $0 }
    case .divideInto: combine(x, operand, y, rows) { $1 / $0 }
    case .slope: combine(x, operand, y, rows) { choose(where: $0, isLess: .zero, $0 * $1, else: $0) }
    }
}

@inline(__always)
private func combine(
    _ x: Input, _ operand: OperandRows, _ y: Output, _ rows: Rows, _ function: (Lanes, Lanes) -> Lanes
) {
    var (operand, start) = (operand, rows.start)
    for _ in 0..<rows.count {
        let other = operand.start + operand.number * operand.step
        let single = all(operand.isOne ? other[0] : 0)
        var index = 0
        while index + laneCount <= rows.channels {
            let place = start + index
            store(function(load(x + place), operand.isOne ? single : load(other + index)), y + place)
            index += laneCount
        }
        if index < rows.channels {
            let (place, rest) = (start + index, rows.channels - index)
            let second = operand.isOne ? single : load(other + index, first: rest)
            store(function(load(x + place, first: rest), second), y + place, first: rest)
        }
        operand.advance()
        start += rows.stride
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

    /// As one row where there are no gaps.
    @inline(__always) var joined: Rows {
        guard channels == stride else { return self }
        return Rows(start: start, count: 1, stride: stride, channel: channel, channels: count * channels)
    }
}

/// Applies one step to rows of x.
private func apply(
    _ step: EpilogueStep, _ operands: VectorFunctions.Operands, _ x: Input, _ y: Output, _ rows: Rows
) {
    switch step.action {
    case .apply(let function): apply(function, x, y, rows)
    case .combine(let function, let kind, let place):
        let operand = Input(operands[place].assumingMemoryBound(to: Float.self))
        switch kind {
        case .one: combine(function, x, OperandRows(start: operand, isOne: true), y, rows.joined)
        case .ofElement:
            let rows = rows.joined
            combine(function, x, OperandRows(start: operand + rows.start, step: rows.stride), y, rows)
        case .ofRow:
            let number = rows.start / rows.stride % step.period
            let operand = OperandRows(start: operand, step: 1, number: number, period: step.period, isOne: true)
            combine(function, x, operand, y, rows)
        case .ofChannel: combine(function, x, OperandRows(start: operand + rows.channel), y, rows)
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
