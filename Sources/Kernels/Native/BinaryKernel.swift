// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// A function of two elements, known to the compiler so that the loop over it becomes vector code.
protocol BinaryElementFunction: Sendable {
    associatedtype Operand
    associatedtype Result
    static func apply(_ a: Operand, _ b: Operand) -> Result
}

/// The loops over a function of two elements, compiled for their types.
///
/// The kernel itself is not generic: called through a protocol, the methods of a generic type are the unspecialized
/// ones, which are far slower.
@safe
struct BinaryLoops: Sendable {
    /// First and second operand, result, number of elements.
    typealias Loop = @Sendable (UnsafeRawPointer, UnsafeRawPointer, UnsafeMutableRawPointer, Int) -> Void

    let inputBytes: Int
    let outputBytes: Int
    /// Both operands advance, or one of them stands still.
    let both, fixedFirst, fixedSecond: Loop

    @inline(__always)
    init<In: Element, Out: Element, Function: BinaryElementFunction>(_: In.Type, _: Out.Type, _: Function.Type)
    where Function.Operand == In.Wide, Function.Result == Out.Wide {
        inputBytes = MemoryLayout<In>.size
        outputBytes = MemoryLayout<Out>.size
        unsafe both = { a, b, y, count in
            let (a, b) = unsafe (a.assumingMemoryBound(to: In.self), b.assumingMemoryBound(to: In.self))
            let y = unsafe y.assumingMemoryBound(to: Out.self)
            for index in 0..<count { unsafe y[index] = Out(wide: Function.apply(a[index].wide, b[index].wide)) }
        }
        unsafe fixedFirst = { a, b, y, count in
            let (a, b) = unsafe (a.assumingMemoryBound(to: In.self)[0].wide, b.assumingMemoryBound(to: In.self))
            let y = unsafe y.assumingMemoryBound(to: Out.self)
            for index in 0..<count { unsafe y[index] = Out(wide: Function.apply(a, b[index].wide)) }
        }
        unsafe fixedSecond = { a, b, y, count in
            let (a, b) = unsafe (a.assumingMemoryBound(to: In.self), b.assumingMemoryBound(to: In.self)[0].wide)
            let y = unsafe y.assumingMemoryBound(to: Out.self)
            for index in 0..<count { unsafe y[index] = Out(wide: Function.apply(a[index].wide, b)) }
        }
    }
}

/// Applies a function to the elements of two tensors, with broadcasting.
struct BinaryKernel: NativeKernel {
    private let walk: Broadcasting
    private let loops: BinaryLoops
    let canRunInPlace: Bool

    init(_ shapes: BinaryShapes, _ loops: BinaryLoops) {
        walk = Broadcasting(output: shapes.output, first: shapes.first, second: shapes.second)
        self.loops = loops
        canRunInPlace = loops.inputBytes == loops.outputBytes && shapes.first == shapes.output
    }

