// SPDX-License-Identifier: Apache-2.0

internal import CLanes
import VectorFunctions

/// The tensors of a convolution whose filters see few channels each.
private struct ChannelTensors {
    var source, weights: Input
    var result: Output
    var end: QuickEnd
}

/// A convolution whose filters see one channel each, so many filters for every channel; or four for four channels.
func convolveByChannel(
    _ loop: ConvolutionLoop, _ operands: VectorFunctions.Operands, _ result: Output, _ parts: Range<Int>
) {
    let tensors = ChannelTensors(
        source: Input(operands[0].assumingMemoryBound(to: Float.self)),
        weights: Input(operands[1].assumingMemoryBound(to: Float.self)), result: result,
        end: QuickEnd(loop, operands))
    for part in parts {
        let (rows, piece) = loop.rowsAndPiece(part)
        for row in rows { convolve(loop, operands, tensors, RowTaps(loop, row: row, piece: piece)) }
    }
}

private func convolve(
    _ loop: ConvolutionLoop, _ operands: VectorFunctions.Operands, _ tensors: ChannelTensors, _ row: RowTaps
) {
    @inline(__always) func compute(_ column: Int, _ count: Int, _ taps: Range<Int>) {
        @inline(__always) func run<let pixels: Int>(_ pixels: InlineArray<pixels, Int>) {
            tile(loop, tensors, row, column: column, taps: taps, pixels)
        }
        switch count {
        case 1: run(InlineArray<1, Int> { _ in 0 })
        case 2: run(InlineArray<2, Int> { _ in 0 })
        #if FMA || arch(arm64)
        case 3: run(InlineArray<3, Int> { _ in 0 })
        case 4: run(InlineArray<4, Int> { _ in 0 })
        case 5: run(InlineArray<5, Int> { _ in 0 })
        case 6: run(InlineArray<6, Int> { _ in 0 })
        #endif
        #if AVX512
        case 7: run(InlineArray<7, Int> { _ in 0 })
        case 8: run(InlineArray<8, Int> { _ in 0 })
        #endif
        default: preconditionFailure()
        }
    }
    row.forEachTile(loop, widest: min(mostRows, 8)) { compute($0, $1, $2) }
    guard tensors.end.steps < loop.epilogue.count else { return }
    finish(
        row, loop, from: tensors.end.steps, operands, tensors.result, channel: 0, channels: loop.resultLength)
}

/// How many vectors of channels are computed at once where pixels are few: each sum has to wait for its last addition.
@inline(__always)
private func vectorsTogether(pixels: Int) -> Int {
    #if AVX512
    pixels <= 2 ? 4 : pixels <= 4 ? 2 : 1
    #elseif FMA || arch(arm64)
    pixels == 1 ? 4 : pixels <= 3 ? 2 : 1
    #else
    pixels == 1 ? 2 : 1
    #endif
}

