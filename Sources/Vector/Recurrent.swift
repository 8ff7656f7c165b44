// SPDX-License-Identifier: Apache-2.0

import VectorFunctions

/// The sequences of one direction that go through the steps together.
private struct RecurrentGroup {
    let loop: RecurrentLoop
    let direction: Int
    let first, count: Int
    let inputs: VectorFunctions.Operands
    /// Rows of `paddedWidth`, and of `hidden`.
    let gates, products, reset: Output
    /// The states of the first sequence; those of the others follow.
    let h, c: Output

    func input(_ place: Int) -> Input { Input(inputs[place].assumingMemoryBound(to: Float.self)) }

    func length(_ sequence: Int) -> Int {
        guard loop.lengths >= 0 else { return loop.steps }
        // The caller's memory may have changed since it was checked.
        let length = inputs[loop.lengths].assumingMemoryBound(to: Int32.self)[first + sequence]
        return min(max(0, Int(length)), loop.steps)
    }

    var functions: (gate: ElementFunction, candidate: ElementFunction, state: ElementFunction) {
        direction == 0 ? loop.functions.0 : loop.functions.1
    }

    /// The biases of the input (`half` 0) or of the recurrence (1).
    func bias(_ half: Int) -> Input { input(loop.bias) + (direction * 2 + half) * loop.width }
}

func recur(
    _ loop: RecurrentLoop, _ inputs: VectorFunctions.Operands, _ outputs: VectorFunctions.Operands, _ scratch: Output,
    _ parts: Range<Int>
) {
    for part in parts {
        let direction = part / loop.groups
        let first = (part - direction * loop.groups) * RecurrentLoop.group
        let rows = RecurrentLoop.group * loop.paddedWidth
        let memory = scratch + part * loop.scratchPerPart
        let state = (direction * loop.batch + first) * loop.hidden
        let h = outputs[1].assumingMemoryBound(to: Float.self) + state
        let group = RecurrentGroup(
            loop: loop, direction: direction, first: first, count: min(RecurrentLoop.group, loop.batch - first),
            inputs: inputs, gates: memory, products: memory + rows, reset: memory + 2 * rows, h: h,
            c: loop.isLSTM ? outputs[2].assumingMemoryBound(to: Float.self) + state : h)
        start(group.h, loop.firstH, state, group)
        if loop.isLSTM { start(group.c, loop.firstC, state, group) }
        run(group, outputs[0].assumingMemoryBound(to: Float.self))
    }
}

private func start(_ target: Output, _ place: Int, _ offset: Int, _ group: RecurrentGroup) {
    let count = group.count * group.loop.hidden
    if place >= 0 {
        target.update(from: group.input(place) + offset, count: count)
    } else {
        target.update(repeating: 0, count: count)
    }
}

private func run(_ group: RecurrentGroup, _ y: Output) {
    let loop = group.loop
    let (hidden, width) = (loop.hidden, loop.width)
    let isReversed = loop.startsReversed || group.direction == 1
    let shares = group.input(0) + group.direction * loop.steps * loop.batch * width
    for step in 0..<loop.steps {
        for sequence in 0..<group.count {
            let length = group.length(sequence)
            guard step < length else { continue }
            let time = isReversed ? length - 1 - step : step
            let share = shares + (time * loop.batch + group.first + sequence) * width
            gatesOfInput(share, group.gates + sequence * loop.paddedWidth, group)
        }
        multiply(group.h, group, 0..<loop.panels)
        if !loop.isLSTM { finishEarlyGates(group) }
        for sequence in 0..<group.count {
            let length = group.length(sequence)
            let time = isReversed && step < length ? length - 1 - step : step
            let target = y + ((time * loop.directions + group.direction) * loop.batch + group.first + sequence) * hidden
            if step >= length {
                // Beyond the end of a shorter sequence there is nothing.
                target.update(repeating: 0, count: hidden)
                continue
            }
            if loop.isLSTM { finishLSTM(group, sequence) } else { finishGRU(group, sequence) }
            target.update(from: group.h + sequence * hidden, count: hidden)
        }
    }
}

/// Calls `body` with the start of each 16 elements of `count`, and how many there are.
@inline(__always)
private func forEachVector(_ count: Int, _ body: (Int, Int) -> Void) {
    var index = 0
    while index < count {
        body(index, min(laneCount, count - index))
        index += laneCount
    }
}

