// SPDX-License-Identifier: Apache-2.0

import VectorFunctions

/// The tensors as one group's filters see them: each address is that of the group's first channel or panel.
struct GroupTensors {
    var source, packed: Input
    var result: Output
    var end: QuickEnd

    @inline(__always)
    init(_ loop: ConvolutionLoop, _ operands: VectorFunctions.Operands, _ result: Output, _ end: QuickEnd, group: Int) {
        let weights = Input(operands[1].assumingMemoryBound(to: Float.self))
        source = Input(operands[0].assumingMemoryBound(to: Float.self)) + group * loop.channels
        packed = weights + group * loop.panels * loop.panelLength + loop.firstTap * loop.channels * laneCount
        self.result = result + group * loop.outChannels
        self.end = end
        self.end.bias = end.bias.map { $0 + group * loop.panels * laneCount }
        self.end.operand = end.operand.map { $0 + group * loop.outChannels }
    }
}

func convolve(
    _ loop: ConvolutionLoop, _ operands: VectorFunctions.Operands, _ result: Output, _ parts: Range<Int>
) {
    let end = QuickEnd(loop, operands)
    withTileMemory { buffer in
        for part in parts {
            let item = part / loop.groups
            let panel = (part - item * loop.groups) * loop.panelsPerGroup
            let block = item / loop.filterGroups
            let group = item - block * loop.filterGroups
            let pixels = block * loop.pixelsPerBlock..<min((block + 1) * loop.pixelsPerBlock, loop.pixels)
            let panels = panel..<min(panel + loop.panelsPerGroup, loop.panels)
            convolve(
                loop, GroupTensors(loop, operands, result, end, group: group), buffer, pixels: pixels, panels: panels)
            guard end.steps < loop.epilogue.count else { continue }
            let channel = panels.lowerBound * laneCount
            loop.forEachRun(of: pixels) { first, count in
                finish(
                    loop.epilogue, from: end.steps, operands, result,
                    Rows(
                        start: first * loop.resultLength + group * loop.outChannels + channel, count: count,
                        stride: loop.columnStep * loop.resultLength, channel: group * loop.outChannels + channel,
                        channels: min(panels.count * laneCount, loop.outChannels - channel)))
            }
        }
    }
}

/// Two panels at a time where the registers hold their sums.
private func convolve(
    _ loop: ConvolutionLoop, _ tensors: GroupTensors, _ buffer: Output, pixels: Range<Int>, panels: Range<Int>
) {
    var panel = panels.lowerBound
    while panel < panels.upperBound {
        if mostPanels == 2, panel + 2 <= panels.upperBound {
            convolve(loop, tensors, buffer, pixels: pixels, panel: panel, InlineArray<2, Int> { _ in 0 })
            panel += 2
        } else {
            convolve(loop, tensors, buffer, pixels: pixels, panel: panel, InlineArray<1, Int> { _ in 0 })
            panel += 1
        }
    }
}

private func convolve<let panels: Int>(
    _ loop: ConvolutionLoop, _ tensors: GroupTensors, _ buffer: Output, pixels: Range<Int>, panel: Int,
    _ panels: InlineArray<panels, Int>
) {
    let channel = panel * laneCount
    var sums = RowSums(
        source: tensors.source, rowStep: loop.strideX * loop.pixelLength, runs: Runs(length: loop.channels),
        weights: tensors.packed + panel * loop.panelLength, panelStep: loop.panelLength,
        bias: tensors.end.bias.map { $0 + channel })
    var target = ProductEnd(
        result: tensors.result, start: pixels.lowerBound * loop.resultLength + channel,
        resultStep: loop.columnStep * loop.resultLength, end: tensors.end, count: loop.outChannels - channel)
    let ahead = panels.count * loop.panelLength
    if loop.isPointwise {
        sums.source += pixels.lowerBound * loop.pixelLength
        return sums.compute(
            rows: pixels.count, isAlone: loop.pixels == 1, ahead: ahead, target, buffer: buffer, panels)
    }
    var pixel = pixels.lowerBound
    while pixel < pixels.upperBound {
        let number = pixel / loop.outWidth
        let column = pixel - number * loop.outWidth
        let columns = column..<min(column + pixels.upperBound - pixel, loop.outWidth)
        let row = RowTaps(loop, row: number, columns: columns)
        target.start = row.target * loop.resultLength + channel
        forEachTile(of: columns.count) { first, count in
            let columns = column + first..<column + first + count
            row.add(loop, sums, columns, ahead: ahead, target, buffer: buffer, panels)
        }
        pixel += columns.count
    }
}

