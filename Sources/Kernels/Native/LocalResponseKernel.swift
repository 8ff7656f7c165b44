// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// Normalisation over neighbouring channels of a tensor [batch, channels, inner]:
/// x / (bias + alpha · sum of squares of the channels within `radius`) ^ beta. Nil for types without a kernel.
public func localResponseKernel(
    _ type: DataType, batch: Int, channels: Int, inner: Int, radius: Int, bias: Float, alpha: Float, beta: Float
) -> (any NativeKernel)? {
    let plan = LocalResponsePlan(
        batch: batch, channels: channels, inner: inner, radius: radius, bias: bias, alpha: alpha, beta: beta)
    return switch type {
    case .float: SpecializedKernel(LocalResponseKernel<Float>(plan: plan))
    case .double: SpecializedKernel(LocalResponseKernel<Double>(plan: plan))
    case .float16: SpecializedKernel(LocalResponseKernel<Float16>(plan: plan))
    case .bfloat16: SpecializedKernel(LocalResponseKernel<BFloat16>(plan: plan))
    default: nil
    }
}

struct LocalResponsePlan: Sendable {
    let batch, channels, inner, radius: Int
    let bias, alpha, beta: Float
}

struct LocalResponseKernel<T: Element>: NativeKernel where T.Wide: Real {
    let plan: LocalResponsePlan

    /// A part is a channel of an image.
    var parts: Int { max(1, plan.batch * plan.channels) }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        guard plan.batch > 0, plan.channels > 0 else { return }
        let x = unsafe operands.input(0, as: T.self)
        let y = unsafe operands.output(0, as: T.self)
        let (channels, inner) = (plan.channels, plan.inner)
        let (bias, alpha, beta) = (T.Wide(plan.bias), T.Wide(plan.alpha), T.Wide(plan.beta))
        let block = 128
        unsafe withUnsafeTemporaryAllocation(of: T.Wide.self, capacity: block) { sums in
            for part in parts {
                let (item, channel) = (part / channels, part % channels)
                let image = unsafe x + item * channels * inner
                let first = max(0, channel - plan.radius)
                let last = min(channels - 1, channel + plan.radius)
                for start in stride(from: 0, to: inner, by: block) {
                    let count = min(block, inner - start)
                    for index in 0..<count { unsafe sums[index] = 0 }
                    for neighbour in first...last {
                        let line = unsafe image + (neighbour * inner + start)
                        for index in 0..<count {
                            let value = unsafe line[index].wide
                            unsafe sums[index] += value * value
                        }
                    }
                    let place = channel * inner + start
                    let (line, target) = unsafe (image + place, y + (item * channels * inner + place))
                    for index in 0..<count {
                        let base = unsafe bias + alpha * sums[index]
                        unsafe target[index] = T(wide: line[index].wide / raise(base, beta))
                    }
                }
            }
        }
    }

    /// `base ^ beta`, by square roots for the exponents that networks use.
    @inline(__always)
    private func raise(_ base: T.Wide, _ beta: T.Wide) -> T.Wide {
        if beta == 0.75 {
            let root = base.squareRoot()
            return root * root.squareRoot()
        }
        return beta == 0.5 ? base.squareRoot() : T.Wide.pow(base, beta)
    }
}
