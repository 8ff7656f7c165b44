// SPDX-License-Identifier: Apache-2.0

internal import CLanes
import VectorFunctions

/// The tensors of a convolution whose filters see one channel each.
private struct ChannelTensors {
    var source, weights: Input
    var result: Output
    var end: QuickEnd
}

/// A convolution whose filters see one channel each: so many filters for every channel.
func convolveByChannel(
    _ loop: ConvolutionLoop, _ operands: VectorFunctions.Operands, _ result: Output, _ parts: Range<Int>
) {
    let tensors = ChannelTensors(
        source: Input(operands[0].assumingMemoryBound(to: Float.self)),
        weights: Input(operands[1].assumingMemoryBound(to: Float.self)), result: result,
        end: QuickEnd(loop, operands))
    for part in parts {
        let row = RowTaps(loop, part: part)
        row.forEachTile(loop, widest: mostRows) { column, count, taps in
            @inline(__always) func run<let pixels: Int>(_ pixels: InlineArray<pixels, Int>) {
                tile(loop, tensors, row, column: column, taps: taps, pixels)
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
        row.finishRow(loop, from: tensors.end.steps, operands, result)
    }
}

/// Computes neighbouring pixels, of which all have the same columns of the window in the image.
@inline(never)
private func tile<let pixels: Int>(
    _ loop: ConvolutionLoop, _ tensors: ChannelTensors, _ row: RowTaps, column: Int, taps: Range<Int>,
    _: InlineArray<pixels, Int>
) {
    let (channels, outputs) = (loop.pixelLength, loop.resultLength)
    let step = loop.strideX * channels
    let tapStep = loop.dilationX * channels
    let first = tensors.source + row.origin + column * step + taps.lowerBound * tapStep
    let windowRow = loop.windowWidth * laneCount
    let panelLength = loop.panelLength
    var weights = tensors.weights + (loop.firstTap + taps.lowerBound) * laneCount
    var channel = 0

    @inline(__always) func compute(_ element: (Input) -> Lanes) {
        var sums = InlineArray<pixels, Lanes>(repeating: .zero)
        for z in row.planes {
            for y in row.lines {
                var address = first + (z * loop.dilationZ * loop.height + y * loop.dilationY) * loop.width * channels
                var weight = weights + (z * loop.windowHeight + y) * windowRow
                for _ in taps {
                    let factor = load(weight)
                    for pixel in 0..<pixels {
                        sums[pixel] = multiplyAdd(element(address + pixel * step), factor, sums[pixel])
                    }
                    address += tapStep
                    weight += laneCount
                }
            }
        }
        let shift = tensors.end.bias.map { load($0 + channel) } ?? .zero
        let rest = outputs - channel
        for pixel in 0..<pixels {
            let offset = (row.target + (column + pixel) * loop.columnStep) * outputs + channel
            store(
                tensors.end.apply(sums[pixel], shift, at: offset, count: rest), tensors.result + offset, first: rest)
        }
    }

    if loop.outChannels == 1 {
        while channel + laneCount <= outputs {
            compute { load($0 + channel) }
            weights += panelLength
            channel += laneCount
        }
        if channel < outputs { compute { load($0 + channel, first: outputs - channel) } }
        return
    }
    while channel < outputs {
        // A few channels serve all the lanes.
        let base = channel / loop.outChannels
        var places = Whole.zero
        for lane in 0..<laneCount {
            places[lane] = Int32(truncatingIfNeeded: (channel + lane) / loop.outChannels - base)
        }
        let rest = min(laneCount, channels - base)
        compute { lanes_pick(load($0 + base, first: rest), places) }
        weights += panelLength
        channel += laneCount
    }
}
