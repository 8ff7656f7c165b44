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

    /// Columns that are worked on together: few enough for the stack.
    private static var block: Int { 128 }
    private var blocks: Int { (plan.inner + Self.block - 1) / Self.block }
    /// Rows or blocks of columns of a part, so that it is worth another thread.
    private var group: Int { max(1, 16384 / max(plan.length * min(plan.inner, Self.block), 1)) }
    var parts: Int { max(1, (plan.outer * blocks + group - 1) / group) }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        let x = unsafe operands.input(0, as: T.self)
        let y = unsafe operands.output(0, as: T.self)
        unsafe withUnsafeTemporaryAllocation(of: T.Wide.self, capacity: Self.block) { states in
            for number in parts.lowerBound * group..<min(parts.upperBound * group, plan.outer * blocks) {
                let (row, first) = (number / blocks, number % blocks * Self.block)
                let start = row * plan.length * plan.inner + first
                let count = min(Self.block, plan.inner - first)
                if plan.inner == 1 {
                    unsafe runLine(x + start, y + start)
                    continue
                }
                for column in 0..<count { unsafe states[column] = neutral }
                for step in 0..<plan.length {
                    let place = start + (plan.reverse ? plan.length - 1 - step : step) * plan.inner
                    let (source, target) = unsafe (x + place, y + place)
                    if plan.exclusive {
                        for column in 0..<count {
                            let state = unsafe states[column]
                            unsafe states[column] = F.apply(state, source[column].wide)
                            unsafe target[column] = T(wide: state)
                        }
                    } else {
                        for column in 0..<count {
                            let state = unsafe F.apply(states[column], source[column].wide)
                            unsafe states[column] = state
                            unsafe target[column] = T(wide: state)
                        }
                    }
                }
            }
        }
    }
    private func runLine(_ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>) {
        var state = neutral
        for step in 0..<plan.length {
            let place = plan.reverse ? plan.length - 1 - step : step
            let next = unsafe F.apply(state, x[place].wide)
            unsafe y[place] = T(wide: plan.exclusive ? state : next)
            state = next
        }
    }
}
