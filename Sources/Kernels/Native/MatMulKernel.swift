// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// The kernel for a matrix product of types that the vector kernels do not multiply; nil for types without one.
///
/// - first: [batch…, M, K] or its transpose, second: [batch…, K, N] or its transpose, output: [batch…, M, N].
public func matMulKernel(
    _ type: DataType, _ first: [Int], _ second: [Int], output: [Int], transposesFirst: Bool, transposesSecond: Bool
) -> (any NativeKernel)? {
    let shapes = MatMulShapes(first, second, output, transposesFirst, transposesSecond)
    return switch type {
    case .float: SpecializedKernel(MatMulKernel<Float, RealSumOfProducts<Float>>(shapes: shapes))
    case .double: SpecializedKernel(MatMulKernel<Double, RealSumOfProducts<Double>>(shapes: shapes))
    case .float16: SpecializedKernel(MatMulKernel<Float16, RealSumOfProducts<Float>>(shapes: shapes))
    case .bfloat16: SpecializedKernel(MatMulKernel<BFloat16, RealSumOfProducts<Float>>(shapes: shapes))
    case .int32, .uint32: SpecializedKernel(MatMulKernel<UInt32, IntegerSumOfProducts<UInt32>>(shapes: shapes))
    case .int64, .uint64: SpecializedKernel(MatMulKernel<UInt64, IntegerSumOfProducts<UInt64>>(shapes: shapes))
    default: nil
    }
}

/// Adds a product to a sum.
protocol SumOfProducts: Sendable {
    associatedtype Value: BitwiseCopyable
    static var zero: Value { get }
    static func add(_ sum: Value, _ a: Value, _ b: Value) -> Value
}

struct RealSumOfProducts<R: Real>: SumOfProducts {
    static var zero: R { 0 }
    @inline(__always) static func add(_ sum: R, _ a: R, _ b: R) -> R { sum + a * b }
}

/// Keeps the low bits, which are the same for signed and unsigned numbers.
struct IntegerSumOfProducts<T: FixedWidthInteger & BitwiseCopyable>: SumOfProducts {
    static var zero: T { 0 }
    @inline(__always) static func add(_ sum: T, _ a: T, _ b: T) -> T { sum &+ a &* b }
}

struct MatMulShapes: Sendable {
    let rows, columns, depth: Int
    /// Element strides of the operands along the rows of the first, the depth, and the columns of the second.
    let firstRow, firstDepth, secondDepth, secondColumn: Int
    /// The matrices of the batch, as elements of tensors whose elements are matrices.
    let batch: Broadcasting

    init(_ first: [Int], _ second: [Int], _ output: [Int], _ transposesFirst: Bool, _ transposesSecond: Bool) {
        let (left, right) = (Array(first.suffix(2)), Array(second.suffix(2)))
        (rows, depth) = transposesFirst ? (left[1], left[0]) : (left[0], left[1])
        columns = output[output.count - 1]
        (firstRow, firstDepth) = transposesFirst ? (1, left[1]) : (left[1], 1)
        (secondDepth, secondColumn) = transposesSecond ? (1, right[1]) : (right[1], 1)
        batch = Broadcasting(
            output: output.dropLast(2), first: first.dropLast(2), second: second.dropLast(2))
    }
}

struct MatMulKernel<T: Element, P: SumOfProducts>: NativeKernel where P.Value == T.Wide {
    let shapes: MatMulShapes

    /// Each part is some of the rows of every matrix.
    var parts: Int {
        let products = shapes.rows * shapes.depth * shapes.columns * shapes.batch.parts
        return max(1, min(shapes.rows, products >> 15))
    }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        let rows = shapes.rows * parts.lowerBound / self.parts..<shapes.rows * parts.upperBound / self.parts
        let first = unsafe operands.input(0, as: T.self)
        let second = unsafe operands.input(1, as: T.self)
        let output = unsafe operands.output(0, as: T.self)
        let (firstSize, secondSize) = (shapes.rows * shapes.depth, shapes.depth * shapes.columns)
        let outputSize = shapes.rows * shapes.columns
        shapes.batch.forEachRun(in: 0..<shapes.batch.parts) { y, a, b, count in
            for index in 0..<count {
                let left = shapes.batch.firstAdvances ? a + index : a
                let right = shapes.batch.secondAdvances ? b + index : b
                unsafe multiply(
                    rows, first + left * firstSize, second + right * secondSize, output + (y + index) * outputSize)
            }
        }
    }

    private func multiply(
        _ rows: Range<Int>, _ first: UnsafePointer<T>, _ second: UnsafePointer<T>, _ output: UnsafeMutablePointer<T>
    ) {
        // Columns in blocks, so that the sums stay in registers and rows of the second operand are read in order.
        let width = 16
        unsafe withUnsafeTemporaryAllocation(of: T.Wide.self, capacity: width) { sums in
            for row in rows {
                for start in stride(from: 0, to: shapes.columns, by: width) {
                    let count = min(width, shapes.columns - start)
                    for column in 0..<count { unsafe sums[column] = P.zero }
                    for k in 0..<shapes.depth {
                        let a = unsafe first[row * shapes.firstRow + k * shapes.firstDepth].wide
                        let line = unsafe second + (k * shapes.secondDepth + start * shapes.secondColumn)
                        for column in 0..<count {
                            unsafe sums[column] = P.add(sums[column], a, line[column * shapes.secondColumn].wide)
                        }
                    }
                    for column in 0..<count {
                        unsafe output[row * shapes.columns + start + column] = T(wide: sums[column])
                    }
                }
            }
        }
    }
}
