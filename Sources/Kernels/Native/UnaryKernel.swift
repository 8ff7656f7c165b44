// SPDX-License-Identifier: Apache-2.0

public import GEGraph
internal import VectorFunctions

/// Applies a function to each element.
@safe
struct UnaryKernel<In: Element, Out: Element>: NativeKernel {
    typealias Loop = @Sendable (UnsafePointer<In>, UnsafeMutablePointer<Out>, Int) -> Void

    let count: Int
    let loop: Loop

    var canRunInPlace: Bool { MemoryLayout<In>.size == MemoryLayout<Out>.size }

    /// The loop over `function`.
    @inline(__always)
    init(count: Int, _ function: @escaping @Sendable (In.Wide) -> Out.Wide) {
        self.count = count
        unsafe loop = { x, y, count in
            for index in 0..<count { unsafe y[index] = Out(wide: function(x[index].wide)) }
        }
    }

    /// Elements of a part: enough work to be worth another thread.
    private var partLength: Int { 8192 }
    var parts: Int { max(1, count / partLength) }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts range: Range<Int>) {
        let start = range.lowerBound * partLength
        let end = range.upperBound == parts ? count : range.upperBound * partLength
        let (x, y) = unsafe (operands.input(0, as: In.self), operands.output(0, as: Out.self))
        unsafe loop(x + start, y + start, end - start)
    }
}

/// The element-wise functions of one operand, with their parameters.
public enum UnaryFunction: Sendable, Equatable {
    case absolute, negate, sign, square
    case relu, relu6, leakyRelu(Float), elu(alpha: Float, scale: Float, inputScale: Float), selu
    case celu(negative: Float, inputScale: Float, positive: Float)
    case sigmoid, hardSigmoid(alpha: Float, beta: Float), hardSwish, swish(Float), mish
    case geluErf, geluTanh, geluSigmoid
    case softplus, softsign, logSigmoid
    case shrink(threshold: Float, bias: Float), hardShrink(Float), threshold(Float)
    case clip(Float, Float)
    /// `factor · x + term`.
    case linear(factor: Float, term: Float)
    /// `(scale · x + shift) ^ power`.
    case power(power: Float, scale: Float, shift: Float)
    /// `e ^ (scale · x + shift)`, and its inverse `ln(scale · x + shift) · factor`.
    case exponential(scale: Double, shift: Double), logarithm(scale: Double, shift: Double, factor: Double)
    case expm1, log1p, sqrt, rsqrt, reciprocal, erf
    case floor, ceil, round, trunc
    case sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh
    /// Bitwise complement of integers, logical complement of booleans.
    case complement
    case isNaN, isInfinite(positive: Bool, negative: Bool), isFinite
}

extension UnaryFunction {
    /// Whether the function yields booleans, whatever it is applied to.
    public var yieldsBoolean: Bool {
        switch self {
        case .isNaN, .isInfinite, .isFinite: true
        default: false
        }
    }

    /// The kernel for `count` elements of `type`; nil where the function is not defined for the type.
    public func kernel(_ type: DataType, count: Int) -> (any NativeKernel)? {
        if yieldsBoolean {
            return switch type {
            case .float: test(Float.self, count)
            case .double: test(Double.self, count)
            case .float16: test(Float16.self, count)
            case .bfloat16: test(BFloat16.self, count)
            default: nil
            }
        }
        if type == .float, let function = elementFunction {
            return VectorStepsKernel([EpilogueStep(.apply(function))], count: count, rowLength: 1)
        }
        return switch type {
        case .float: real(Float.self, count)
        case .double: real(Double.self, count)
        case .float16: real(Float16.self, count)
        case .bfloat16: real(BFloat16.self, count)
        case .int8: signed(Int8.self, count)
        case .int16: signed(Int16.self, count)
        case .int32: signed(Int32.self, count)
        case .int64: signed(Int64.self, count)
        case .uint8: integer(UInt8.self, count)
        case .uint16: integer(UInt16.self, count)
        case .uint32: integer(UInt32.self, count)
        case .uint64: integer(UInt64.self, count)
        case .bool: self == .complement ? UnaryKernel<Boolean, Boolean>(count: count) { !$0 } : nil
        default: nil
        }
    }

    private func test<T: Element>(_: T.Type, _ count: Int) -> (any NativeKernel)? where T.Wide: Real {
        switch self {
        case .isNaN: UnaryKernel<T, Boolean>(count: count) { $0.isNaN }
        case .isFinite: UnaryKernel<T, Boolean>(count: count) { $0.isFinite }
        case .isInfinite(let positive, let negative):
            UnaryKernel<T, Boolean>(count: count) { $0.isInfinite && ($0 > 0 ? positive : negative) }
        default: nil
        }
    }

    private func signed<T: SignedInteger & FixedWidthInteger & PlainElement>(
        _: T.Type, _ count: Int
    ) -> (any NativeKernel)? {
        switch self {
        case .absolute: UnaryKernel<T, T>(count: count) { $0 < 0 ? 0 &- $0 : $0 }
        case .negate: UnaryKernel<T, T>(count: count) { 0 &- $0 }
        case .sign: UnaryKernel<T, T>(count: count) { $0.signum() }
        case .relu: UnaryKernel<T, T>(count: count) { max($0, 0) }
        default: integer(T.self, count)
        }
    }

    private func integer<T: FixedWidthInteger & PlainElement>(_: T.Type, _ count: Int) -> (any NativeKernel)? {
        switch self {
        case .absolute, .floor, .ceil, .round, .trunc, .relu: UnaryKernel<T, T>(count: count) { $0 }
        case .sign: UnaryKernel<T, T>(count: count) { $0 == 0 ? 0 : 1 }
        case .square: UnaryKernel<T, T>(count: count) { $0 &* $0 }
        case .complement: UnaryKernel<T, T>(count: count) { ~$0 }
        case .relu6: UnaryKernel<T, T>(count: count) { min(max($0, 0), 6) }
        case .linear(let factor, let term):
            // Muls and Adds on integers calculate in real numbers and drop the fraction.
            UnaryKernel<T, T>(count: count) {
                T(saturating: Double($0) * Double(factor) + Double(term))
            }
        default: nil
        }
    }
}
