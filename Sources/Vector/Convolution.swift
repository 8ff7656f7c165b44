// SPDX-License-Identifier: Apache-2.0

import VectorFunctions

// As many pixels of a tile as the registers hold, which need an address for each.
private let mostPixels = min(mostRows, 8)

/// Where the taps of a tile's pixels lie.
private struct TileOrigin<let rows: Int> {
    /// Row and column of the first tap, which may be outside, and the address of its image.
    var y: InlineArray<rows, Int>
    var x: InlineArray<rows, Int>
    var image: InlineArray<rows, Input>
    /// Whether all taps of all pixels lie in the image.
    var isInside = true

    @inline(__always)
    init(_ loop: ConvolutionLoop, _ source: Input, pixel: Int) {
        y = .init(repeating: 0)
        x = .init(repeating: 0)
        image = .init(repeating: source)
        let area = loop.outHeight * loop.outWidth
        var number = pixel / area
        var row = (pixel - number * area) / loop.outWidth
        var column = pixel - number * area - row * loop.outWidth
        let reachY = (loop.windowHeight - 1) * loop.dilationY
        let reachX = (loop.windowWidth - 1) * loop.dilationX
        for index in 0..<rows {
            let (top, left) = (row * loop.strideY - loop.padTop, column * loop.strideX - loop.padLeft)
            y[index] = top
            x[index] = left
            image[index] = source + number * loop.height * loop.width * loop.channels
            if top < 0 || left < 0 || top + reachY >= loop.height || left + reachX >= loop.width { isInside = false }
            column += 1
            if column == loop.outWidth {
                (row, column) = (row + 1, 0)
                if row == loop.outHeight { (number, row) = (number + 1, 0) }
            }
        }
    }
}

/// Computes one tile: `rows` pixels from `pixel` on, `panels` panels from `panel` on.
@inline(never)
private func tile<let rows: Int, let panels: Int>(
    _ loop: ConvolutionLoop, _ source: Input, _ packed: Input, _ result: Output, _ end: QuickEnd,
    _ buffer: Output, pixel: Int, panel: Int, ahead: Int, _: InlineArray<rows, Int>, _ count: InlineArray<panels, Int>
) {
    let origin = TileOrigin<rows>(loop, source, pixel: pixel)
    let panelStride = loop.depth * laneCount
    let channels = loop.channels
    var weights = packed + panel * panelStride
    var isFirst = true
    @inline(__always) func add(_ addresses: InlineArray<rows, Input>, depth: Int) {
        addProducts(
            addresses, weights, panelStride: panelStride, depth: depth, ahead: ahead, to: buffer, isFirst: isFirst,
            count)
        isFirst = false
    }
    if origin.isInside {
        // Neighbouring taps of a row are neighbours in memory.
        let joined = loop.dilationX == 1
        let (taps, depth) = joined ? (1, loop.windowWidth * channels) : (loop.windowWidth, channels)
        var line = InlineArray<rows, Input> {
            origin.image[$0] + (origin.y[$0] * loop.width + origin.x[$0]) * channels
        }
        for _ in 0..<loop.windowHeight {
            var addresses = line
            for _ in 0..<taps {
                add(addresses, depth: depth)
                weights += depth * laneCount
                for row in 0..<rows { addresses[row] += loop.dilationX * channels }
            }
            for row in 0..<rows { line[row] += loop.dilationY * loop.width * channels }
        }
    } else {
        let zeros = packed + loop.zerosOffset
        for tapY in 0..<loop.windowHeight {
            for tapX in 0..<loop.windowWidth {
                var isOutside = true
                let addresses = InlineArray<rows, Input> {
                    let y = origin.y[$0] + tapY * loop.dilationY
                    let x = origin.x[$0] + tapX * loop.dilationX
                    guard y >= 0, y < loop.height, x >= 0, x < loop.width else { return zeros }
                    isOutside = false
                    return origin.image[$0] + (y * loop.width + x) * channels
                }
                if !isOutside { add(addresses, depth: channels) }
                weights += channels * laneCount
            }
        }
        // All taps may lie outside.
        if isFirst { add(InlineArray<rows, Input>(repeating: zeros), depth: 0) }
    }
    for index in 0..<panels {
        write(
            Input(buffer) + index * laneCount, loop, result, end, pixel: pixel, rows: rows,
            channel: (panel + index) * laneCount)
    }
}

/// Writes the sums of one panel, with everything applied that `end` has.
@inline(__always)
private func write(
    _ sums: Input, _ loop: ConvolutionLoop, _ result: Output, _ end: QuickEnd, pixel: Int,
    rows: Int, channel: Int
) {
    let count = loop.outChannels - channel
    let shift = end.bias.map { load($0 + channel) } ?? .zero
    for row in 0..<rows {
        let offset = (pixel + row) * loop.outChannels + channel
        let sum = end.apply(load(sums + row * 2 * laneCount), shift, at: offset, count: count)
        store(sum, result + offset, first: count)
    }
}

