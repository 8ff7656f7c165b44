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
