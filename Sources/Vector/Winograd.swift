// SPDX-License-Identifier: Apache-2.0

internal import CLanes
import VectorFunctions

/// A tile of the result, and the tile of the image that it is made of.
private struct TilePlace {
    var image: Int
    /// The first row and column of the result.
    var row, column: Int

    @inline(__always)
    init(_ loop: WinogradLoop, _ tile: Int) {
        let line = tile / loop.tilesAcross
        image = line / loop.tilesDown
        row = (line - image * loop.tilesDown) * loop.tile
        column = (tile - line * loop.tilesAcross) * loop.tile
    }
}

/// Scratch memory of one part, and a place on the stack for whatever the registers do not hold.
private struct Scratch {
    /// [positions][tiles][channels], and [positions][tiles][panels][16].
    var transformed, products: Output
    var buffer: Output

    init(_ loop: WinogradLoop, _ start: Output, part: Int, _ buffer: Output) {
        transformed = start + part * loop.scratchLength
        products = transformed + loop.positions * loop.transformedPlane
        self.buffer = buffer
    }
}

func convolveByTiles(
    _ loop: WinogradLoop, _ operands: VectorFunctions.Operands, _ result: Output, _ scratch: Output, _ parts: Range<Int>
) {
    // Aligned as whole registers are stored fastest.
    var memory = InlineArray<37, Lanes> { _ in .zero }
    withUnsafeMutableBytes(of: &memory) { memory in
        let buffer = memory.baseAddress!.alignedUp(toMultipleOf: 64).assumingMemoryBound(to: Float.self)
        let scratch = Scratch(loop, scratch, part: parts.lowerBound, buffer)
        if loop.tile == 4 {
            convolve(loop, operands, result, scratch, parts, FourTransform.self)
        } else {
            convolve(loop, operands, result, scratch, parts, TwoTransform.self)
        }
    }
}

private func convolve<Transform: TileTransform>(
    _ loop: WinogradLoop, _ operands: VectorFunctions.Operands, _ result: Output, _ scratch: Scratch,
    _ parts: Range<Int>, _ transform: Transform.Type
) {
    let packed = Input(operands[1].assumingMemoryBound(to: Float.self))
    let end = QuickEnd(loop.convolution, operands)
    let items = loop.blocks * loop.groups
    var transformedBlock = -1
    var notFinite = Lanes.zero
    for item in items * parts.lowerBound / loop.parts..<items * parts.upperBound / loop.parts {
        let block = item / loop.groups
        let tiles = block * loop.tilesPerBlock..<min((block + 1) * loop.tilesPerBlock, loop.tiles)
        if block != transformedBlock {
            for tile in tiles {
                transformInput(
                    loop, operands, scratch, TilePlace(loop, tile),
                    scratch.transformed + (tile - tiles.lowerBound) * loop.rowLength, transform)
            }
            transformedBlock = block
        }
        let first = (item - block * loop.groups) * loop.panelsPerGroup
        let last = min(first + loop.panelsPerGroup, loop.convolution.panels)
        for panel in stride(from: first, to: last, by: WinogradLoop.panelsAtOnce) {
            let panels = panel..<min(panel + WinogradLoop.panelsAtOnce, last)
            multiply(loop, packed, scratch, tiles: tiles.count, panels: panels)
            for tile in tiles {
                for panel in panels {
                    let index = (tile - tiles.lowerBound) * WinogradLoop.panelsAtOnce + panel - panels.lowerBound
                    transformOutput(
                        loop, Input(scratch.products) + index * laneCount, result, end, scratch, TilePlace(loop, tile),
                        channel: panel * laneCount, &notFinite, transform)
                }
            }
        }
        if end.steps < loop.convolution.epilogue.count {
            for tile in tiles {
                finish(loop, operands, result, from: end.steps, TilePlace(loop, tile), panels: first..<last)
            }
        }
    }
    // Only zeros have been added up, but for what was not finite.
    raise_invalid_of_nan(sum(notFinite))
}

