// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// The functions that fold dimensions of a tensor.
public enum ReductionFunction: Sendable, CaseIterable {
    case sum, mean, product, maximum, minimum, sumOfAbsolutes, sumOfSquares, euclideanNorm
    case logSum, logSumExp
    case any, all
}

extension ReductionFunction {
    /// The kernel that folds `axes` of a tensor of `shape`; nil where the function is not defined for the type.
    ///
    /// float32 and the 16-bit floats are summed in double. Over no elements a sum is 0, a product 1, a mean NaN (0 for
    /// integers), a maximum the lowest value of the type.
    public func kernel(_ type: DataType, _ shape: [Int], axes: Set<Int>) -> (any NativeKernel)? {
        switch type {
        case .float: real(Float.self, shape, axes)
        case .double: real(Double.self, shape, axes)
        case .float16: real(Float16.self, shape, axes)
        case .bfloat16: real(BFloat16.self, shape, axes)
        case .int8: integer(Int8.self, shape, axes)
        case .int16: integer(Int16.self, shape, axes)
        case .int32: integer(Int32.self, shape, axes)
        case .int64: integer(Int64.self, shape, axes)
        case .uint8: integer(UInt8.self, shape, axes)
        case .uint16: integer(UInt16.self, shape, axes)
        case .uint32: integer(UInt32.self, shape, axes)
        case .uint64: integer(UInt64.self, shape, axes)
        case .bool:
            switch self {
            case .any, .maximum:
                ReductionKernel(shape, axes: axes, ReductionLoops(Boolean.self, Boolean.self, Folds.AnyTrue.self))
            case .all, .minimum:
                ReductionKernel(shape, axes: axes, ReductionLoops(Boolean.self, Boolean.self, Folds.AllTrue.self))
            default: nil
            }
        default: nil
        }
    }

    private func real<T: Element>(_: T.Type, _ shape: [Int], _ axes: Set<Int>) -> (any NativeKernel)?
    where T.Wide: Real {
        typealias R = T.Wide
        return switch self {
        case .sum: ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.Sum<R>.self))
        case .mean: ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.Mean<R>.self))
        case .product: ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.Product<R>.self))
        case .maximum: ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.Maximum<R>.self))
        case .minimum: ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.Minimum<R>.self))
        case .sumOfAbsolutes:
            ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.SumOfAbsolutes<R>.self))
        case .sumOfSquares:
            ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.SumOfSquares<R>.self))
        case .euclideanNorm:
            ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.EuclideanNorm<R>.self))
        case .logSum: ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.LogSum<R>.self))
        case .logSumExp: ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.LogSumExp<R>.self))
        case .any, .all: nil
        }
    }

    private func integer<T: FixedWidthInteger & PlainElement>(
        _: T.Type, _ shape: [Int], _ axes: Set<Int>
    ) -> (any NativeKernel)? {
        switch self {
        case .sum: ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.IntegerSum<T>.self))
        case .mean: ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.IntegerMean<T>.self))
        case .product: ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.IntegerProduct<T>.self))
        case .maximum: ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.IntegerMaximum<T>.self))
        case .minimum: ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.IntegerMinimum<T>.self))
        case .sumOfAbsolutes:
            ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.IntegerSumOfAbsolutes<T>.self))
        case .sumOfSquares:
            ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.IntegerSumOfSquares<T>.self))
        case .euclideanNorm:
            ReductionKernel(shape, axes: axes, ReductionLoops(T.self, T.self, Folds.IntegerEuclideanNorm<T>.self))
        case .logSum, .logSumExp, .any, .all: nil
        }
    }
}

