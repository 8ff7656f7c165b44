// SPDX-License-Identifier: Apache-2.0

import VectorFunctions

/// What a tile applies to its sums at once: the bias, an operand's element, then bounds or a hard swish.
struct QuickEnd {
    var bias: Input?
    var operand: Input?
    var low = -Float.infinity
    var high = Float.infinity
    var isBounded: Bool { low > -.infinity || high < .infinity }
    /// With a gate the sum is multiplied by scale · sum + shift, from 0 to 1.
    var isGated = false
    var scale = Float.zero
    var shift = Float.zero
    /// The steps of the epilogue that are done by it.
    var steps = 0

    @inline(__always)
    init(_ loop: ConvolutionLoop, _ operands: VectorFunctions.Operands) {
        self.init(loop.epilogue, operands)
        if loop.hasBias { bias = Input(operands[2].assumingMemoryBound(to: Float.self)) }
    }

    @inline(__always)
    init(_ epilogue: UnsafeBufferPointer<EpilogueStep>, _ operands: VectorFunctions.Operands) {
        if epilogue.count > 0, case .combine(.add, .ofElement, let place) = epilogue[0].action {
            operand = Input(operands[place].assumingMemoryBound(to: Float.self))
            steps = 1
        }
        guard steps < epilogue.count, case .apply(let function) = epilogue[steps].action else { return }
        switch function.kind {
        case .clamp: (low, high) = (function.alpha, function.beta)
        case .hardSwish: (isGated, scale, shift) = (true, function.alpha, function.beta)
        default: return
        }
        steps += 1
    }

    /// The sum of one pixel's channels from `channel` on, with everything applied. `shift` is the bias.
    @inline(__always)
    func apply(_ sum: Lanes, _ shift: Lanes, at offset: Int, count: Int) -> Lanes {
        var sum = sum + shift
        if let operand { sum += load(operand + offset, first: count) }
        return bound(sum)
    }

    @inline(__always)
    func bound(_ sum: Lanes) -> Lanes {
        isGated ? gate(sum) : atMost(all(high), atLeast(all(low), sum))
    }

    @inline(__always)
    func gate(_ sum: Lanes) -> Lanes { sum * atMost(all(1), atLeast(.zero, multiplyAdd(sum, all(scale), all(shift)))) }

    /// Writes the sums of some pixels, of which the first lies at `offset` in the result and the others `step` apart, with
    /// everything applied: `count` channels, as far as the lanes reach.
    @inline(__always)
    func put<let pixels: Int>(
        _ sums: InlineArray<pixels, Lanes>, _ shift: Lanes, to result: Output, at offset: Int, step: Int, count: Int
    ) {
        if operand == nil, count >= laneCount {
            var target = result + offset
            for pixel in 0..<pixels {
                store(bound(sums[pixel] + shift), target)
                target += step
            }
        } else {
            for pixel in 0..<pixels {
                let place = offset + pixel * step
                store(apply(sums[pixel], shift, at: place, count: count), result + place, first: count)
            }
        }
    }
}
