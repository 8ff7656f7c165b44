// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// A convolution, or its transpose, by a plain loop, for what the vector kernels do not take; nil for other types.
///
/// - x: [N, C, spatial…], filter: [O, C / groups, window…] (transposed: [C, O / groups, window…]), bias: [O],
///   output: [N, O, spatial…].
public func directConvolutionKernel(
    _ type: DataType, x: [Int], filter: [Int], output: [Int], _ geometry: ConvolutionGeometry, isTransposed: Bool,
    hasBias: Bool
) -> (any NativeKernel)? {
    let kernel = DirectConvolution(x, filter, output, geometry, isTransposed: isTransposed, hasBias: hasBias)
    return switch type {
    case .float: SpecializedKernel(DirectConvolutionKernel<Float>(plan: kernel))
    case .double: SpecializedKernel(DirectConvolutionKernel<Double>(plan: kernel))
    default: nil
    }
}

/// The numbers of a convolution over three spatial dimensions; fewer are padded with ones in front.
struct DirectConvolution: Sendable {
    let batch, inputChannels, outputChannels, groups: Int
    let input, window, output, strides, dilations, pads: [Int]
    let isTransposed, hasBias: Bool

    init(
        _ x: [Int], _ filter: [Int], _ y: [Int], _ geometry: ConvolutionGeometry, isTransposed: Bool, hasBias: Bool
    ) {
        func spread(_ values: some Collection<Int>, _ filler: Int) -> [Int] {
            Array(repeating: filler, count: 3 - values.count) + values
        }
        (batch, inputChannels, outputChannels, groups) = (x[0], x[1], y[1], geometry.groups)
        input = spread(x[2...], 1)
        window = spread(filter[2...], 1)
        output = spread(y[2...], 1)
        strides = spread(geometry.strides, 1)
        dilations = spread(geometry.dilations, 1)
        pads = spread(geometry.padsBegin, 0)
        self.isTransposed = isTransposed
        self.hasBias = hasBias
    }

    /// The input position that window element `tap` sees from output position `place`; nil outside of the image.
    @inline(__always)
    func source(_ dimension: Int, _ place: Int, _ tap: Int) -> Int? {
        let position: Int
        if isTransposed {
            let reached = place + pads[dimension] - tap * dilations[dimension]
            if reached < 0 || reached % strides[dimension] != 0 { return nil }
            position = reached / strides[dimension]
        } else {
            position = place * strides[dimension] - pads[dimension] + tap * dilations[dimension]
        }
        return position >= 0 && position < input[dimension] ? position : nil
    }
}

struct DirectConvolutionKernel<T: Real>: NativeKernel {
    let plan: DirectConvolution

    func run(_ operands: KernelOperands) {
        let x = unsafe operands.input(0, as: T.self)
        let filter = unsafe operands.input(1, as: T.self)
        let y = unsafe operands.output(0, as: T.self)
        let image = plan.input.reduce(1, *)
        let taps = plan.window.reduce(1, *)
        let channelsIn = plan.inputChannels / plan.groups
        let channelsOut = plan.outputChannels / plan.groups
        var next = 0
        for item in 0..<plan.batch {
            for channel in 0..<plan.outputChannels {
                let group = channel / channelsOut
                let bias = plan.hasBias ? unsafe operands.input(2, as: T.self)[channel] : 0
                let source = unsafe x + (item * plan.inputChannels + group * channelsIn) * image
                forEachPlace(plan.output) { place in
                    var sum = bias
                    for input in 0..<channelsIn {
                        // [O, I / groups, …], or for the transpose [I, O / groups, …].
                        let block =
                            plan.isTransposed
                            ? (group * channelsIn + input) * channelsOut + channel % channelsOut
                            : channel * channelsIn + input
                        var tap = 0
                        forEachPlace(plan.window) { offset in
                            if let depth = plan.source(0, place.0, offset.0),
                                let row = plan.source(1, place.1, offset.1),
                                let column = plan.source(2, place.2, offset.2)
                            {
                                let position = (depth * plan.input[1] + row) * plan.input[2] + column
                                sum += unsafe source[input * image + position] * filter[block * taps + tap]
                            }
                            tap += 1
                        }
                    }
                    unsafe y[next] = sum
                    next += 1
                }
            }
        }
    }

    @inline(__always)
    private func forEachPlace(_ sizes: [Int], _ body: ((Int, Int, Int)) -> Void) {
        for depth in 0..<sizes[0] {
            for row in 0..<sizes[1] {
                for column in 0..<sizes[2] { body((depth, row, column)) }
            }
        }
    }
}