/// The folds behind `ReductionFunction`.
enum Folds {
    struct Sum<R: Real>: Fold {
        static var initial: Double { 0 }
        @inline(__always) static func add(_ state: Double, _ x: R) -> Double { state + Double(x) }
        @inline(__always) static func finish(_ state: Double, count: Int) -> R { R(state) }
    }
    struct Mean<R: Real>: Fold {
        static var initial: Double { 0 }
        @inline(__always) static func add(_ state: Double, _ x: R) -> Double { state + Double(x) }
        @inline(__always) static func finish(_ state: Double, count: Int) -> R { R(state / Double(count)) }
    }
    struct Product<R: Real>: Fold {
        static var initial: Double { 1 }
        @inline(__always) static func add(_ state: Double, _ x: R) -> Double { state * Double(x) }
        @inline(__always) static func finish(_ state: Double, count: Int) -> R { R(state) }
    }
    struct Maximum<R: Real>: Fold {
        static var initial: R { -R.infinity }
        @inline(__always) static func add(_ state: R, _ x: R) -> R { state.isNaN || state > x ? state : x }
        @inline(__always) static func finish(_ state: R, count: Int) -> R { state }
    }
    struct Minimum<R: Real>: Fold {
        static var initial: R { R.infinity }
        @inline(__always) static func add(_ state: R, _ x: R) -> R { state.isNaN || state < x ? state : x }
        @inline(__always) static func finish(_ state: R, count: Int) -> R { state }
    }
    struct SumOfAbsolutes<R: Real>: Fold {
        static var initial: Double { 0 }
        @inline(__always) static func add(_ state: Double, _ x: R) -> Double { state + Double(x.magnitude) }
        @inline(__always) static func finish(_ state: Double, count: Int) -> R { R(state) }
    }
    struct SumOfSquares<R: Real>: Fold {
        static var initial: Double { 0 }
        @inline(__always) static func add(_ state: Double, _ x: R) -> Double { state + Double(x) * Double(x) }
        @inline(__always) static func finish(_ state: Double, count: Int) -> R { R(state) }
    }
    struct EuclideanNorm<R: Real>: Fold {
        static var initial: Double { 0 }
        @inline(__always) static func add(_ state: Double, _ x: R) -> Double { state + Double(x) * Double(x) }
        @inline(__always) static func finish(_ state: Double, count: Int) -> R { R(state.squareRoot()) }
    }
    struct LogSum<R: Real>: Fold {
        static var initial: Double { 0 }
        @inline(__always) static func add(_ state: Double, _ x: R) -> Double { state + Double(x) }
        @inline(__always) static func finish(_ state: Double, count: Int) -> R { R(Double.log(state)) }
    }
    /// Keeps the largest element and the sum of exponentials relative to it, so that nothing overflows.
    struct LogSumExp<R: Real>: Fold {
        struct State: BitwiseCopyable {
            var largest: Double
            var sum: Double
        }
        static var initial: State { State(largest: -.infinity, sum: 0) }
        @inline(__always) static func add(_ state: State, _ x: R) -> State {
            let x = Double(x)
            if x == state.largest { return State(largest: x, sum: state.sum + 1) }
            if x > state.largest { return State(largest: x, sum: state.sum * Double.exp(state.largest - x) + 1) }
            return State(largest: state.largest, sum: state.sum + Double.exp(x - state.largest))
        }
        @inline(__always) static func finish(_ state: State, count: Int) -> R {
            state.sum == 0 ? -R.infinity : R(state.largest + Double.log(state.sum))
        }
    }

    struct IntegerSum<T: FixedWidthInteger & BitwiseCopyable>: Fold {
        static var initial: T { 0 }
        @inline(__always) static func add(_ state: T, _ x: T) -> T { state &+ x }
        @inline(__always) static func finish(_ state: T, count: Int) -> T { state }
    }
    struct IntegerMean<T: FixedWidthInteger & BitwiseCopyable>: Fold {
        static var initial: Int64 { 0 }
        @inline(__always) static func add(_ state: Int64, _ x: T) -> Int64 { state &+ Int64(truncatingIfNeeded: x) }
        @inline(__always) static func finish(_ state: Int64, count: Int) -> T {
            count == 0 ? 0 : T(truncatingIfNeeded: state / Int64(count))
        }
    }
    struct IntegerProduct<T: FixedWidthInteger & BitwiseCopyable>: Fold {
        static var initial: T { 1 }
        @inline(__always) static func add(_ state: T, _ x: T) -> T { state &* x }
        @inline(__always) static func finish(_ state: T, count: Int) -> T { state }
    }
    struct IntegerMaximum<T: FixedWidthInteger & BitwiseCopyable>: Fold {
        static var initial: T { .min }
        @inline(__always) static func add(_ state: T, _ x: T) -> T { state > x ? state : x }
        @inline(__always) static func finish(_ state: T, count: Int) -> T { state }
    }
    struct IntegerMinimum<T: FixedWidthInteger & BitwiseCopyable>: Fold {
        static var initial: T { .max }
        @inline(__always) static func add(_ state: T, _ x: T) -> T { state < x ? state : x }
        @inline(__always) static func finish(_ state: T, count: Int) -> T { state }
    }
    struct IntegerSumOfAbsolutes<T: FixedWidthInteger & BitwiseCopyable>: Fold {
        static var initial: T { 0 }
        @inline(__always) static func add(_ state: T, _ x: T) -> T { x < 0 ? state &- x : state &+ x }
        @inline(__always) static func finish(_ state: T, count: Int) -> T { state }
    }
    struct IntegerSumOfSquares<T: FixedWidthInteger & BitwiseCopyable>: Fold {
        static var initial: T { 0 }
        @inline(__always) static func add(_ state: T, _ x: T) -> T { state &+ x &* x }
        @inline(__always) static func finish(_ state: T, count: Int) -> T { state }
    }
    struct IntegerEuclideanNorm<T: FixedWidthInteger & BitwiseCopyable>: Fold {
        static var initial: Double { 0 }
        @inline(__always) static func add(_ state: Double, _ x: T) -> Double { state + Double(x) * Double(x) }
        @inline(__always) static func finish(_ state: Double, count: Int) -> T { T(saturating: state.squareRoot()) }
    }
    struct AnyTrue: Fold {
        static var initial: Bool { false }
        @inline(__always) static func add(_ state: Bool, _ x: Bool) -> Bool { state || x }
        @inline(__always) static func finish(_ state: Bool, count: Int) -> Bool { state }
    }
    struct AllTrue: Fold {
        static var initial: Bool { true }
        @inline(__always) static func add(_ state: Bool, _ x: Bool) -> Bool { state && x }
        @inline(__always) static func finish(_ state: Bool, count: Int) -> Bool { state }
    }
}
