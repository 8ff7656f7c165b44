// SPDX-License-Identifier: Apache-2.0

/// A function that is applied to each element of a float tensor.
public struct ElementFunction: Equatable, Sendable {
    public enum Kind: UInt8, Sendable {
        /// x where it is not negative, else alpha · x.
        case leakyRelu
        /// The nearest number to x from alpha to beta; NaN stays.
        case clamp
        /// alpha · x + beta.
        case linear
        /// clamp(alpha · x + beta, 0, 1), and x times that.
        case hardSigmoid, hardSwish
        case sigmoid
        /// x · sigmoid(alpha · x).
        case swish
        case tanh, exp, log
        /// x where it is positive, else alpha · (e^x − 1).
        case elu
        case geluErf, geluTanh
        /// ln(1 + e^(alpha · x)) / alpha, and x · tanh(ln(1 + e^x)).
        case softplus, mish
        case abs, square, sqrt, erf, sin, cos
        /// To a whole number: the next below or above, the nearest (the even one of two), the next towards zero.
        case floor, ceil, round, truncate
        /// 1 / x, and 1 / √x.
        case reciprocal, inverseSquareRoot
        /// x to the power alpha, a whole number from 2 to 4.
        case power
    }

    public var kind: Kind
    public var alpha: Float
    public var beta: Float

    public init(_ kind: Kind, alpha: Float = 0, beta: Float = 0) {
        self.kind = kind
        self.alpha = alpha
        self.beta = beta
    }
}

/// A function of a result's element and an operand's.
public enum CombiningFunction: UInt8, Sendable {
    case add, subtract, multiply, divide, maximum, minimum
    /// The operand less the result, and the operand divided by it.
    case subtractFrom, divideInto
    /// The result where it is not negative, else the operand times it.
    case slope

    /// The function that gives the same with its arguments exchanged; nil where there is none.
    public var exchanged: CombiningFunction? {
        switch self {
        case .add, .multiply, .maximum, .minimum: self
        case .subtract: .subtractFrom
        case .divide: .divideInto
        case .subtractFrom: .subtract
        case .divideInto: .divide
        case .slope: nil
        }
    }
}

/// What happens to the elements of a result before they are written for good.
public struct EpilogueStep: Equatable, Sendable {
    /// Which element of an operand meets element [row, channel] of a result.
    public enum Operand: UInt8, Sendable {
        case one, ofChannel, ofRow, ofElement
    }
    public enum Action: Equatable, Sendable {
        case apply(ElementFunction)
        /// `result = function(result, operand)`; `place` is the operand's among the kernel's inputs.
        case combine(CombiningFunction, Operand, place: Int)
    }
    public var action: Action
    /// Row i meets element i modulo this of an operand by row.
    public var period: Int

    public init(_ action: Action, period: Int = .max) {
        self.action = action
        self.period = period
    }
}
