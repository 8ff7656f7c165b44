// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// What a batch normalisation knows of a channel.
public struct ChannelStatistics: Sendable {
    public var mean, variance, scale, offset: Double
    /// How much the sums `mean` and `variance` count; 1 where they are no sums.
    public var momentum: Double

    public typealias Fold = @Sendable (ChannelStatistics) -> (factor: Double, term: Double)

    public init(mean: Double, variance: Double, scale: Double, offset: Double, momentum: Double) {
        self.mean = mean
        self.variance = variance
        self.scale = scale
        self.offset = offset
        self.momentum = momentum
    }
}

/// Computes a factor and a term for each channel, for statistics that are only known at run time; nil for types without
/// a kernel.
///
/// Inputs: the fields of `ChannelStatistics` in their order, each a vector with an element for each channel or one for
/// all (`counts`). Outputs: factors, terms.
public func channelCoefficientsKernel(
    _ type: DataType, counts: [Int], channels: Int, _ fold: @escaping ChannelStatistics.Fold
) -> (any NativeKernel)? {
    let steps = counts.map { $0 == 1 ? 0 : 1 }
    return switch type {
    case .float: SpecializedKernel(ChannelCoefficientsKernel<Float>(channels: channels, steps: steps, fold: fold))
    case .double: SpecializedKernel(ChannelCoefficientsKernel<Double>(channels: channels, steps: steps, fold: fold))
    default: nil
    }
}

struct ChannelCoefficientsKernel<T: Real>: NativeKernel {
    let channels: Int
    /// 1, or 0 for an input with one element.
    let steps: [Int]
    let fold: ChannelStatistics.Fold

    func run(_ operands: KernelOperands) {
        let (factors, terms) = unsafe (operands.output(0, as: T.self), operands.output(1, as: T.self))
        for channel in 0..<channels {
            let (factor, term) = unsafe fold(
                ChannelStatistics(
                    mean: Double(operands.input(0, as: T.self)[channel * steps[0]]),
                    variance: Double(operands.input(1, as: T.self)[channel * steps[1]]),
                    scale: Double(operands.input(2, as: T.self)[channel * steps[2]]),
                    offset: Double(operands.input(3, as: T.self)[channel * steps[3]]),
                    momentum: Double(operands.input(4, as: T.self)[channel * steps[4]])))
            unsafe factors[channel] = T(factor)
            unsafe terms[channel] = T(term)
        }
    }
}