/// gates = share + biases, but for the recurrent bias of a GRU's candidate.
private func gatesOfInput(_ share: Input, _ gates: Output, _ group: RecurrentGroup) {
    let loop = group.loop
    guard loop.bias >= 0 else { return gates.update(from: share, count: loop.width) }
    let (input, recurrent) = (group.bias(0), group.bias(1))
    let early = loop.isLSTM ? loop.width : 2 * loop.hidden
    forEachVector(early) { index, rest in
        let bias = load(input + index, first: rest) + load(recurrent + index, first: rest)
        store(load(share + index, first: rest) + bias, gates + index, first: rest)
    }
    forEachVector(loop.width - early) { index, rest in
        let place = early + index
        store(load(share + place, first: rest) + load(input + place, first: rest), gates + place, first: rest)
    }
}

// MARK: Products

/// products = state · recurrent weights, for some panels.
private func multiply(_ state: Output, _ group: RecurrentGroup, _ panels: Range<Int>) {
    let loop = group.loop
    let depth = loop.hidden
    let weights = group.input(1) + group.direction * depth * laneCount
    let stride = loop.directions * depth * laneCount
    var row = 0
    while row < group.count {
        let (x, y) = (Input(state) + row * depth, group.products + row * loop.paddedWidth)
        #if AVX512
        // Half of that leaves the processor waiting for its sums; the others have no registers for more.
        if group.count - row >= 8 {
            for panel in panels {
                eightRows(x, depth, weights + panel * stride, y + panel * laneCount, loop.paddedWidth)
            }
            row += 8
            continue
        }
        #endif
        if group.count - row >= 4 {
            for panel in panels {
                fourRows(x, depth, weights + panel * stride, y + panel * laneCount, loop.paddedWidth)
            }
            row += 4
        } else {
            var panel = panels.lowerBound
            while panel + 4 <= panels.upperBound {
                fourPanels(x, depth, weights + panel * stride, stride, y + panel * laneCount)
                panel += 4
            }
            while panel < panels.upperBound {
                onePanel(x, depth, weights + panel * stride, y + panel * laneCount)
                panel += 1
            }
            row += 1
        }
    }
}

#if AVX512
private func eightRows(_ x: Input, _ depth: Int, _ weights: Input, _ y: Output, _ stride: Int) {
    var (a, b, c, d) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    var (e, f, g, h) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    for k in 0..<depth {
        let (w, column) = (load(weights + k * laneCount), x + k)
        a = multiplyAdd(all(column[0]), w, a)
        b = multiplyAdd(all(column[depth]), w, b)
        c = multiplyAdd(all(column[2 * depth]), w, c)
        d = multiplyAdd(all(column[3 * depth]), w, d)
        e = multiplyAdd(all(column[4 * depth]), w, e)
        f = multiplyAdd(all(column[5 * depth]), w, f)
        g = multiplyAdd(all(column[6 * depth]), w, g)
        h = multiplyAdd(all(column[7 * depth]), w, h)
    }
    store(a, y)
    store(b, y + stride)
    store(c, y + 2 * stride)
    store(d, y + 3 * stride)
    store(e, y + 4 * stride)
    store(f, y + 5 * stride)
    store(g, y + 6 * stride)
    store(h, y + 7 * stride)
}
#endif

private func fourRows(_ x: Input, _ depth: Int, _ weights: Input, _ y: Output, _ stride: Int) {
    var (a, b, c, d) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    for k in 0..<depth {
        let w = load(weights + k * laneCount)
        a = multiplyAdd(all(x[k]), w, a)
        b = multiplyAdd(all(x[depth + k]), w, b)
        c = multiplyAdd(all(x[2 * depth + k]), w, c)
        d = multiplyAdd(all(x[3 * depth + k]), w, d)
    }
    store(a, y)
    store(b, y + stride)
    store(c, y + 2 * stride)
    store(d, y + 3 * stride)
}

private func fourPanels(_ x: Input, _ depth: Int, _ weights: Input, _ stride: Int, _ y: Output) {
    var (a, b, c, d) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    for k in 0..<depth {
        let (value, w) = (all(x[k]), weights + k * laneCount)
        a = multiplyAdd(value, load(w), a)
        b = multiplyAdd(value, load(w + stride), b)
        c = multiplyAdd(value, load(w + 2 * stride), c)
        d = multiplyAdd(value, load(w + 3 * stride), d)
    }
    store(a, y)
    store(b, y + laneCount)
    store(c, y + 2 * laneCount)
    store(d, y + 3 * laneCount)
}

private func onePanel(_ x: Input, _ depth: Int, _ weights: Input, _ y: Output) {
    var (a, b) = (Lanes.zero, Lanes.zero)
    var k = 0
    while k + 2 <= depth {
        a = multiplyAdd(all(x[k]), load(weights + k * laneCount), a)
        b = multiplyAdd(all(x[k + 1]), load(weights + (k + 1) * laneCount), b)
        k += 2
    }
    if k < depth { a = multiplyAdd(all(x[k]), load(weights + k * laneCount), a) }
    store(a + b, y)
}

// MARK: Gates

