// SPDX-License-Identifier: Apache-2.0

internal import VectorFunctions

extension Eltwise {
    /// The same function of the vector kernels; nil where they have none.
    var elementFunction: ElementFunction? {
        switch algorithm {
        // Infinity times 0 is no number, and the result here is 0.
        case .relu where alpha == 0: .init(.clamp, alpha: 0, beta: .infinity)
        case .relu: .init(.leakyRelu, alpha: alpha)
        case .clip: .init(.clamp, alpha: alpha, beta: beta)
        case .linear: .init(.linear, alpha: alpha, beta: beta)
        case .hardSigmoid: .init(.hardSigmoid, alpha: alpha, beta: beta)
        case .hardSwish: .init(.hardSwish, alpha: alpha, beta: beta)
        case .logistic: .init(.sigmoid)
        case .swish: .init(.swish, alpha: alpha)
        case .tanh: .init(.tanh)
        case .exp: .init(.exp)
        case .elu: .init(.elu, alpha: alpha)
        case .geluErf: .init(.geluErf)
        case .geluTanh: .init(.geluTanh)
        case .softRelu: .init(.softplus, alpha: alpha)
        case .mish: .init(.mish)
        case .abs: .init(.abs)
        case .square: .init(.square)
        case .sqrt: .init(.sqrt)
        case .pow where alpha == 1 && beta == -1: .init(.reciprocal)
        case .pow, .log, .round: nil
        }
    }
}

extension BinaryAlgorithm {
    var combiningFunction: CombiningFunction {
        switch self {
        case .add: .add
        case .subtract: .subtract
        case .multiply: .multiply
        case .divide: .divide
        case .maximum: .maximum
        case .minimum: .minimum
        }
    }
}
