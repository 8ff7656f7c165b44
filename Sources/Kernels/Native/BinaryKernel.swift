// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// A function of two elements, known to the compiler so that the loop over it becomes vector code.
protocol BinaryElementFunction: Sendable {
    associatedtype Operand
    associatedtype Result
    static func apply(_ a: Operand, _ b: Operand) -> Result
}

/// Applies a function to the elements of two tensors, with broadcasting.
struct BinaryKernel<In: Element, Out: Element, Function: BinaryElementFunction>: NativeKernel
where Function.Operand == In.Wide, Function.Result == Out.Wide {
    let walk: Broadcasting
    let canRunInPlace: Bool

    init(_ shapes: BinaryShapes) {
        walk = Broadcasting(output: shapes.output, first: shapes.first, second: shapes.second)
        canRunInPlace = MemoryLayout<In>.size == MemoryLayout<Out>.size && shapes.first == shapes.output
    }

    func run(_ operands: KernelOperands) {
        let first = unsafe operands.input(0, as: In.self)
        let second = unsafe operands.input(1, as: In.self)
        let output = unsafe operands.output(0, as: Out.self)
        let length = walk.runLength
        switch (walk.firstAdvances, walk.secondAdvances) {
        case (true, true):
            walk.forEachRun { y, a, b in
                let (y, a, b) = unsafe (output + y, first + a, second + b)
                for index in 0..<length {
                    unsafe y[index] = Out(wide: Function.apply(a[index].wide, b[index].wide))
                }
            }
        case (true, false):
            walk.forEachRun { y, a, b in
                let (y, a, fixed) = unsafe (output + y, first + a, second[b].wide)
                for index in 0..<length { unsafe y[index] = Out(wide: Function.apply(a[index].wide, fixed)) }
            }
        case (false, true):
            walk.forEachRun { y, a, b in
                let (y, fixed, b) = unsafe (output + y, first[a].wide, second + b)
                for index in 0..<length { unsafe y[index] = Out(wide: Function.apply(fixed, b[index].wide)) }
            }
        case (false, false):
            walk.forEachRun { y, a, b in
                let (y, value) = unsafe (output + y, Out(wide: Function.apply(first[a].wide, second[b].wide)))
                for index in 0..<length { unsafe y[index] = value }
            }
        }
    }
}

/// The shapes of the two operands and of the output that they broadcast to.
public struct BinaryShapes: Sendable, Equatable {
    public let first, second, output: [Int]

    public init(_ first: [Int], _ second: [Int], output: [Int]) {
        self.first = first
        self.second = second
        self.output = output
    }
}

/// The element-wise functions of two operands.
public enum BinaryFunction: Sendable, CaseIterable {
    case add, subtract, multiply, minimum, maximum, squaredDifference
    /// Division: of integers towards zero, 0 for a zero divisor.
    case divide
    /// Division whose result is 0 where the divisor is 0.
    case divideNoNaN
    case floorDivide
    /// The quotient without its fraction.
    case truncateDivide
    /// The remainder with the sign of the dividend, and with the sign of the divisor; 0 for a zero integer divisor.
    case truncateModulo, floorModulo
    case power
    case atan2
    /// `x · ln y` and `x / y`, 0 where x is 0.
    case xlogy, xdivy
    case equal, notEqual, greater, greaterEqual, less, lessEqual
    case logicalAnd, logicalOr, logicalXor
    case bitwiseAnd, bitwiseOr, bitwiseXor, shiftLeft, shiftRight
    /// `x` where it is not negative, else `weight · x`.
    case preluSlope
}

extension BinaryFunction {
    /// Whether the function yields booleans, whatever it is applied to.
    public var yieldsBoolean: Bool {
        switch self {
        case .equal, .notEqual, .greater, .greaterEqual, .less, .lessEqual, .logicalAnd, .logicalOr, .logicalXor: true
        default: false
        }
    }

    /// The kernel for operands of `type`; nil where the function is not defined for the type.
    public func kernel(_ type: DataType, _ shapes: BinaryShapes) -> (any NativeKernel)? {
        if let common = common(type, shapes) { return common }
        return switch type {
        case .float: real(Float.self, shapes)
        case .double: real(Double.self, shapes)
        case .float16: real(Float16.self, shapes)
        case .bfloat16: real(BFloat16.self, shapes)
        case .int8: integer(Int8.self, shapes)
        case .int16: integer(Int16.self, shapes)
        case .int32: integer(Int32.self, shapes)
        case .int64: integer(Int64.self, shapes)
        case .uint8: integer(UInt8.self, shapes)
        case .uint16: integer(UInt16.self, shapes)
        case .uint32: integer(UInt32.self, shapes)
        case .uint64: integer(UInt64.self, shapes)
        case .bool: boolean(shapes)
        default: nil
        }
    }

