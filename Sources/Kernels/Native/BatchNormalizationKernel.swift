// SPDX-License-Identifier: Apache-2.0

/// What a batch normalisation knows of a channel.
public struct ChannelStatistics: Sendable {
    public var mean, variance, scale, offset: Float
    /// How much the sums `mean` and `variance` count; 1 where they are no sums.
    public var momentum: Float

    public init(mean: Float, variance: Float, scale: Float, offset: Float, momentum: Float) {
        self.mean = mean
        self.variance = variance
        self.scale = scale
        self.offset = offset
        self.momentum = momentum
    }
}

/// Computes a factor and a term for each channel, for statistics that are only known at run time.
///
/// Inputs: the fields of `ChannelStatistics` in their order, each a float vector with an element for each channel or one
/// for all. Outputs: factors, terms.
public struct ChannelCoefficientsKernel: NativeKernel {
    public typealias Fold = @Sendable (ChannelStatistics) -> (factor: Float, term: Float)

    private let channels: Int
    /// 1, or 0 for an input with one element.
    private let steps: [Int]
    private let fold: Fold

    public init(counts: [Int], channels: Int, _ fold: @escaping Fold) {
        self.channels = channels
        steps = counts.map { $0 == 1 ? 0 : 1 }
        self.fold = fold
    }

    public func run(_ operands: KernelOperands) {
        let (factors, terms) = unsafe (operands.output(0, as: Float.self), operands.output(1, as: Float.self))
        for channel in 0..<channels {
            let statistics = unsafe ChannelStatistics(
                mean: operands.input(0, as: Float.self)[channel * steps[0]],
                variance: operands.input(1, as: Float.self)[channel * steps[1]],
                scale: operands.input(2, as: Float.self)[channel * steps[2]],
                offset: operands.input(3, as: Float.self)[channel * steps[3]],
                momentum: operands.input(4, as: Float.self)[channel * steps[4]])
            unsafe (factors[channel], terms[channel]) = fold(statistics)
        }
    }
}
