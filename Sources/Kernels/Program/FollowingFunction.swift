// SPDX-License-Identifier: Apache-2.0

internal import VectorFunctions

/// A function that is applied to the result of a node by whatever computes it.
public enum FollowingFunction<Operand: Sendable>: Sendable {
    /// One that the vector kernels have.
    case unary(UnaryFunction)
    /// `result = function(result, operand)`, likewise; the operand has the result's shape or broadcasts to it.
    case binary(BinaryFunction, Operand)

    /// Whether it divides by numbers of its operand.
    var divides: Bool { if case .binary(.divide, _) = self { true } else { false } }
}

extension UnaryFunction {
    /// Whether it is one of the vector kernels', so that it can follow others.
    public var isVectorFunction: Bool { elementFunction != nil }

    /// The same function of the vector kernels; nil where they have none.
    var elementFunction: ElementFunction? {
        switch self {
        case .absolute: .init(.abs)
        case .negate: .init(.linear, alpha: -1)
        case .square, .power(2, 1, 0): .init(.square)
        case .sqrt, .power(0.5, 1, 0): .init(.sqrt)
        case .rsqrt: .init(.inverseSquareRoot)
        case .reciprocal: .init(.reciprocal)
        // The product of an infinity and 0 is no number, and the result here is 0.
        case .relu: .init(.clamp, alpha: 0, beta: .infinity)
        case .relu6: .init(.clamp, alpha: 0, beta: 6)
        case .leakyRelu(let slope): .init(.leakyRelu, alpha: slope)
        case .elu(let alpha, 1, 1): .init(.elu, alpha: alpha)
        case .sigmoid: .init(.sigmoid)
        case .hardSigmoid(let alpha, let beta): .init(.hardSigmoid, alpha: alpha, beta: beta)
        case .hardSwish: .init(.hardSwish, alpha: 1 / 6, beta: 0.5)
        case .swish(let scale): .init(.swish, alpha: scale)
        case .mish: .init(.mish)
        case .geluErf: .init(.geluErf)
        case .geluTanh: .init(.geluTanh)
        case .geluSigmoid: .init(.swish, alpha: 1.702)
        case .softplus: .init(.softplus, alpha: 1)
        case .clip(let low, let high): .init(.clamp, alpha: low, beta: high)
        case .linear(let factor, let term): .init(.linear, alpha: factor, beta: term)
        case .power(1, let scale, let shift): .init(.linear, alpha: scale, beta: shift)
        case .power(let power, 1, 0) where [3, 4].contains(power): .init(.power, alpha: Float(power))
        case .exponential(1, 0): .init(.exp)
        case .logarithm(1, 0, 1): .init(.log)
        case .erf: .init(.erf)
        case .sin: .init(.sin)
        case .cos: .init(.cos)
        case .tanh: .init(.tanh)
        case .floor: .init(.floor)
        case .ceil: .init(.ceil)
        case .round: .init(.round)
        case .trunc: .init(.truncate)
        default: nil
        }
    }
}

extension BinaryFunction {
    /// Whether it is one of the vector kernels', so that it can follow others.
    public var isVectorFunction: Bool { combiningFunction != nil }

    /// Whether the operands may be exchanged.
    public var commutes: Bool { combiningFunction.map { $0.exchanged == $0 } ?? false }

    var combiningFunction: CombiningFunction? {
        switch self {
        case .add: .add
        case .subtract: .subtract
        case .multiply: .multiply
        case .divide: .divide
        case .maximum: .maximum
        case .minimum: .minimum
        case .preluSlope: .slope
        default: nil
        }
    }
}