/// Applies a function of the network in place, to what was clipped where it is asked for.
private func activate(_ function: ElementFunction, _ x: Output, _ count: Int, clip: Float) {
    if clip > 0 { apply(ElementFunction(.clamp, alpha: -clip, beta: clip), Input(x), x, count) }
    apply(function, Input(x), x, count)
}

private func finishLSTM(_ group: RecurrentGroup, _ sequence: Int) {
    let loop = group.loop
    let hidden = loop.hidden
    let gates = group.gates + sequence * loop.paddedWidth
    let products = group.products + sequence * loop.paddedWidth
    let (h, c) = (group.h + sequence * hidden, group.c + sequence * hidden)
    forEachVector(loop.width) { index, rest in
        store(load(gates + index, first: rest) + load(products + index, first: rest), gates + index, first: rest)
    }
    let (i, o, f, candidate) = (gates, gates + hidden, gates + 2 * hidden, gates + 3 * hidden)
    let functions = group.functions
    let peepholes = loop.peepholes >= 0 ? group.input(loop.peepholes) + group.direction * 3 * hidden : nil
    if let peepholes {
        look(through: peepholes, at: c, i, hidden)
        look(through: peepholes + 2 * hidden, at: c, f, hidden)
    }
    activate(functions.gate, i, hidden, clip: loop.clip)
    if loop.inputForget {
        forEachVector(hidden) { store(all(1) - load(i + $0, first: $1), f + $0, first: $1) }
    } else {
        activate(functions.gate, f, hidden, clip: loop.clip)
    }
    activate(functions.candidate, candidate, hidden, clip: loop.clip)
    forEachVector(hidden) { index, rest in
        let fresh = load(i + index, first: rest) * load(candidate + index, first: rest)
        let cell = multiplyAdd(load(f + index, first: rest), load(c + index, first: rest), fresh)
        store(cell, c + index, first: rest)
    }
    if let peepholes { look(through: peepholes + hidden, at: c, o, hidden) }
    activate(functions.gate, o, hidden, clip: loop.clip)
    apply(functions.state, Input(c), h, hidden)
    forEachVector(hidden) { store(load(o + $0, first: $1) * load(h + $0, first: $1), h + $0, first: $1) }
}

/// gate += peephole · cell.
private func look(through peephole: Input, at cell: Output, _ gate: Output, _ count: Int) {
    forEachVector(count) { index, rest in
        let sum = multiplyAdd(
            load(peephole + index, first: rest), load(cell + index, first: rest), load(gate + index, first: rest))
        store(sum, gate + index, first: rest)
    }
}

/// The gates z and r of all sequences; where the reset comes first, the products of the candidate, too.
private func finishEarlyGates(_ group: RecurrentGroup) {
    let loop = group.loop
    let hidden = loop.hidden
    for sequence in 0..<group.count {
        let gates = group.gates + sequence * loop.paddedWidth
        let products = group.products + sequence * loop.paddedWidth
        forEachVector(2 * hidden) { index, rest in
            store(load(gates + index, first: rest) + load(products + index, first: rest), gates + index, first: rest)
        }
        activate(group.functions.gate, gates, 2 * hidden, clip: loop.clip)
        if loop.linearBeforeReset { continue }
        let (r, h, reset) = (gates + hidden, group.h + sequence * hidden, group.reset + sequence * hidden)
        forEachVector(hidden) { store(load(r + $0, first: $1) * load(h + $0, first: $1), reset + $0, first: $1) }
    }
    if !loop.linearBeforeReset { multiply(group.reset, group, 2 * hidden / laneCount..<loop.panels) }
}

private func finishGRU(_ group: RecurrentGroup, _ sequence: Int) {
    let loop = group.loop
    let hidden = loop.hidden
    let z = group.gates + sequence * loop.paddedWidth
    let (r, candidate) = (z + hidden, z + 2 * hidden)
    let product = group.products + sequence * loop.paddedWidth + 2 * hidden
    let bias = loop.bias >= 0 ? group.bias(1) + 2 * hidden : nil
    forEachVector(hidden) { index, rest in
        var recurrent = load(product + index, first: rest)
        if let bias { recurrent += load(bias + index, first: rest) }
        if loop.linearBeforeReset { recurrent *= load(r + index, first: rest) }
        store(load(candidate + index, first: rest) + recurrent, candidate + index, first: rest)
    }
    activate(group.functions.candidate, candidate, hidden, clip: loop.clip)
    let h = group.h + sequence * hidden
    forEachVector(hidden) { index, rest in
        let share = load(z + index, first: rest)
        let old = share * load(h + index, first: rest)
        store(multiplyAdd(all(1) - share, load(candidate + index, first: rest), old), h + index, first: rest)
    }
}