/// Transforms all channels of a tile of the image; `target` is its row at the first position.
@inline(__always)
private func transformInput<Transform: TileTransform>(
    _ loop: WinogradLoop, _ operands: VectorFunctions.Operands, _ scratch: Scratch,
    _ place: TilePlace, _ target: Output, _: Transform.Type
) {
    let (image, side) = (loop.convolution, Transform.side)
    let (top, left) = (place.row - image.padTop, place.column - image.padLeft)
    let start =
        Input(operands[0].assumingMemoryBound(to: Float.self)) + place.image * image.height * image.width
        * image.channels
    let corner = start + (top * image.width + left) * image.channels

    @inline(__always) func transform(_ channel: Int, _ element: (Int, Int) -> Lanes) {
        for column in 0..<side {
            Transform.input({ element($0, column) }) { store($1, scratch.buffer + ($0 * side + column) * laneCount) }
        }
        let buffer = Input(scratch.buffer)
        for row in 0..<side {
            Transform.input({ load(buffer + (row * side + $0) * laneCount) }) {
                store($1, target + channel + (row * side + $0) * loop.transformedPlane)
            }
        }
    }

    var channel = 0
    if top >= 0, left >= 0, top + side <= image.height, left + side <= image.width {
        while channel + laneCount <= image.channels {
            let corner = corner + channel
            transform(channel) { load(corner + ($0 * image.width + $1) * image.channels) }
            channel += laneCount
        }
    }
    guard channel < image.channels else { return }
    // What lies outside, or ends within a vector.
    let rows = max(-top, 0)..<max(min(side, image.height - top), 0)
    let columns = max(-left, 0)..<max(min(side, image.width - left), 0)
    while channel < image.channels {
        let rest = image.channels - channel
        transform(channel) { row, column in
            guard row >= rows.lowerBound, row < rows.upperBound, column >= columns.lowerBound,
                column < columns.upperBound
            else { return .zero }
            return load(corner + (row * image.width + column) * image.channels + channel, first: rest)
        }
        channel += laneCount
    }
}

/// Multiplies all transformed tiles with the weights of one or two panels, position by position.
private func multiply(_ loop: WinogradLoop, _ packed: Input, _ scratch: Scratch, tiles: Int, panels: Range<Int>) {
    let depth = loop.convolution.channels
    let panelStep = loop.positions * depth * laneCount
    for position in 0..<loop.positions {
        var panel = panels.lowerBound
        while panel < panels.upperBound {
            let sums = RowSums(
                source: Input(scratch.transformed) + position * loop.transformedPlane, rowStep: loop.rowLength,
                runs: Runs(length: depth), weights: packed + panel * panelStep + position * depth * laneCount,
                panelStep: panelStep)
            let target = scratch.products + position * loop.productPlane + (panel - panels.lowerBound) * laneCount
            @inline(__always) func compute<let panels: Int>(_ panels: InlineArray<panels, Int>) {
                // The next position's weights are behind these.
                sums.compute(
                    rows: tiles, ahead: depth * laneCount, to: target,
                    advance: WinogradLoop.panelsAtOnce * laneCount, panels)
            }
            if mostPanels == 2, panel + 2 <= panels.upperBound {
                compute(InlineArray<2, Int> { _ in 0 })
                panel += 2
            } else {
                compute(InlineArray<1, Int> { _ in 0 })
                panel += 1
            }
        }
    }
}

/// Transforms the products of one tile and panel back and writes the results.
@inline(__always)
private func transformOutput<Transform: TileTransform>(
    _ loop: WinogradLoop, _ products: Input, _ result: Output, _ end: QuickEnd, _ scratch: Scratch,
    _ place: TilePlace, channel: Int, _ notFinite: inout Lanes, _: Transform.Type
) {
    let (image, side) = (loop.convolution, Transform.side)
    for column in 0..<side {
        Transform.output({ load(products + ($0 * side + column) * loop.productPlane) }) {
            store($1, scratch.buffer + ($0 * side + column) * laneCount)
        }
    }
    let count = image.outChannels - channel
    let shift = end.bias.map { load($0 + channel) } ?? .zero
    let columns = image.outWidth - place.column
    let buffer = Input(scratch.buffer)
    for row in 0..<min(Transform.tile, image.outHeight - place.row) {
        let line = ((place.image * image.outHeight + place.row + row) * image.outWidth + place.column)
        Transform.output({ load(buffer + (row * side + $0) * laneCount) }) { column, sum in
            guard column < columns else { return }
            notFinite = multiplyAdd(sum, .zero, notFinite)
            let offset = (line + column) * image.outChannels + channel
            store(end.apply(sum, shift, at: offset, count: count), result + offset, first: count)
        }
    }
}

/// Applies the steps from number `first` on to a tile of the result.
private func finish(
    _ loop: WinogradLoop, _ operands: VectorFunctions.Operands, _ result: Output, from first: Int, _ place: TilePlace,
    panels: Range<Int>
) {
    let image = loop.convolution
    let channel = panels.lowerBound * laneCount
    for row in 0..<min(loop.tile, image.outHeight - place.row) {
        let line = ((place.image * image.outHeight + place.row + row) * image.outWidth + place.column)
        finish(
            image.epilogue, from: first, operands, result,
            Rows(
                start: line * image.outChannels + channel, count: min(loop.tile, image.outWidth - place.column),
                stride: image.outChannels, channel: channel,
                channels: min(panels.count * laneCount, image.outChannels - channel)))
    }
}
