// SPDX-License-Identifier: Apache-2.0

internal import VectorFunctions

/// The loops that compute a convolution or its transpose, and how they want the filter.
struct ConvolutionPlan {
    /// One or, for a transpose with strides, one for each phase: the pixels of the result that see the same taps.
    let loops: [ConvolutionLoop]
    /// Which position of the filter's window each stored one is; nil: they are in the filter's order.
    let order: [Int]?
    let window: [Int]
    /// Which dimension of the filter each of the window is; nil for one that was added.
    let axes: [Int?]
    let isTransposed: Bool

    /// More phases are left to a kernel that does not list them.
    private static let mostPhases = 4096

    /// - image: [N, C, spatial…], filter: [O, C / groups, window…] (transposed: [C, O / groups, window…]),
    ///   output: [N, O, spatial…], none of which is empty.
    /// - Returns: nil for a transpose with very many phases.
    init?(_ image: [Int], _ filter: [Int], _ output: [Int], _ geometry: ConvolutionGeometry, isTransposed: Bool) {
        let sizes = SpatialSizes(image, filter, output, geometry)
        let groups = geometry.groups
        func loop(
            _ output: [Int], _ window: [Int], _ strides: [Int], _ dilations: [Int], _ pads: [Int]
        ) -> ConvolutionLoop {
            var loop = ConvolutionLoop(
                batch: image[0], image: (sizes.image[1], sizes.image[2], image[1] / groups),
                output: (output[1], output[2], sizes.outChannels / groups), window: (window[1], window[2]),
                strides: (strides[1], strides[2]), dilations: (dilations[1], dilations[2]), padTop: pads[1],
                padLeft: pads[2])
            (loop.planes, loop.outPlanes, loop.windowPlanes) = (sizes.image[0], output[0], window[0])
            (loop.strideZ, loop.dilationZ, loop.padFront) = (strides[0], dilations[0], pads[0])
            loop.filterGroups = groups
            return loop
        }
        (window, axes, self.isTransposed) = (sizes.window, sizes.axes, isTransposed)
        if !isTransposed {
            loops = [loop(sizes.output, sizes.window, sizes.strides, sizes.dilations, sizes.pads)]
            order = nil
            return
        }
        let steps = sizes.phaseSteps
        guard steps.allSatisfy({ $0 <= Self.mostPhases }), steps.reduce(1, *) <= Self.mostPhases else { return nil }
        let phases = (0..<3).map { dimension in
            (0..<steps[dimension]).map { TransposePhase(sizes, dimension, first: $0, step: steps[dimension]) }
        }
        var (loops, order) = ([ConvolutionLoop](), [Int]())
        for z in phases[0] {
            for y in phases[1] {
                for x in phases[2] {
                    let three = [z, y, x]
                    if three.allSatisfy({ $0.count > 0 }) {
                        var phase = loop(
                            three.map(\.count), three.map(\.taps.count), [1, 1, 1], three.map(\.dilation),
                            three.map(\.pad))
                        phase.firstTap = order.count
                        phase.sharedTaps = sizes.window.reduce(1, *)
                        if steps != [1, 1, 1] {
                            phase.grid = ResultGrid(size: sizes.output, first: three.map(\.first), step: steps)
                        }
                        loops.append(phase)
                    }
                    for tapZ in z.taps {
                        for tapY in y.taps {
                            for tapX in x.taps {
                                order.append((tapZ * sizes.window[1] + tapY) * sizes.window[2] + tapX)
                            }
                        }
                    }
                }
            }
        }
        self.loops = loops
        self.order = order
    }

    /// How a filter with these steps between its elements is packed in panels.
    func form(_ kind: WeightForm.Kind, _ strides: [Int]) -> WeightForm {
        let loop = loops[0]
        let (output, channel) = isTransposed ? (strides[1], strides[0]) : (strides[0], strides[1])
        var form = WeightForm(
            kind: kind, outputs: loop.outChannels, channels: loop.channels, window: window, outputStride: output,
            channelStride: channel, windowStrides: axes.map { $0.map { strides[$0] } ?? 0 })
        form.groups = loop.filterGroups
        form.groupStride = strides[0] * (isTransposed ? loop.channels : loop.outChannels)
        form.order = order
        return form
    }

