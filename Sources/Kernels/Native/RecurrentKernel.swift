// SPDX-License-Identifier: Apache-2.0

public import GEGraph
internal import VectorFunctions

public enum RecurrentCell: Sendable {
    case lstm, gru

    /// Gates, in the order i, o, f, c or z, r, h.
    public var gates: Int { self == .lstm ? 4 : 3 }
    public var outputs: Int { self == .lstm ? 3 : 2 }
    public var optionalInputs: Int { self == .lstm ? 5 : 3 }
}

public enum RecurrentActivation: Sendable {
    case sigmoid, tanh, relu, softsign, softplus
    case affine(alpha: Float, beta: Float), leakyRelu(Float), thresholdedRelu(Float), scaledTanh(
        alpha: Float, beta: Float)
    case hardSigmoid(alpha: Float, beta: Float), elu(Float)
}

/// The numbers of a recurrent network.
public struct RecurrentPlan: Sendable {
    public let cell: RecurrentCell
    public let steps, batch, hidden, directions: Int
    let startsReversed: Bool
    let activations: [RecurrentActivation]
    let clip: Float
    let inputForget, linearBeforeReset: Bool
    /// Which of the optional inputs there are: bias, lengths, initial h, and of the LSTM initial c and peepholes.
    let present: [Bool]

    /// - activations: those of the first direction, then those of the second.
    /// - clip: bound of what goes into an activation; none unless positive.
    public init(
        cell: RecurrentCell, steps: Int, batch: Int, hidden: Int, directions: Int, startsReversed: Bool,
        activations: [RecurrentActivation], clip: Float, inputForget: Bool, linearBeforeReset: Bool, present: [Bool]
    ) {
        self.cell = cell
        self.steps = steps
        self.batch = batch
        self.hidden = hidden
        self.directions = directions
        self.startsReversed = startsReversed
        self.activations = activations
        self.clip = clip
        self.inputForget = inputForget
        self.linearBeforeReset = linearBeforeReset
        self.present = present
    }

    /// The node's input for the lengths of the sequences.
    public static let lengthsInput = 4

    var width: Int { cell.gates * hidden }

    /// The number of the operand that holds optional input `index`; nil where it is absent.
    func operand(_ index: Int) -> Int? {
        guard index < present.count, present[index] else { return nil }
        return 2 + present[..<index].count { $0 }
    }
}

extension RecurrentPlan {
    /// The same for the vector kernels; nil where they lack a function.
    var vectorLoop: RecurrentLoop? {
        let functions = activations.compactMap(\.elementFunction)
        guard functions.count == activations.count else { return nil }
        var loop = RecurrentLoop(
            isLSTM: cell == .lstm, steps: steps, batch: batch, hidden: hidden, directions: directions,
            startsReversed: startsReversed, clip: clip, inputForget: inputForget, linearBeforeReset: linearBeforeReset,
            functions: functions)
        (loop.bias, loop.lengths) = (operand(0) ?? -1, operand(1) ?? -1)
        (loop.firstH, loop.firstC, loop.peepholes) = (operand(2) ?? -1, operand(3) ?? -1, operand(4) ?? -1)
        return loop
    }
}

extension RecurrentActivation {
    fileprivate var elementFunction: ElementFunction? {
        switch self {
        case .sigmoid: .init(.sigmoid)
        case .tanh: .init(.tanh)
        case .relu: .init(.clamp, alpha: 0, beta: .infinity)
        case .softplus: .init(.softplus, alpha: 1)
        case .affine(let alpha, let beta): .init(.linear, alpha: alpha, beta: beta)
        case .leakyRelu(let alpha): .init(.leakyRelu, alpha: alpha)
        case .hardSigmoid(let alpha, let beta): .init(.hardSigmoid, alpha: alpha, beta: beta)
        case .elu(let alpha): .init(.elu, alpha: alpha)
        case .softsign, .thresholdedRelu, .scaledTanh: nil
        }
    }
}

/// The steps of a recurrent network; nil for types without a kernel.
///
/// Inputs: the input's share of the gates [D, T · N, gates · H], the recurrent weights [D, H, gates · H], and
/// those of the optional inputs that are present. Outputs: y [T, D, N, H], y_h [D, N, H], and of the LSTM y_c.
public func recurrentKernel(_ type: DataType, _ plan: RecurrentPlan) -> (any NativeKernel)? {
    switch type {
    case .float: SpecializedKernel(RecurrentKernel<Float>(plan: plan))
    case .double: SpecializedKernel(RecurrentKernel<Double>(plan: plan))
    default: nil
    }
}

