// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// What is accumulated along an axis.
public enum CumulativeFunction: Sendable {
    case add, multiply

    /// The kernel over `axis` of a tensor of `shape`; nil for types without one.
    public func kernel(
        _ type: DataType, _ shape: [Int], axis: Int, exclusive: Bool, reverse: Bool
    ) -> (any NativeKernel)? {
        let plan = CumulativePlan(shape, axis: axis, exclusive: exclusive, reverse: reverse)
        return switch type {
        case .float: real(Float.self, plan)
        case .double: real(Double.self, plan)
        case .float16: real(Float16.self, plan)
        case .bfloat16: real(BFloat16.self, plan)
        // The low bits of sums and products are the same for signed and unsigned numbers.
        case .int8, .uint8: integer(UInt8.self, plan)
        case .int16, .uint16: integer(UInt16.self, plan)
        case .int32, .uint32: integer(UInt32.self, plan)
        case .int64, .uint64: integer(UInt64.self, plan)
        default: nil
        }
    }

    private func real<T: Element>(_: T.Type, _ plan: CumulativePlan) -> any NativeKernel where T.Wide: Real {
        switch self {
        case .add: SpecializedKernel(CumulativeKernel<T, RealFunctions.Add<T.Wide>>(plan: plan, neutral: 0))
        case .multiply: SpecializedKernel(CumulativeKernel<T, RealFunctions.Multiply<T.Wide>>(plan: plan, neutral: 1))
        }
    }

    private func integer<T: FixedWidthInteger & PlainElement>(_: T.Type, _ plan: CumulativePlan) -> any NativeKernel {
        switch self {
        case .add: SpecializedKernel(CumulativeKernel<T, IntegerFunctions.Add<T>>(plan: plan, neutral: 0))
        case .multiply: SpecializedKernel(CumulativeKernel<T, IntegerFunctions.Multiply<T>>(plan: plan, neutral: 1))
        }
    }
}

struct CumulativePlan: Sendable {
    let outer, length, inner: Int
    let exclusive, reverse: Bool

    init(_ shape: [Int], axis: Int, exclusive: Bool, reverse: Bool) {
        outer = shape[..<axis].reduce(1, *)
        length = shape[axis]
        inner = shape[(axis + 1)...].reduce(1, *)
        self.exclusive = exclusive
        self.reverse = reverse
    }
}

struct CumulativeKernel<T: Element, F: BinaryElementFunction>: NativeKernel
where F.Operand == T.Wide, F.Result == T.Wide {
    let plan: CumulativePlan
    let neutral: T.Wide

    var canRunInPlace: Bool { true }

    func run(_ operands: KernelOperands) {
        let x = unsafe operands.input(0, as: T.self)
        let y = unsafe operands.output(0, as: T.self)
        for row in 0..<plan.outer {
            for column in 0..<plan.inner {
                let start = row * plan.length * plan.inner + column
                var state = neutral
                for step in 0..<plan.length {
                    let place = start + (plan.reverse ? plan.length - 1 - step : step) * plan.inner
                    let next = unsafe F.apply(state, x[place].wide)
                    unsafe y[place] = T(wide: plan.exclusive ? state : next)
                    state = next
                }
            }
        }
    }
}