extension RowTaps {
    /// Computes neighbouring pixels.
    ///
    /// - sums: of the first tap of the window, at the start of x.
    @inline(__always)
    fileprivate func add<let panels: Int>(
        _ loop: ConvolutionLoop, _ sums: RowSums, _ columns: Range<Int>, ahead: Int, _ target: ProductEnd,
        buffer: Output, _ panels: InlineArray<panels, Int>
    ) {
        let line = loop.width * loop.pixelLength
        var sums = sums
        (sums.runs.planes, sums.runs.planeStep) = (planes.count, loop.dilationZ * loop.height * line)
        (sums.runs.lines, sums.runs.lineStep) = (lines.count, loop.dilationY * line)
        sums.runs.lineWeights = loop.windowWidth * loop.channels * laneCount
        sums.runs.planeWeights = loop.windowHeight * sums.runs.lineWeights
        sums.source +=
            origin + planes.lowerBound * sums.runs.planeStep + lines.lowerBound * sums.runs.lineStep
            + columns.lowerBound * sums.rowStep
        sums.weights += planes.lowerBound * sums.runs.planeWeights + lines.lowerBound * sums.runs.lineWeights
        let tapStep = loop.dilationX * loop.pixelLength
        /// The same neighbouring taps for some of the pixels.
        @inline(__always) func add(_ taps: Range<Int>, _ pixels: Range<Int>, continues: Bool, end: ProductEnd? = nil) {
            var sums = sums
            sums.source += taps.lowerBound * tapStep
            sums.weights += taps.lowerBound * loop.channels * laneCount
            // Neighbouring taps of a row are neighbours in memory.
            if tapStep == loop.channels {
                sums.runs.length = taps.count * loop.channels
            } else {
                (sums.runs.count, sums.runs.step) = (taps.count, tapStep)
            }
            sums.add(
                pixels.lowerBound, rows: pixels.count, ahead: ahead,
                to: buffer + pixels.lowerBound * 2 * laneCount, continues: continues, end: end, panels)
        }
        let isInside = columns.lowerBound >= inside.lowerBound && columns.upperBound <= inside.upperBound
        if isInside, target.isWhole(panels.count) {
            var target = target
            target.start += columns.lowerBound * target.resultStep
            return add(0..<loop.windowWidth, 0..<columns.count, continues: false, end: target)
        }
        defer { target.write(Input(buffer), rows: columns, panels: panels.count) }
        if isInside { return add(0..<loop.windowWidth, 0..<columns.count, continues: false) }
        add(0..<0, 0..<columns.count, continues: false)
        var tap = 0
        while tap < loop.windowWidth {
            let pixels = self.pixels(loop, seenBy: tap, of: columns)
            var end = tap + 1
            while end < loop.windowWidth, self.pixels(loop, seenBy: end, of: columns) == pixels { end += 1 }
            if !pixels.isEmpty { add(tap..<end, pixels, continues: true) }
            tap = end
        }
    }

    /// Those of some pixels whose column of the window with the number `tap` lies in the image.
    @inline(__always)
    private func pixels(_ loop: ConvolutionLoop, seenBy tap: Int, of columns: Range<Int>) -> Range<Int> {
        let left = columns.lowerBound * loop.strideX - loop.padLeft + tap * loop.dilationX
        return taps(from: left, loop.strideX, columns.count, loop.width)
    }
}
