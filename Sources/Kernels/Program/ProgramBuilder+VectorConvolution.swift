// SPDX-License-Identifier: Apache-2.0

public import GEGraph
internal import VectorFunctions

extension ProgramBuilder {
    /// A convolution over one or two dimensions by a constant filter [O, C, window…]; nil for others, and where oneDNN's is
    /// quicker.
    func vectorConvolution(
        _ x: Value, filter: Value, bias: Value?, _ geometry: ConvolutionGeometry, output: TensorDesc
    ) throws -> Value? {
        let (image, window) = (shape(x), shape(filter))
        guard desc(x).dataType == .float, (3...4).contains(image.count), let strides = constantStrides(filter),
            !image.contains(0), !window.contains(0), geometry.groups == 1
        else { return nil }

        func plane(_ sizes: some BidirectionalCollection<Int>, _ filler: Int) -> (Int, Int) {
            sizes.count == 1 ? (filler, sizes.last ?? filler) : (sizes.first ?? filler, sizes.last ?? filler)
        }
        let (height, width) = plane(image[2...], 1)
        let (outHeight, outWidth) = plane(output.shape[2...], 1)
        let (windowHeight, windowWidth) = plane(window[2...], 1)
        let (strideY, strideX) = plane(geometry.strides, 1)
        let (dilationY, dilationX) = plane(geometry.dilations, 1)
        let (padTop, padLeft) = plane(geometry.padsBegin, 0)
        var loop = ConvolutionLoop(
            batch: image[0], image: (height, width, image[1]), output: (outHeight, outWidth, output.shape[1]),
            window: (windowHeight, windowWidth), strides: (strideY, strideX), dilations: (dilationY, dilationX),
            padTop: padTop, padLeft: padLeft)
        let tile: Int?
        switch KernelChoice.convolution(loop, keepsNaN: keepsNaN) {
        case .oneDNN: return nil
        case .direct: tile = nil
        case .tiles(let size): tile = size
        }
        let form = WeightForm(
            kind: tile.map { .tiles($0) } ?? .panels, outputs: window[0], channels: image[1],
            window: Array(window[2...]), outputStride: strides[0], channelStride: strides[1],
            windowStrides: Array(strides[2...]))
        let source = try MemoryDescriptor.channelsLast(.float, image)
        let layout = try MemoryDescriptor.channelsLast(.float, output.shape)
        var inputs = [try operand(x, source).buffer, try packed(filter, form)]
        var steps: [EpilogueStep] = []
        try add(bias, to: &inputs, &loop, &steps)
        try takeSteps(&steps, &inputs, result: output.shape, channel: 1, layout: layout, divides: tile == nil)
        guard let tile else {
            return emit(PackedConvolutionKernel(loop, steps), inputs: inputs, output: output, layout: layout)
        }
        let kernel = WinogradKernel(WinogradLoop(loop, tile: tile), steps)
        return emit(kernel, inputs: inputs, output: output, layout: layout)
    }
}
