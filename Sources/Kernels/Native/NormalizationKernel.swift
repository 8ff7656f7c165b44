// SPDX-License-Identifier: Apache-2.0

public import GEGraph

public enum RowNormalization: Sendable {
    /// (x − mean) / sqrt(variance + epsilon).
    case meanVariance
    /// x / sqrt(max(sum of squares, epsilon)).
    case euclidean
}

/// How factors and terms are applied to normalised rows.
public enum RowParameters: Sendable, Equatable {
    /// One pair for each element of a row.
    case perElement
    /// One pair for each row; row i takes pair i modulo `period`.
    case perRow(period: Int)
}

/// A kernel that normalises rows of `length` elements; nil for types without one.
///
/// Inputs: x [rows, length], and with `parameters` factor and term. Outputs: y, and as many of mean and variance [rows]
/// as `statistics` says.
public func rowNormalizationKernel(
    _ type: DataType, _ kind: RowNormalization, rows: Int, length: Int, epsilon: Float, parameters: RowParameters?,
    statistics: Int
) -> (any NativeKernel)? {
    let plan = RowNormalizationPlan(
        kind: kind, rows: rows, length: length, epsilon: Double(epsilon), parameters: parameters, statistics: statistics
    )
    return switch type {
    case .float: SpecializedKernel(RowNormalizationKernel<Float>(plan: plan))
    case .double: SpecializedKernel(RowNormalizationKernel<Double>(plan: plan))
    case .float16: SpecializedKernel(RowNormalizationKernel<Float16>(plan: plan))
    case .bfloat16: SpecializedKernel(RowNormalizationKernel<BFloat16>(plan: plan))
    default: nil
    }
}

struct RowNormalizationPlan: Sendable {
    let kind: RowNormalization
    let rows, length: Int
    let epsilon: Double
    let parameters: RowParameters?
    let statistics: Int
}

struct RowNormalizationKernel<T: Element>: NativeKernel where T.Wide: Real {
    let plan: RowNormalizationPlan

    private var group: Int { max(1, 16384 / max(plan.length, 1)) }
    var parts: Int { max(1, (plan.rows + group - 1) / group) }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        let x = unsafe operands.input(0, as: T.self)
        let y = unsafe operands.output(0, as: T.self)
        let length = plan.length
        for row in parts.lowerBound * group..<min(parts.upperBound * group, plan.rows) {
            let (source, target) = unsafe (x + row * length, y + row * length)
            let (mean, variance, factor) = unsafe statistics(source)
            switch plan.parameters {
            case nil:
                for index in 0..<length {
                    unsafe target[index] = T(wide: (source[index].wide - mean) * factor)
                }
            case .perElement:
                let (scale, shift) = unsafe (operands.input(1, as: T.self), operands.input(2, as: T.self))
                for index in 0..<length {
                    let normal = unsafe (source[index].wide - mean) * factor
                    unsafe target[index] = T(wide: normal * scale[index].wide + shift[index].wide)
                }
            case .perRow(let period):
                let place = row % period
                let scale = unsafe operands.input(1, as: T.self)[place].wide * factor
                let shift = unsafe operands.input(2, as: T.self)[place].wide
                for index in 0..<length {
                    unsafe target[index] = T(wide: (source[index].wide - mean) * scale + shift)
                }
            }
            if plan.statistics > 0 { unsafe operands.output(1, as: T.self)[row] = T(wide: mean) }
            if plan.statistics > 1 { unsafe operands.output(2, as: T.self)[row] = T(wide: variance) }
        }
    }

    private func statistics(_ row: UnsafePointer<T>) -> (mean: T.Wide, variance: T.Wide, factor: T.Wide) {
        let count = Double(max(plan.length, 1))
        switch plan.kind {
        case .meanVariance:
            var sum = 0.0
            for index in 0..<plan.length { sum += unsafe Double(row[index].wide) }
            let mean = sum / count
            var squares = 0.0
            for index in 0..<plan.length {
                let difference = unsafe Double(row[index].wide) - mean
                squares += difference * difference
            }
            let variance = squares / count
            return (T.Wide(mean), T.Wide(variance), T.Wide(1 / (variance + plan.epsilon).squareRoot()))
        case .euclidean:
            var squares = 0.0
            for index in 0..<plan.length {
                let value = unsafe Double(row[index].wide)
                squares += value * value
            }
            return (0, T.Wide(squares), T.Wide(1 / max(squares, plan.epsilon).squareRoot()))
        }
    }
}
