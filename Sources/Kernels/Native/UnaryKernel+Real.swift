// SPDX-License-Identifier: Apache-2.0

extension UnaryFunction {
    /// The kernel on real numbers. NaN passes through every function that is not documented otherwise.
    func real<T: Element>(_: T.Type, _ count: Int) -> (any NativeKernel)? where T.Wide: Real {
        typealias R = T.Wide
        @inline(__always) func map(_ function: @escaping @Sendable (R) -> R) -> any NativeKernel {
            UnaryKernel<T, T>(count: count, function)
        }
        switch self {
        case .absolute: return map { $0.magnitude }
        case .negate: return map { -$0 }
        case .sign: return map { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }
        case .square: return map { $0 * $0 }
        case .relu: return map { $0 < 0 ? 0 : $0 }
        case .relu6: return map { $0 < 0 ? 0 : $0 > 6 ? 6 : $0 }
        case .leakyRelu(let slope):
            let slope = R(slope)
            return map { $0 < 0 ? slope * $0 : $0 }
        case .elu(let alpha, let scale, let inputScale):
            let (negative, inner, positive) = (R(alpha) * R(scale), R(inputScale), R(scale))
            return map { $0 < 0 ? negative * R.expm1(inner * $0) : positive * $0 }
        case .selu:
            let (scale, product) = (R(1.0507009873554805), R(1.0507009873554805 * 1.6732632423543772))
            return map { $0 < 0 ? product * R.expm1($0) : scale * $0 }
        case .celu(let negative, let inputScale, let positive):
            let (negative, inputScale, positive) = (R(negative), R(inputScale), R(positive))
            return map { $0 < 0 ? negative * R.expm1($0 * inputScale) : positive * $0 }
        case .sigmoid: return map { Self.sigmoid($0) }
        case .logSigmoid: return map { $0 < 0 ? $0 - R.log1p(R.exp($0)) : -R.log1p(R.exp(-$0)) }
        case .hardSigmoid(let alpha, let beta):
            let (alpha, beta) = (R(alpha), R(beta))
            return map { Self.clamp(alpha * $0 + beta, 0, 1) }
        case .hardSwish: return map { $0 * Self.clamp($0 / 6 + R(0.5), 0, 1) }
        case .swish(let scale):
            let scale = R(scale)
            return map { $0 * Self.sigmoid(scale * $0) }
        case .mish: return map { $0 * R.tanh(Self.softplus($0)) }
        case .geluErf: return map { $0 * R(0.5) * (1 + R.erf($0 * R(0.7071067811865476))) }
        case .geluTanh:
            return map { x in
                let inner = R(0.7978845608028654) * (x + R(0.044715) * x * x * x)
                return x * R(0.5) * (1 + R.tanh(inner))
            }
        case .geluSigmoid: return map { $0 * Self.sigmoid(R(1.702) * $0) }
        case .softplus: return map { Self.softplus($0) }
        case .softsign: return map { $0 / (1 + $0.magnitude) }
        case .shrink(let threshold, let bias):
            let (threshold, bias) = (R(threshold), R(bias))
            return map { $0 < -threshold ? $0 + bias : $0 > threshold ? $0 - bias : 0 }
        case .hardShrink(let threshold):
            let threshold = R(threshold)
            return map { $0.magnitude <= threshold ? 0 : $0 }
        case .threshold(let threshold):
            let threshold = R(threshold)
            return map { $0 > threshold ? 1 : 0 }
        case .clip(let low, let high):
            let (low, high) = (R(low), R(high))
            return map { Self.clamp($0, low, high) }
        case .linear(let factor, let term):
            let (factor, term) = (R(factor), R(term))
            return map { factor * $0 + term }
        case .power(let power, let scale, let shift):
            let (power, scale, shift) = (R(power), R(scale), R(shift))
            return map { R.pow(scale * $0 + shift, power) }
        case .exponential(let scale, let shift):
            let (scale, shift) = (R(scale), R(shift))
            return scale == 1 && shift == 0 ? map { R.exp($0) } : map { R.exp(scale * $0 + shift) }
        case .logarithm(let scale, let shift, let factor):
            let (scale, shift, factor) = (R(scale), R(shift), R(factor))
            return map { R.log(scale * $0 + shift) * factor }
        case .expm1: return map { R.expm1($0) }
        case .log1p: return map { R.log1p($0) }
        case .sqrt: return map { $0.squareRoot() }
        case .rsqrt: return map { 1 / $0.squareRoot() }
        case .reciprocal: return map { 1 / $0 }
        case .erf: return map { R.erf($0) }
        case .floor: return map { $0.rounded(.down) }
        case .ceil: return map { $0.rounded(.up) }
        case .round: return map { $0.rounded(.toNearestOrEven) }
        case .trunc: return map { $0.rounded(.towardZero) }
        case .sin: return map { R.sin($0) }
        case .cos: return map { R.cos($0) }
        case .tan: return map { R.tan($0) }
        case .asin: return map { R.asin($0) }
        case .acos: return map { R.acos($0) }
        case .atan: return map { R.atan($0) }
        case .sinh: return map { R.sinh($0) }
        case .cosh: return map { R.cosh($0) }
        case .tanh: return map { R.tanh($0) }
        case .asinh: return map { R.asinh($0) }
        case .acosh: return map { R.acosh($0) }
        case .atanh: return map { R.atanh($0) }
        case .complement, .isNaN, .isInfinite, .isFinite: return nil
        }
    }

    /// Without overflow for arguments of large magnitude.
    @inline(__always) private static func sigmoid<R: Real>(_ x: R) -> R { 1 / (1 + R.exp(-x)) }

    @inline(__always) private static func softplus<R: Real>(_ x: R) -> R {
        (x > 0 ? x : 0) + R.log1p(R.exp(-x.magnitude))
    }

    @inline(__always) private static func clamp<R: Real>(_ x: R, _ low: R, _ high: R) -> R {
        let raised = x < low ? low : x
        return raised > high ? high : raised
    }
}