    /// How it is packed for `convolveByChannel`, in panels of all groups' outputs together; nil where these are not evenly
    /// apart.
    func formByChannel(_ strides: [Int]) -> WeightForm? {
        var form = form(loops[0].channels == 1 ? .row : .panels, strides)
        guard form.outputs == 1 || form.groupStride == form.outputs * form.outputStride else { return nil }
        if form.outputs == 1 { form.outputStride = form.groupStride }
        form.outputs *= form.groups
        (form.groups, form.groupStride) = (1, 0)
        return form
    }

    /// The same convolution of an image that lies plane by plane, one for each channel: these are its outermost dimension.
    func planar(_ strides: [Int]) -> (loop: ConvolutionLoop, form: WeightForm) {
        var (loop, form) = (loops[0], form(.panels, strides))
        (loop.planes, loop.windowPlanes, loop.channels) = (loop.channels, loop.channels, 1)
        form.window[0] = form.channels
        form.windowStrides[0] = form.channelStride
        (form.channels, form.channelStride) = (1, 0)
        return (loop, form)
    }
}

/// The numbers of a convolution over three dimensions; fewer are padded with ones in front.
private struct SpatialSizes {
    let outChannels: Int
    var image, window, output, strides, dilations, pads: [Int]
    /// Which dimension of the filter each is; nil for one that was added.
    var axes: [Int?]

    init(_ x: [Int], _ filter: [Int], _ y: [Int], _ geometry: ConvolutionGeometry) {
        func spread(_ values: some Collection<Int>, _ filler: Int) -> [Int] {
            Array(repeating: filler, count: 3 - values.count) + values
        }
        outChannels = y[1]
        image = spread(x[2...], 1)
        window = spread(filter[2...], 1)
        output = spread(y[2...], 1)
        strides = spread(geometry.strides, 1)
        dilations = spread(geometry.dilations, 1)
        pads = spread(geometry.padsBegin, 0)
        axes = Array(repeating: nil, count: 5 - filter.count) + Array(2..<filter.count)
        // Rows of one pixel are short: then the next dimension makes the rows.
        while image[2] == 1, window[2] == 1, output[2] == 1, pads[2] == 0, image[..<2] + output[..<2] != [1, 1, 1, 1] {
            func turn<Element>(_ values: inout [Element], _ filler: Element) { values = [filler] + values[..<2] }
            turn(&image, 1)
            turn(&window, 1)
            turn(&output, 1)
            turn(&strides, 1)
            turn(&dilations, 1)
            turn(&pads, 0)
            turn(&axes, nil)
        }
    }

    /// How far apart the pixels of a transpose's result are that see the same taps.
    var phaseSteps: [Int] {
        (0..<3).map { dimension in
            // Of one pixel each tap makes another pixel.
            guard image[dimension] == 1, output[dimension] > 1 else { return strides[dimension] }
            return output[dimension] + (window[dimension] - 1) * dilations[dimension] + pads[dimension]
        }
    }
}

/// One dimension of those pixels of a transposed convolution's result that see the same taps.
private struct TransposePhase {
    let first: Int
    /// How many pixels there are.
    let count: Int
    /// Their taps, in the order of the image's pixels that they see.
    let taps: [Int]
    /// The image's pixels that the taps see are so far apart, and the first lies so far before the pixel's own number.
    let dilation, pad: Int

    init(_ sizes: SpatialSizes, _ dimension: Int, first: Int, step: Int) {
        let seen = (0..<sizes.window[dimension]).reversed().compactMap { tap -> (tap: Int, place: Int)? in
            let place = first + sizes.pads[dimension] - tap * sizes.dilations[dimension]
            return place.isMultiple(of: step) ? (tap, place / step) : nil
        }
        self.first = first
        count = max((sizes.output[dimension] - first + step - 1) / step, 0)
        taps = seen.map(\.tap)
        dilation = seen.count > 1 ? seen[1].place - seen[0].place : 1
        pad = seen.isEmpty ? 0 : -seen[0].place
    }
}
