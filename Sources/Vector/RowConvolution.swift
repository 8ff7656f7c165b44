// SPDX-License-Identifier: Apache-2.0

import VectorFunctions

/// A convolution with few channels in each group: row by row, so that all sums of a tile stay in the registers.
func convolveByRow(
    _ loop: ConvolutionLoop, _ operands: VectorFunctions.Operands, _ result: Output, _ parts: Range<Int>
) {
    let end = QuickEnd(loop, operands)
    for part in parts {
        let row = RowTaps(loop, part: part)
        for group in 0..<loop.filterGroups {
            let tensors = GroupTensors(loop, operands, result, end, group: group)
            var panel = 0
            while panel < loop.panels {
                let isPair = mostPanels == 2 && panel + 2 <= loop.panels
                row.forEachTile(loop, widest: mostRows) { column, count, taps in
                    if isPair {
                        tiles(
                            loop, tensors, row, column: column, count: count, taps: taps, panel: panel,
                            InlineArray<2, Int>(repeating: 0))
                    } else {
                        tiles(
                            loop, tensors, row, column: column, count: count, taps: taps, panel: panel,
                            InlineArray<1, Int>(repeating: 0))
                    }
                }
                panel += isPair ? 2 : 1
            }
        }
        row.finishRow(loop, from: end.steps, operands, result)
    }
}

@inline(__always)
private func tiles<let panels: Int>(
    _ loop: ConvolutionLoop, _ tensors: GroupTensors, _ row: RowTaps, column: Int, count: Int, taps: Range<Int>,
    panel: Int, _ panels: InlineArray<panels, Int>
) {
    @inline(__always) func run<let pixels: Int>(_ pixels: InlineArray<pixels, Int>) {
        tile(loop, tensors, row, column: column, taps: taps, panel: panel, pixels, panels)
    }
    switch count {
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
    case 9: run(InlineArray<9, Int>(repeating: 0))
    case 10: run(InlineArray<10, Int>(repeating: 0))
    case 11: run(InlineArray<11, Int>(repeating: 0))
    case 12: run(InlineArray<12, Int>(repeating: 0))
    #endif
    default: preconditionFailure()
    }
}

/// Computes neighbouring pixels, of which all have the same columns of the window in the image, for one panel or two.
@inline(never)
private func tile<let pixels: Int, let panels: Int>(
    _ loop: ConvolutionLoop, _ tensors: GroupTensors, _ row: RowTaps, column: Int, taps: Range<Int>, panel: Int,
    _: InlineArray<pixels, Int>, _: InlineArray<panels, Int>
) {
    let (channels, pixelLength, panelLength) = (loop.channels, loop.pixelLength, loop.panelLength)
    let step = loop.strideX * pixelLength
    let tapStep = loop.dilationX * pixelLength
    // Neighbouring taps of a row are neighbours in memory.
    let isJoined = tapStep == channels
    let (runs, depth) = isJoined ? (1, taps.count * channels) : (taps.count, channels)
    let start = tensors.source + row.origin + column * step + taps.lowerBound * tapStep
    let weights = tensors.packed + panel * panelLength + taps.lowerBound * channels * laneCount
    var first = InlineArray<pixels, Lanes>(repeating: .zero)
    var second = InlineArray<pixels, Lanes>(repeating: .zero)
    for z in row.planes {
        for y in row.lines {
            var line = start + (z * loop.dilationZ * loop.height + y * loop.dilationY) * loop.width * pixelLength
            var weight = weights + (z * loop.windowHeight + y) * loop.windowWidth * channels * laneCount
            for _ in 0..<runs {
                var address = line
                let end = line + depth
                while address < end {
                    let factor = load(weight)
                    let other = panels == 2 ? load(weight + panelLength) : .zero
                    for pixel in 0..<pixels {
                        let element = all(address[pixel * step])
                        first[pixel] = multiplyAdd(element, factor, first[pixel])
                        if panels == 2 { second[pixel] = multiplyAdd(element, other, second[pixel]) }
                    }
                    address += 1
                    weight += laneCount
                }
                line += tapStep
            }
        }
    }
    @inline(__always) func write(_ sums: InlineArray<pixels, Lanes>, panel: Int) {
        let channel = panel * laneCount
        let rest = loop.outChannels - channel
        let shift = tensors.end.bias.map { load($0 + channel) } ?? .zero
        for pixel in 0..<pixels {
            let offset = (row.target + (column + pixel) * loop.columnStep) * loop.resultLength + channel
            store(
                tensors.end.apply(sums[pixel], shift, at: offset, count: rest), tensors.result + offset, first: rest)
        }
    }
    write(first, panel: panel)
    if panels == 2 { write(second, panel: panel + 1) }
}