    private func real<T: Element>(_: T.Type, _ s: BinaryShapes) -> (any NativeKernel)? where T.Wide: Real {
        typealias R = T.Wide
        return switch self {
        case .add: BinaryKernel<T, T, RealFunctions.Add<R>>(s)
        case .subtract: BinaryKernel<T, T, RealFunctions.Subtract<R>>(s)
        case .multiply: BinaryKernel<T, T, RealFunctions.Multiply<R>>(s)
        case .minimum: BinaryKernel<T, T, RealFunctions.Minimum<R>>(s)
        case .maximum: BinaryKernel<T, T, RealFunctions.Maximum<R>>(s)
        case .squaredDifference: BinaryKernel<T, T, RealFunctions.SquaredDifference<R>>(s)
        case .divide: BinaryKernel<T, T, RealFunctions.Divide<R>>(s)
        case .divideNoNaN: BinaryKernel<T, T, RealFunctions.DivideNoNaN<R>>(s)
        case .floorDivide: BinaryKernel<T, T, RealFunctions.FloorDivide<R>>(s)
        case .truncateDivide: BinaryKernel<T, T, RealFunctions.TruncateDivide<R>>(s)
        case .truncateModulo: BinaryKernel<T, T, RealFunctions.TruncateModulo<R>>(s)
        case .floorModulo: BinaryKernel<T, T, RealFunctions.FloorModulo<R>>(s)
        case .power: BinaryKernel<T, T, RealFunctions.Power<R>>(s)
        case .atan2: BinaryKernel<T, T, RealFunctions.Atan2<R>>(s)
        case .xlogy: BinaryKernel<T, T, RealFunctions.XLogY<R>>(s)
        case .xdivy: BinaryKernel<T, T, RealFunctions.XDivY<R>>(s)
        case .preluSlope: BinaryKernel<T, T, RealFunctions.PReLU<R>>(s)
        case .equal: BinaryKernel<T, Boolean, Comparisons.Equal<R>>(s)
        case .notEqual: BinaryKernel<T, Boolean, Comparisons.NotEqual<R>>(s)
        case .greater: BinaryKernel<T, Boolean, Comparisons.Greater<R>>(s)
        case .greaterEqual: BinaryKernel<T, Boolean, Comparisons.GreaterEqual<R>>(s)
        case .less: BinaryKernel<T, Boolean, Comparisons.Less<R>>(s)
        case .lessEqual: BinaryKernel<T, Boolean, Comparisons.LessEqual<R>>(s)
        case .logicalAnd, .logicalOr, .logicalXor, .bitwiseAnd, .bitwiseOr, .bitwiseXor, .shiftLeft, .shiftRight: nil
        }
    }

    private func integer<T: FixedWidthInteger & PlainElement>(_: T.Type, _ s: BinaryShapes) -> (any NativeKernel)? {
        switch self {
        case .add: BinaryKernel<T, T, IntegerFunctions.Add<T>>(s)
        case .subtract: BinaryKernel<T, T, IntegerFunctions.Subtract<T>>(s)
        case .multiply: BinaryKernel<T, T, IntegerFunctions.Multiply<T>>(s)
        case .minimum: BinaryKernel<T, T, IntegerFunctions.Minimum<T>>(s)
        case .maximum: BinaryKernel<T, T, IntegerFunctions.Maximum<T>>(s)
        case .squaredDifference: BinaryKernel<T, T, IntegerFunctions.SquaredDifference<T>>(s)
        case .divide, .divideNoNaN, .truncateDivide: BinaryKernel<T, T, IntegerFunctions.Divide<T>>(s)
        case .floorDivide: BinaryKernel<T, T, IntegerFunctions.FloorDivide<T>>(s)
        case .truncateModulo: BinaryKernel<T, T, IntegerFunctions.TruncateModulo<T>>(s)
        case .floorModulo: BinaryKernel<T, T, IntegerFunctions.FloorModulo<T>>(s)
        case .power: BinaryKernel<T, T, IntegerFunctions.Power<T>>(s)
        case .bitwiseAnd: BinaryKernel<T, T, IntegerFunctions.And<T>>(s)
        case .bitwiseOr: BinaryKernel<T, T, IntegerFunctions.Or<T>>(s)
        case .bitwiseXor: BinaryKernel<T, T, IntegerFunctions.ExclusiveOr<T>>(s)
        case .shiftLeft: BinaryKernel<T, T, IntegerFunctions.ShiftLeft<T>>(s)
        case .shiftRight: BinaryKernel<T, T, IntegerFunctions.ShiftRight<T>>(s)
        case .preluSlope: BinaryKernel<T, T, IntegerFunctions.PReLU<T>>(s)
        case .equal: BinaryKernel<T, Boolean, Comparisons.Equal<T>>(s)
        case .notEqual: BinaryKernel<T, Boolean, Comparisons.NotEqual<T>>(s)
        case .greater: BinaryKernel<T, Boolean, Comparisons.Greater<T>>(s)
        case .greaterEqual: BinaryKernel<T, Boolean, Comparisons.GreaterEqual<T>>(s)
        case .less: BinaryKernel<T, Boolean, Comparisons.Less<T>>(s)
        case .lessEqual: BinaryKernel<T, Boolean, Comparisons.LessEqual<T>>(s)
        case .atan2, .xlogy, .xdivy, .logicalAnd, .logicalOr, .logicalXor: nil
        }
    }

    private func boolean(_ s: BinaryShapes) -> (any NativeKernel)? {
        switch self {
        case .equal: BinaryKernel<Boolean, Boolean, Comparisons.Equal<Bool>>(s)
        case .notEqual, .logicalXor, .bitwiseXor: BinaryKernel<Boolean, Boolean, Comparisons.NotEqual<Bool>>(s)
        case .logicalAnd, .bitwiseAnd, .minimum, .multiply: BinaryKernel<Boolean, Boolean, BooleanFunctions.And>(s)
        case .logicalOr, .bitwiseOr, .maximum, .add: BinaryKernel<Boolean, Boolean, BooleanFunctions.Or>(s)
        default: nil
        }
    }
}