struct RecurrentKernel<T: Real>: NativeKernel {
    let plan: RecurrentPlan

    /// One row of gates, the recurrent share of it, and one hidden state.
    var scratchBytes: Int { (2 * plan.width + plan.hidden) * MemoryLayout<T>.stride }

    func run(_ operands: KernelOperands) { _ = unsafe runChecked(operands) }

    func runChecked(_ operands: KernelOperands) -> IndexFailure? {
        if let operand = plan.operand(1),
            let failure = unsafe lengthFailure(
                operands.inputs[operand], input: RecurrentPlan.lengthsInput, Int32.self, count: plan.batch,
                longest: plan.steps)
        {
            return failure
        }
        for direction in 0..<plan.directions {
            let isReversed = plan.startsReversed || direction == 1
            for item in 0..<plan.batch { unsafe runSequence(operands, direction, item, isReversed) }
        }
        return nil
    }

    private func runSequence(_ operands: KernelOperands, _ direction: Int, _ item: Int, _ isReversed: Bool) {
        let (hidden, width) = (plan.hidden, plan.width)
        let state = (direction * plan.batch + item) * hidden
        let h = unsafe operands.output(1, as: T.self) + state
        let c = unsafe plan.cell == .lstm ? operands.output(2, as: T.self) + state : h
        for index in 0..<hidden {
            if plan.cell == .lstm { unsafe c[index] = initial(operands, 3, state + index) }
            unsafe h[index] = initial(operands, 2, state + index)
        }
        var length = plan.steps
        if let operand = plan.operand(1) {
            // The caller's memory may have changed since it was checked.
            length = min(max(0, Int(unsafe operands.input(operand, as: Int32.self)[item])), plan.steps)
        }
        let y = unsafe operands.output(0, as: T.self)
        let inputs = unsafe operands.input(0, as: T.self) + direction * plan.steps * plan.batch * width
        for step in 0..<plan.steps {
            let time = isReversed && step < length ? length - 1 - step : step
            let target = unsafe y + ((time * plan.directions + direction) * plan.batch + item) * hidden
            if step >= length {
                // Beyond the end of a shorter sequence there is nothing.
                unsafe target.update(repeating: 0, count: hidden)
                continue
            }
            let gates = unsafe operands.scratch.assumingMemoryBound(to: T.self)
            unsafe gates.update(from: inputs + (time * plan.batch + item) * width, count: width)
            switch plan.cell {
            case .lstm: unsafe stepLSTM(operands, direction, gates, h, c)
            case .gru: unsafe stepGRU(operands, direction, gates, h)
            }
            unsafe target.update(from: h, count: hidden)
        }
    }

    private func initial(_ operands: KernelOperands, _ input: Int, _ index: Int) -> T {
        plan.operand(input).map { unsafe operands.input($0, as: T.self)[index] } ?? 0
    }

    /// Adds `state` times the columns `range` of the recurrent weights to `gates`.
    @inline(__always)
    private func addRecurrent(
        _ operands: KernelOperands, _ direction: Int, _ state: UnsafePointer<T>, _ range: Range<Int>,
        to gates: UnsafeMutablePointer<T>
    ) {
        let weights = unsafe operands.input(1, as: T.self) + direction * plan.hidden * plan.width
        for k in 0..<plan.hidden {
            let value = unsafe state[k]
            let row = unsafe weights + k * plan.width
            for index in range { unsafe gates[index] += value * row[index] }
        }
    }

    /// Adds the biases of the input (`half` 0) or of the recurrence (1).
    @inline(__always)
    private func addBias(
        _ operands: KernelOperands, _ direction: Int, _ half: Int, _ range: Range<Int>,
        to gates: UnsafeMutablePointer<T>
    ) {
        guard let operand = plan.operand(0) else { return }
        let bias = unsafe operands.input(operand, as: T.self) + (direction * 2 + half) * plan.width
        for index in range { unsafe gates[index] += bias[index] }
    }