/// Computes neighbouring pixels, of which all have the same columns of the window in the image.
@inline(never)
private func tile<let pixels: Int>(
    _ loop: ConvolutionLoop, _ tensors: ChannelTensors, _ row: RowTaps, column: Int, taps: Range<Int>,
    _: InlineArray<pixels, Int>
) {
    let (channels, outputs) = (loop.pixelLength, loop.resultLength)
    let step = loop.strideX * channels
    let (tapStep, lineStep) = (loop.dilationX * channels, loop.dilationY * loop.width * channels)
    let planeStep = loop.dilationZ * loop.height * loop.width * channels
    let first =
        tensors.source + row.origin + column * step + taps.lowerBound * tapStep + row.lines.lowerBound * lineStep
        + row.planes.lowerBound * planeStep
    let windowRow = loop.windowWidth * loop.channels * laneCount
    let windowPlane = loop.windowHeight * windowRow
    let panelLength = loop.panelLength
    var weights =
        tensors.weights + (loop.firstTap + taps.lowerBound) * loop.channels * laneCount
        + row.lines.lowerBound * windowRow + row.planes.lowerBound * windowPlane
    var channel = 0
    let isEmpty = row.planes.isEmpty || row.lines.isEmpty || taps.isEmpty

    /// Calls `body` with the elements and the weights of every tap. The loops begin at the end: a test before each of them
    /// would keep two copies of the sums.
    @inline(__always) func forEachTap(_ body: (Input, Input) -> Void) {
        var (plane, planeWeights, planes) = (first, weights, row.planes.count)
        repeat {
            var (line, lineWeights, lines) = (plane, planeWeights, row.lines.count)
            repeat {
                var (address, weight, left) = (line, lineWeights, taps.count)
                repeat {
                    body(address, weight)
                    address += tapStep
                    weight += loop.channels * laneCount
                    left -= 1
                } while left > 0
                line += lineStep
                lineWeights += windowRow
                lines -= 1
            } while lines > 0
            plane += planeStep
            planeWeights += windowPlane
            planes -= 1
        } while planes > 0
    }

    @inline(__always) func add(
        _ address: Input, _ factor: Lanes, _ sums: inout InlineArray<pixels, Lanes>, _ element: (Input) -> Lanes
    ) {
        // Two addresses, so that few registers hold multiples of the step.
        let far = address + 4 * step
        for pixel in 0..<pixels {
            let place = pixel < 4 ? address + pixel * step : far + (pixel - 4) * step
            sums[pixel] = multiplyAdd(element(place), factor, sums[pixel])
        }
    }

    @inline(__always) func write(_ sums: InlineArray<pixels, Lanes>) {
        let shift = tensors.end.bias.map { load($0 + channel) } ?? .zero
        let pixelStep = loop.columnStep * outputs
        tensors.end.put(
            sums, shift, to: tensors.result, at: row.target * outputs + column * pixelStep + channel, step: pixelStep,
            count: outputs - channel)
        weights += panelLength
        channel += laneCount
    }

    /// The next vectors of channels, of which `element` gives what the lanes see of the image.
    @inline(__always) func compute(vectors: Int, _ element: (Input) -> Lanes) {
        var (sums, second) = (
            InlineArray<pixels, Lanes> { _ in .zero }, InlineArray<pixels, Lanes> { _ in .zero }
        )
        var (third, fourth) = (second, second)
        if !isEmpty {
            forEachTap { address, weight in
                add(address, load(weight), &sums, element)
                if vectors > 1 { add(address + laneCount, load(weight + panelLength), &second, element) }
                if vectors > 2 {
                    add(address + 2 * laneCount, load(weight + 2 * panelLength), &third, element)
                    add(address + 3 * laneCount, load(weight + 3 * panelLength), &fourth, element)
                }
            }
        }
        write(sums)
        if vectors > 1 { write(second) }
        if vectors > 2 {
            write(third)
            write(fourth)
        }
    }

    if loop.channels == 4 {
        while channel < outputs {
            var sums = InlineArray<pixels, Lanes> { _ in .zero }
            if !isEmpty {
                forEachTap { address, weight in
                    @inline(__always) func addOne(_ number: Int) {
                        add(address, load(weight + number * laneCount), &sums) {
                            lanes_spread(load($0 + channel, first: outputs - channel), number)
                        }
                    }
                    addOne(0)
                    addOne(1)
                    addOne(2)
                    addOne(3)
                }
            }
            write(sums)
        }
    } else if loop.outChannels == 1 {
        let vectors = vectorsTogether(pixels: pixels)
        while vectors > 1, channel + vectors * laneCount <= outputs {
            compute(vectors: vectors) { load($0 + channel) }
        }
        while channel + laneCount <= outputs { compute(vectors: 1) { load($0 + channel) } }
        if channel < outputs { compute(vectors: 1) { load($0 + channel, first: outputs - channel) } }
    } else {
        while channel < outputs {
            // A few channels serve all the lanes.
            let base = channel / loop.outChannels
            var places = Whole.zero
            for lane in 0..<laneCount {
                places[lane] = Int32(truncatingIfNeeded: (channel + lane) / loop.outChannels - base)
            }
            let rest = min(laneCount, channels - base)
            compute(vectors: 1) { lanes_pick(load($0 + base, first: rest), places) }
        }
    }
}
