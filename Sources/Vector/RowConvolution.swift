// SPDX-License-Identifier: Apache-2.0

import VectorFunctions

// The widest tiles, in pixels: as many as the registers hold the sums of.
#if AVX512
private let mostPairedPixels = 8
private let mostPixels = 12
#elseif FMA || arch(arm64)
private let mostPixels = 6
private let mostHalfPixels = 12
#else
private let mostPixels = 2
private let mostHalfPixels = 4
#endif

/// A convolution row by row, so that all sums of a tile stay in the registers, whatever the window.
func convolveByRow(
    _ pointer: UnsafePointer<ConvolutionLoop>, _ operands: VectorFunctions.Operands, _ result: Output,
    _ parts: Range<Int>
) {
    let loop = pointer.pointee
    let end = QuickEnd(loop, operands)
    for part in parts {
        let item = part / loop.groups
        let firstPanel = (part - item * loop.groups) * loop.panelsPerGroup
        let panels = firstPanel..<min(firstPanel + loop.panelsPerGroup, loop.panels)
        let block = item / loop.filterGroups
        let group = item - block * loop.filterGroups
        let (rows, piece) = loop.rowsAndPiece(block)
        let tensors = GroupTensors(loop, operands, result, end, group: group)
        var panel = panels.lowerBound
        while panel < panels.upperBound {
            let isPair = mostPanels == 2 && panel + 2 <= panels.upperBound
            for row in rows {
                convolve(pointer, tensors, RowTaps(loop, row: row, piece: piece), panel: panel, isPair: isPair)
            }
            panel += isPair ? 2 : 1
        }
        guard end.steps < loop.epilogue.count else { continue }
        let channel = panels.lowerBound * laneCount
        for row in rows {
            finish(
                RowTaps(loop, row: row, piece: piece), loop, from: end.steps, operands, result,
                channel: group * loop.outChannels + channel,
                channels: min(panels.count * laneCount, loop.outChannels - channel))
        }
    }
}

/// Computes a row for one panel or two.
private func convolve(
    _ loop: UnsafePointer<ConvolutionLoop>, _ tensors: GroupTensors, _ row: RowTaps, panel: Int, isPair: Bool
) {
    let one = InlineArray<1, Int> { _ in 0 }
    @inline(__always) func tiles<let panels: Int, Sum: PanelLanes>(
        widest: Int, _ panels: InlineArray<panels, Int>, _: Sum.Type
    ) {
        row.forEachTile(loop.pointee, widest: widest) { column, count, taps in
            let tile = RowTile<Sum>(loop, tensors, row, column: column, taps: taps, panel: panel)
            tile.compute(count, panels)
        }
    }
    #if AVX512
    if isPair {
        tiles(widest: mostPairedPixels, InlineArray<2, Int> { _ in 0 }, Lanes.self)
    } else {
        tiles(widest: mostPixels, one, Lanes.self)
    }
    #else
    // Half of a panel that is not full costs half.
    if loop.pointee.outChannels - panel * laneCount <= HalfLanes.scalarCount {
        tiles(widest: mostHalfPixels, one, HalfLanes.self)
    } else {
        tiles(widest: mostPixels, one, Lanes.self)
    }
    #endif
}

/// Neighbouring pixels, of which all have the same columns of the window in the image.
private struct RowTile<Sum: PanelLanes> {
    /// A copy would cost as much as a small tile.
    let pointer: UnsafePointer<ConvolutionLoop>
    let tensors: GroupTensors
    let row: RowTaps
    let column, panel: Int
    /// From pixel to pixel, and from tap to tap of a row of the window, in elements of x.
    let step, tapStep: Int
    /// How many runs of neighbouring elements a row of the window sees, and how many elements each has.
    let runs, run: Int
    /// From row to row and from plane to plane, of the image that the window sees and of the weights.
    let lineStep, planeStep, windowRow, windowPlane: Int
    let panelLength: Int
    /// Where the first tap that lies in the image has its element for the first pixel, and its weights.
    let start, weights: Input
    /// Whether no tap lies in the image.
    let isEmpty: Bool

    @inline(__always)
    init(
        _ pointer: UnsafePointer<ConvolutionLoop>, _ tensors: GroupTensors, _ row: RowTaps, column: Int,
        taps: Range<Int>, panel: Int
    ) {
        (self.pointer, self.tensors, self.row, self.column, self.panel) = (pointer, tensors, row, column, panel)
        let loop = pointer.pointee
        let channels = loop.channels
        step = loop.strideX * loop.pixelLength
        tapStep = loop.dilationX * loop.pixelLength
        // Neighbouring taps of a row are neighbours in memory.
        (runs, run) = tapStep == channels ? (1, taps.count * channels) : (taps.count, channels)
        lineStep = loop.dilationY * loop.width * loop.pixelLength
        planeStep = loop.dilationZ * loop.height * loop.width * loop.pixelLength
        windowRow = loop.windowWidth * channels * laneCount
        windowPlane = loop.windowHeight * windowRow
        start =
            tensors.source + row.origin + column * step + taps.lowerBound * tapStep + row.lines.lowerBound * lineStep
            + row.planes.lowerBound * planeStep
        weights =
            tensors.packed + panel * loop.panelLength + taps.lowerBound * channels * laneCount
            + row.lines.lowerBound * windowRow + row.planes.lowerBound * windowPlane
        panelLength = loop.panelLength
        isEmpty = row.planes.isEmpty || row.lines.isEmpty || taps.isEmpty
    }

