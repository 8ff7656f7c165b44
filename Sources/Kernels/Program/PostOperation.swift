// SPDX-License-Identifier: Apache-2.0

/// What a kernel may apply to its result before writing it: oneDNN's post-operations.
public enum PostOperation<Operand: Sendable>: Sendable {
    case eltwise(Eltwise)
    /// `result = algorithm(result, operand)`; the operand has the result's shape or broadcasts to it.
    case binary(BinaryAlgorithm, Operand)
}

/// An element-wise function with its parameters, as oneDNN defines it.
public struct Eltwise: Equatable, Hashable, Sendable {
    public enum Algorithm: Sendable {
        case relu, tanh, elu, square, abs, sqrt, linear, softRelu, hardSigmoid, logistic, exp, geluTanh, swish, log
        case clip, pow, geluErf, round, mish, hardSwish
    }

    public var algorithm: Algorithm
    public var alpha: Float
    public var beta: Float

    /// The meaning of `alpha` and `beta` by algorithm: relu: slope below 0; elu: alpha; linear: alpha·x + beta;
    /// hardSigmoid: clamp(alpha·x + beta, 0, 1); swish: x·sigmoid(alpha·x); clip: lower, upper bound; pow: alpha·x^beta;
    /// hardSwish: x·clamp(alpha·x + beta, 0, 1); softRelu: ln(1 + exp(alpha·x)) / alpha.
    public init(_ algorithm: Algorithm, alpha: Float = 0, beta: Float = 0) {
        self.algorithm = algorithm
        self.alpha = alpha
        self.beta = beta
    }
}

public enum BinaryAlgorithm: Sendable {
    case add, subtract, multiply, divide, maximum, minimum
}

extension Eltwise {
    /// Whether oneDNN's kernels make a number of NaN, or NaN of an infinity.
    var losesNaN: Bool {
        switch algorithm {
        case .relu: alpha == 0
        case .clip, .hardSigmoid, .exp, .geluErf: true
        default: false
        }
    }

    /// Whether the compiled code behind oneDNN's kernels that are not generated (`math_utils.hpp`) departs from the
    /// function: the logistic function of NaN and roots of negative numbers are 0 there, the absolute value of 0 is −0.
    var isWrongInCompiledCode: Bool { losesNaN || [.logistic, .sqrt, .abs, .hardSwish].contains(algorithm) }

    /// Our own function, which is right, for those that oneDNN has wrong somewhere.
    var ownFunction: UnaryFunction? {
        switch algorithm {
        case .relu where alpha == 0: .relu
        case .clip: .clip(alpha, beta)
        case .hardSigmoid: .hardSigmoid(alpha: alpha, beta: beta)
        case .exp: .exponential(scale: 1, shift: 0)
        case .geluErf: .geluErf
        case .logistic: .sigmoid
        case .sqrt: .sqrt
        case .abs: .absolute
        case .hardSwish: .hardSwish
        default: nil
        }
    }
}

extension BinaryAlgorithm {
    /// Our own function, where oneDNN's kernels make a number of NaN.
    var ownFunction: BinaryFunction? {
        switch self {
        case .maximum: .maximum
        case .minimum: .minimum
        case .add, .subtract, .multiply, .divide: nil
        }
    }
}

extension PostOperation {
    var losesNaN: Bool {
        switch self {
        case .eltwise(let function): function.losesNaN
        case .binary(let algorithm, _): algorithm.ownFunction != nil
        }
    }

    var isWrongInCompiledCode: Bool {
        if case .eltwise(let function) = self { function.isWrongInCompiledCode } else { losesNaN }
    }

    /// Whether its kernels divide 0 by 0 in lanes and padding that hold no elements, which looks like NaN.
    var dividesPadding: Bool { if case .binary(.divide, _) = self { true } else { false } }
}