    private func stepLSTM(
        _ operands: KernelOperands, _ direction: Int, _ gates: UnsafeMutablePointer<T>, _ h: UnsafeMutablePointer<T>,
        _ c: UnsafeMutablePointer<T>
    ) {
        let (hidden, width) = (plan.hidden, plan.width)
        unsafe addBias(operands, direction, 0, 0..<width, to: gates)
        unsafe addBias(operands, direction, 1, 0..<width, to: gates)
        unsafe addRecurrent(operands, direction, h, 0..<width, to: gates)
        let first = direction * 3
        for index in 0..<hidden {
            var (i, o, f) = unsafe (gates[index], gates[hidden + index], gates[2 * hidden + index])
            if let operand = plan.operand(4) {
                let peepholes = unsafe operands.input(operand, as: T.self) + direction * 3 * hidden
                unsafe i += peepholes[index] * c[index]
                unsafe f += peepholes[2 * hidden + index] * c[index]
            }
            i = activate(first, i)
            f = plan.inputForget ? 1 - i : activate(first, f)
            let candidate = unsafe activate(first + 1, gates[3 * hidden + index])
            let cell = unsafe f * c[index] + i * candidate
            if let operand = plan.operand(4) {
                unsafe o += operands.input(operand, as: T.self)[direction * 3 * hidden + hidden + index] * cell
            }
            unsafe c[index] = cell
            unsafe h[index] = activate(first, o) * apply(plan.activations[first + 2], cell)
        }
    }

    private func stepGRU(
        _ operands: KernelOperands, _ direction: Int, _ gates: UnsafeMutablePointer<T>, _ h: UnsafeMutablePointer<T>
    ) {
        let (hidden, width) = (plan.hidden, plan.width)
        let (recurrent, reset) = unsafe (gates + width, gates + 2 * width)
        let (early, late) = (0..<2 * hidden, 2 * hidden..<width)
        let first = direction * 2
        unsafe addBias(operands, direction, 0, 0..<width, to: gates)
        unsafe addBias(operands, direction, 1, early, to: gates)
        unsafe addRecurrent(operands, direction, h, early, to: gates)
        for index in early { unsafe gates[index] = activate(first, gates[index]) }
        unsafe recurrent.update(repeating: 0, count: width)
        if plan.linearBeforeReset {
            unsafe addBias(operands, direction, 1, late, to: recurrent)
            unsafe addRecurrent(operands, direction, h, late, to: recurrent)
            for index in 0..<hidden { unsafe recurrent[2 * hidden + index] *= gates[hidden + index] }
        } else {
            for index in 0..<hidden { unsafe reset[index] = gates[hidden + index] * h[index] }
            unsafe addBias(operands, direction, 1, late, to: recurrent)
            unsafe addRecurrent(operands, direction, reset, late, to: recurrent)
        }
        for index in 0..<hidden {
            let place = 2 * hidden + index
            let candidate = unsafe activate(first + 1, gates[place] + recurrent[place])
            let z = unsafe gates[index]
            unsafe h[index] = (1 - z) * candidate + z * h[index]
        }
    }

    /// Activation `index` of what goes into it, clipped where the network asks for it.
    @inline(__always)
    private func activate(_ index: Int, _ x: T) -> T {
        let bound = T(plan.clip)
        return apply(plan.activations[index], plan.clip > 0 ? min(max(x, -bound), bound) : x)
    }

    @inline(__always)
    private func apply(_ activation: RecurrentActivation, _ x: T) -> T {
        switch activation {
        case .sigmoid: 1 / (1 + T.exp(-x))
        case .tanh: T.tanh(x)
        case .relu: max(x, 0)
        case .softsign: x / (1 + x.magnitude)
        case .softplus: max(x, 0) + T.log1p(T.exp(-x.magnitude))
        case .affine(let alpha, let beta): T(alpha) * x + T(beta)
        case .leakyRelu(let alpha): x < 0 ? T(alpha) * x : x
        case .thresholdedRelu(let alpha): x > T(alpha) ? x : 0
        case .scaledTanh(let alpha, let beta): T(alpha) * T.tanh(T(beta) * x)
        case .hardSigmoid(let alpha, let beta): min(max(T(alpha) * x + T(beta), 0), 1)
        case .elu(let alpha): x < 0 ? T(alpha) * T.expm1(x) : x
        }
    }
}