    var parts: Int { walk.parts }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        let (first, second, output) = unsafe (operands.inputs[0], operands.inputs[1], operands.outputs[0])
        let (size, outputSize) = (loops.inputBytes, loops.outputBytes)
        // A merged dimension of more than one element is in one operand at least.
        let loop = unsafe !walk.firstAdvances ? loops.fixedFirst : !walk.secondAdvances ? loops.fixedSecond : loops.both
        walk.forEachRun(in: parts) { y, a, b, count in
            unsafe loop(first + a * size, second + b * size, output + y * outputSize, count)
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
    /// The first operand, or the second where the first is below or above it; a NaN in the second is no bound.
    case atLeast, atMost
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

    /// Whether signed and unsigned operands give the same bits.
    private var ignoresSign: Bool {
        switch self {
        case .add, .subtract, .multiply, .squaredDifference, .equal, .notEqual, .bitwiseAnd, .bitwiseOr, .bitwiseXor:
            true
        default: false
        }
    }

    /// The kernel for operands of `type`; nil where the function is not defined for the type.
    public func kernel(_ type: DataType, _ shapes: BinaryShapes) -> (any NativeKernel)? {
        let type = ignoresSign ? type.unsigned : type
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
        case .add: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.Add<R>.self))
        case .subtract: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.Subtract<R>.self))
        case .multiply: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.Multiply<R>.self))
        case .minimum: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.Minimum<R>.self))
        case .maximum: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.Maximum<R>.self))
        case .atLeast: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.AtLeast<R>.self))
        case .atMost: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.AtMost<R>.self))
        case .squaredDifference: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.SquaredDifference<R>.self))
        case .divide: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.Divide<R>.self))
        case .divideNoNaN: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.DivideNoNaN<R>.self))
        case .floorDivide: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.FloorDivide<R>.self))
        case .truncateDivide: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.TruncateDivide<R>.self))
        case .truncateModulo: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.TruncateModulo<R>.self))
        case .floorModulo: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.FloorModulo<R>.self))
        case .power: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.Power<R>.self))
        case .atan2: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.Atan2<R>.self))
        case .xlogy: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.XLogY<R>.self))
        case .xdivy: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.XDivY<R>.self))
        case .preluSlope: BinaryKernel(s, BinaryLoops(T.self, T.self, RealFunctions.PReLU<R>.self))
        case .equal: BinaryKernel(s, BinaryLoops(T.self, Boolean.self, Comparisons.Equal<R>.self))
        case .notEqual: BinaryKernel(s, BinaryLoops(T.self, Boolean.self, Comparisons.NotEqual<R>.self))
        case .greater: BinaryKernel(s, BinaryLoops(T.self, Boolean.self, Comparisons.Greater<R>.self))
        case .greaterEqual: BinaryKernel(s, BinaryLoops(T.self, Boolean.self, Comparisons.GreaterEqual<R>.self))
        case .less: BinaryKernel(s, BinaryLoops(T.self, Boolean.self, Comparisons.Less<R>.self))
        case .lessEqual: BinaryKernel(s, BinaryLoops(T.self, Boolean.self, Comparisons.LessEqual<R>.self))
        case .logicalAnd, .logicalOr, .logicalXor, .bitwiseAnd, .bitwiseOr, .bitwiseXor, .shiftLeft, .shiftRight: nil
        }
    }

    private func integer<T: FixedWidthInteger & PlainElement>(_: T.Type, _ s: BinaryShapes) -> (any NativeKernel)? {
        switch self {
        case .add: BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.Add<T>.self))
        case .subtract: BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.Subtract<T>.self))
        case .multiply: BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.Multiply<T>.self))
        case .minimum, .atMost: BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.Minimum<T>.self))
        case .maximum, .atLeast: BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.Maximum<T>.self))
        case .squaredDifference:
            BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.SquaredDifference<T>.self))
        case .divide, .divideNoNaN, .truncateDivide:
            BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.Divide<T>.self))
        case .floorDivide: BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.FloorDivide<T>.self))
        case .truncateModulo: BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.TruncateModulo<T>.self))
        case .floorModulo: BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.FloorModulo<T>.self))
        case .power: BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.Power<T>.self))
        case .bitwiseAnd: BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.And<T>.self))
        case .bitwiseOr: BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.Or<T>.self))
        case .bitwiseXor: BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.ExclusiveOr<T>.self))
        case .shiftLeft: BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.ShiftLeft<T>.self))
        case .shiftRight: BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.ShiftRight<T>.self))
        case .preluSlope: BinaryKernel(s, BinaryLoops(T.self, T.self, IntegerFunctions.PReLU<T>.self))
        case .equal: BinaryKernel(s, BinaryLoops(T.self, Boolean.self, Comparisons.Equal<T>.self))
        case .notEqual: BinaryKernel(s, BinaryLoops(T.self, Boolean.self, Comparisons.NotEqual<T>.self))
        case .greater: BinaryKernel(s, BinaryLoops(T.self, Boolean.self, Comparisons.Greater<T>.self))
        case .greaterEqual: BinaryKernel(s, BinaryLoops(T.self, Boolean.self, Comparisons.GreaterEqual<T>.self))
        case .less: BinaryKernel(s, BinaryLoops(T.self, Boolean.self, Comparisons.Less<T>.self))
        case .lessEqual: BinaryKernel(s, BinaryLoops(T.self, Boolean.self, Comparisons.LessEqual<T>.self))
        case .atan2, .xlogy, .xdivy, .logicalAnd, .logicalOr, .logicalXor: nil
        }
    }

    private func boolean(_ s: BinaryShapes) -> (any NativeKernel)? {
        switch self {
        case .equal: BinaryKernel(s, BinaryLoops(Boolean.self, Boolean.self, Comparisons.Equal<Bool>.self))
        case .notEqual, .logicalXor, .bitwiseXor:
            BinaryKernel(s, BinaryLoops(Boolean.self, Boolean.self, Comparisons.NotEqual<Bool>.self))
        case .logicalAnd, .bitwiseAnd, .minimum, .multiply:
            BinaryKernel(s, BinaryLoops(Boolean.self, Boolean.self, BooleanFunctions.And.self))
        case .logicalOr, .bitwiseOr, .maximum, .add:
            BinaryKernel(s, BinaryLoops(Boolean.self, Boolean.self, BooleanFunctions.Or.self))
        default: nil
        }
    }
}

extension DataType {
    /// The unsigned type of the same width, for an integer; else the type itself.
    fileprivate var unsigned: DataType {
        switch self {
        case .int8: .uint8
        case .int16: .uint16
        case .int32: .uint32
        case .int64: .uint64
        default: self
        }
    }
}