@inline(__always)
private func tiles<let panels: Int>(
    _ loop: ConvolutionLoop, _ source: Input, _ packed: Input, _ result: Output, _ end: QuickEnd,
    _ buffer: Output, pixel: Int, rows: Int, panel: Int, ahead: Int, _ count: InlineArray<panels, Int>
) {
    @inline(__always) func run<let rows: Int>(_ rows: InlineArray<rows, Int>) {
        tile(loop, source, packed, result, end, buffer, pixel: pixel, panel: panel, ahead: ahead, rows, count)
    }
    switch rows {
    case 1: run(InlineArray<1, Int>(repeating: 0))
    case 2: run(InlineArray<2, Int>(repeating: 0))
    #if FMA || arch(arm64)
    case 3: run(InlineArray<3, Int>(repeating: 0))
    case 4: run(InlineArray<4, Int>(repeating: 0))
    case 5: run(InlineArray<5, Int>(repeating: 0))
    case 6: run(InlineArray<6, Int>(repeating: 0))
    #endif
    #if AVX512
    case 7: run(InlineArray<7, Int>(repeating: 0))
    case 8: run(InlineArray<8, Int>(repeating: 0))
    #endif
    default: preconditionFailure()
    }
}

func convolve(
    _ loop: ConvolutionLoop, _ operands: VectorFunctions.Operands, _ result: Output, _ parts: Range<Int>
) {
    let end = QuickEnd(loop, operands)
    // On the stack, and aligned as whole registers are stored fastest.
    var memory = InlineArray<25, Lanes>(repeating: .zero)
    withUnsafeMutableBytes(of: &memory) { memory in
        let buffer = memory.baseAddress!.alignedUp(toMultipleOf: 64).assumingMemoryBound(to: Float.self)
        for part in parts {
            let block = part / loop.groups
            let panel = (part - block * loop.groups) * loop.panelsPerGroup
            let pixel = block * loop.pixelsPerBlock
            convolve(
                loop, operands, result, end, buffer, pixels: pixel..<min(pixel + loop.pixelsPerBlock, loop.pixels),
                panels: panel..<min(panel + loop.panelsPerGroup, loop.panels))
        }
    }
}

private func convolve(
    _ loop: ConvolutionLoop, _ operands: VectorFunctions.Operands, _ result: Output,
    _ end: QuickEnd, _ buffer: Output, pixels: Range<Int>, panels: Range<Int>
) {
    let source = Input(operands[0].assumingMemoryBound(to: Float.self))
    let packed = Input(operands[1].assumingMemoryBound(to: Float.self))
    if loop.isPointwise {
        multiply(loop, source, packed, result, end, buffer, pixels: pixels, panels: panels)
        return finish(loop, operands, result, end, pixels: pixels, panels: panels)
    }
    // Tiles of nearly the same height, instead of a low one at the end.
    let count = (pixels.count + mostPixels - 1) / mostPixels
    let (height, higher) = (pixels.count / count, pixels.count % count)
    let panelStride = loop.depth * laneCount
    var panel = panels.lowerBound
    while panel < panels.upperBound {
        let isPair = mostPanels == 2 && panel + 2 <= panels.upperBound
        var pixel = pixels.lowerBound
        for index in 0..<count {
            let rows = index < higher ? height + 1 : height
            if isPair {
                // The first two tiles fetch the next two panels.
                tiles(
                    loop, source, packed, result, end, buffer, pixel: pixel, rows: rows, panel: panel,
                    ahead: (2 + index & 1) * panelStride, InlineArray<2, Int>(repeating: 0))
            } else {
                tiles(
                    loop, source, packed, result, end, buffer, pixel: pixel, rows: rows, panel: panel,
                    ahead: panelStride, InlineArray<1, Int>(repeating: 0))
            }
            pixel += rows
        }
        panel += isPair ? 2 : 1
    }
    finish(loop, operands, result, end, pixels: pixels, panels: panels)
}

/// Convolves by a window of one pixel.
private func multiply(
    _ loop: ConvolutionLoop, _ source: Input, _ packed: Input, _ result: Output, _ end: QuickEnd, _ buffer: Output,
    pixels: Range<Int>, panels: Range<Int>
) {
    let panelStep = loop.depth * laneCount
    var panel = panels.lowerBound
    while panel < panels.upperBound {
        let channel = panel * laneCount
        let sums = RowSums(
            source: source + pixels.lowerBound * loop.channels, rowStep: loop.channels, depthStep: 1,
            depth: loop.channels, weights: packed + panel * panelStep, weightStep: laneCount, panelStep: panelStep,
            bias: end.bias.map { $0 + channel })
        let target = ProductEnd(
            result: result, start: pixels.lowerBound * loop.outChannels + channel, resultStep: loop.outChannels,
            end: end, count: loop.outChannels - channel)
        @inline(__always) func compute<let panels: Int>(_ panels: InlineArray<panels, Int>) {
            sums.compute(rows: pixels.count, ahead: panels.count * panelStep, to: buffer, advance: 0, panels) {
                target.write(Input(buffer), rows: $0, panels: panels.count)
            }
        }
        if mostPanels == 2, panel + 2 <= panels.upperBound {
            compute(InlineArray<2, Int>(repeating: 0))
            panel += 2
        } else {
            compute(InlineArray<1, Int>(repeating: 0))
            panel += 1
        }
    }
}

/// Applies the steps that the tiles have not.
private func finish(
    _ loop: ConvolutionLoop, _ operands: VectorFunctions.Operands, _ result: Output, _ end: QuickEnd,
    pixels: Range<Int>, panels: Range<Int>
) {
    let channel = panels.lowerBound * laneCount
    finish(
        loop.epilogue, from: end.steps, operands, result,
        Rows(
            start: pixels.lowerBound * loop.outChannels + channel, count: pixels.count, stride: loop.outChannels,
            channel: channel, channels: min(panels.count * laneCount, loop.outChannels - channel)))
}
