// SPDX-License-Identifier: Apache-2.0

internal import CLanes
import VectorFunctions

/// Packs some panels of a constant, which may lie at any address.
func pack(_ loop: PackingLoop, _ source: Input, _ area: Output, _ panels: Range<Int>) {
    let target = area + loop.panels * loop.transformedLength
    for panel in panels {
        let packed = target + panel * loop.panelLength
        pack(loop, source, panel: panel, into: packed)
        let transformed = area + panel * loop.transformedLength
        switch loop.tile {
        case 2: transform(Input(packed), into: transformed, channels: loop.channels, TwoFilter.self)
        case 4: transform(Input(packed), into: transformed, channels: loop.channels, FourFilter.self)
        default: break
        }
    }
}

private func pack(_ loop: PackingLoop, _ source: Input, panel: Int, into target: Output) {
    let group = panel / loop.panelsPerGroup
    let first = (panel - group * loop.panelsPerGroup) * laneCount
    let count = min(laneCount, loop.outputs - first)
    let start = source + group * loop.groupStep + first * loop.outputStep
    if loop.outputStep == 1 {
        forEachRow(of: loop) { store(load(start + $0, first: count), target + $1 * laneCount) }
    } else if count == laneCount, isDense(loop), loop.positions.count * loop.channels >= laneCount {
        packDense(loop, start, into: target)
    } else {
        forEachRow(of: loop) { original, row in
            let line = target + row * laneCount
            for lane in 0..<laneCount { line[lane] = lane < count ? start[original + lane * loop.outputStep] : 0 }
        }
    }
}

/// Calls `body` with the place of every weight of an output in the constant, and its number in the panel.
@inline(__always)
private func forEachRow(of loop: PackingLoop, _ body: (_ original: Int, _ row: Int) -> Void) {
    var row = 0
    for position in loop.positions {
        for channel in 0..<loop.channels {
            body(position + channel * loop.channelStep, row)
            row += 1
        }
    }
}

/// Whether the weights of an output lie side by side, all positions of a channel together.
private func isDense(_ loop: PackingLoop) -> Bool {
    loop.channelStep == loop.positions.count && loop.positions.indices.allSatisfy { loop.positions[$0] == $0 }
}

/// Packs sixteen outputs, sixteen weights of each at a time.
private func packDense(_ loop: PackingLoop, _ source: Input, into target: Output) {
    let (window, channels) = (loop.positions.count, loop.channels)
    let weights = window * channels
    withTileMemory { tile in
        for weight in stride(from: 0, to: weights, by: laneCount) {
            // The last tile overlaps the one before.
            let weight = min(weight, weights - laneCount)
            if window == 1 {
                lanes_transpose(source + weight, 4 * loop.outputStep, target + weight * laneCount, 4 * laneCount)
                continue
            }
            lanes_transpose(source + weight, 4 * loop.outputStep, tile, 4 * laneCount)
            var (channel, position) = (weight / window, weight % window)
            for row in 0..<laneCount {
                store(load(Input(tile) + row * laneCount), target + (position * channels + channel) * laneCount)
                position += 1
                if position == window { (channel, position) = (channel + 1, 0) }
            }
        }
    }
}

private typealias Doubles = SIMD8<Double>

/// The transformation of a row of a filter of 3 by 3; its points are those of `TileTransform`.
private protocol FilterTransform {
    /// Numbers of the transformed row.
    static var side: Int { get }
    /// Calls `put` with each of the numbers that three neighbours become.
    static func transform(_ a: Doubles, _ b: Doubles, _ c: Doubles, _ put: (Int, Doubles) -> Void)
}

private enum TwoFilter: FilterTransform {
    static var side: Int { 4 }

    @inline(__always)
    static func transform(_ a: Doubles, _ b: Doubles, _ c: Doubles, _ put: (Int, Doubles) -> Void) {
        let (even, odd) = ((a + c) * 0.5, b * 0.5)
        put(0, a)
        put(1, even + odd)
        put(2, even - odd)
        put(3, c)
    }
}

private enum FourFilter: FilterTransform {
    static var side: Int { 6 }

    @inline(__always)
    static func transform(_ a: Doubles, _ b: Doubles, _ c: Doubles, _ put: (Int, Doubles) -> Void) {
        let root = 2.0.squareRoot()
        let (even, odd) = ((a * 2 + c) * (-1.0 / 3), b * (-root / 3))
        let (farEven, farOdd) = ((a + c * 2) * (1.0 / 6), b * (root / 6))
        put(0, a)
        put(1, even + odd)
        put(2, even - odd)
        put(3, farEven + farOdd)
        put(4, farEven - farOdd)
        put(5, c)
    }
}

/// Transforms a panel [3][3][channels][16] to [side][side][channels][16], rounding once.
private func transform<Transform: FilterTransform>(
    _ source: Input, into target: Output, channels: Int, _: Transform.Type
) {
    let (side, step) = (Transform.side, channels * laneCount)
    withTileMemory { memory in
        // Columns of the filter, transformed.
        let half = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Doubles.self)
        for place in stride(from: 0, to: step, by: Doubles.scalarCount) {
            let (source, target) = (source + place, target + place)
            for column in 0..<3 {
                @inline(__always) func element(_ row: Int) -> Doubles {
                    let address = UnsafeRawPointer(source + (row * 3 + column) * step)
                    return Doubles(address.loadUnaligned(as: SIMD8<Float>.self))
                }
                Transform.transform(element(0), element(1), element(2)) { half[$0 * 3 + column] = $1 }
            }
            for row in 0..<side {
                Transform.transform(half[row * 3], half[row * 3 + 1], half[row * 3 + 2]) {
                    let address = UnsafeMutableRawPointer(target + (row * side + $0) * step)
                    address.storeBytes(of: SIMD8<Float>($1), as: SIMD8<Float>.self)
                }
            }
        }
    }
}