    @inline(__always)
    func compute<let panels: Int>(_ count: Int, _ panels: InlineArray<panels, Int>) {
        switch count {
        case 1: onePixel(panels)
        case 2: pixels(InlineArray<2, Int> { _ in 0 }, panels)
        case 3: pixels(InlineArray<3, Int> { _ in 0 }, panels)
        case 4: pixels(InlineArray<4, Int> { _ in 0 }, panels)
        #if FMA || arch(arm64)
        case 5: pixels(InlineArray<5, Int> { _ in 0 }, panels)
        case 6: pixels(InlineArray<6, Int> { _ in 0 }, panels)
        case 7: pixels(InlineArray<7, Int> { _ in 0 }, panels)
        case 8: pixels(InlineArray<8, Int> { _ in 0 }, panels)
        case 9: pixels(InlineArray<9, Int> { _ in 0 }, panels)
        case 10: pixels(InlineArray<10, Int> { _ in 0 }, panels)
        case 11: pixels(InlineArray<11, Int> { _ in 0 }, panels)
        case 12: pixels(InlineArray<12, Int> { _ in 0 }, panels)
        #endif
        default: preconditionFailure()
        }
    }

    // The loops below begin at the end: a test before each of them would keep two copies of the sums.

    /// Calls `body` with the elements and the weights of every run.
    @inline(__always)
    private func forEachRun(_ body: (Input, Input) -> Void) {
        var (plane, planeWeights, planes) = (start, weights, row.planes.count)
        repeat {
            var (line, lineWeights, lines) = (plane, planeWeights, row.lines.count)
            repeat {
                var (address, weight, left) = (line, lineWeights, runs)
                repeat {
                    body(address, weight)
                    address += tapStep
                    weight += run * laneCount
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

    @inline(never)
    private func pixels<let pixels: Int, let panels: Int>(
        _: InlineArray<pixels, Int>, _: InlineArray<panels, Int>
    ) {
        var first = InlineArray<pixels, Sum> { _ in Sum(repeating: 0) }
        var second = InlineArray<pixels, Sum> { _ in Sum(repeating: 0) }
        if !isEmpty {
            forEachRun { address, weight in
                var (address, weight, left) = (address, weight, run)
                repeat {
                    let factor = Sum.load(weight)
                    let other = panels == 2 ? Sum.load(weight + panelLength) : Sum(repeating: 0)
                    for pixel in 0..<pixels {
                        let element = Sum(repeating: address[pixel * step])
                        first[pixel] = .multiplyAdd(element, factor, first[pixel])
                        if panels == 2 { second[pixel] = .multiplyAdd(element, other, second[pixel]) }
                    }
                    address += 1
                    weight += laneCount
                    left -= 1
                } while left > 0
            }
        }
        write(InlineArray<pixels, Lanes> { first[$0].whole }, panel)
        if panels == 2 { write(InlineArray<pixels, Lanes> { second[$0].whole }, panel + 1) }
    }

    /// A pixel at an edge: four sums of neighbouring products at once, since each has to wait for its last addition.
    @inline(never)
    private func onePixel<let panels: Int>(_: InlineArray<panels, Int>) {
        var first = InlineArray<4, Sum> { _ in Sum(repeating: 0) }
        var second = InlineArray<4, Sum> { _ in Sum(repeating: 0) }
        @inline(__always) func add(_ address: Input, _ weight: Input, _ place: Int, to sum: Int) {
            let element = Sum(repeating: address[place])
            first[sum] = .multiplyAdd(element, .load(weight + place * laneCount), first[sum])
            guard panels == 2 else { return }
            second[sum] = .multiplyAdd(element, .load(weight + panelLength + place * laneCount), second[sum])
        }
        if !isEmpty {
            forEachRun { address, weight in
                var place = 0
                while place + 4 <= run {
                    for sum in 0..<4 { add(address, weight, place + sum, to: sum) }
                    place += 4
                }
                while place < run {
                    add(address, weight, place, to: 0)
                    place += 1
                }
            }
        }
        let sum = ((first[0] + first[1]) + (first[2] + first[3])).whole
        write(InlineArray<1, Lanes> { _ in sum }, panel)
        if panels == 2 {
            let sum = ((second[0] + second[1]) + (second[2] + second[3])).whole
            write(InlineArray<1, Lanes> { _ in sum }, panel + 1)
        }
    }

    @inline(__always)
    private func write<let pixels: Int>(_ sums: InlineArray<pixels, Lanes>, _ panel: Int) {
        let loop = pointer.pointee
        let channel = panel * laneCount
        let pixelStep = loop.columnStep * loop.resultLength
        tensors.end.put(
            sums, tensors.end.bias.map { load($0 + channel) } ?? .zero, to: tensors.result,
            at: row.target * loop.resultLength + column * pixelStep + channel, step: pixelStep,
            count: loop.outChannels - channel)
    }
}
