// SPDX-License-Identifier: Apache-2.0

internal import CLanes
import VectorFunctions

// A tile is as many rows and panels as the registers hold.
#if AVX512
let mostRows = 12
let mostPanels = 2
#elseif FMA || arch(arm64)
let mostRows = 6
let mostPanels = 1
#else
let mostRows = 2
let mostPanels = 1
#endif

/// The products of rows at regular distances with one or two panels of weights.
struct RowSums {
    /// The first row; elements from one row to the next, and from one number of a row to the next.
    var source: Input
    var rowStep, depthStep: Int
    /// Numbers of a row.
    var depth: Int
    /// The first panel, with elements from one number's sixteen weights to the next's, and from one panel to the next.
    var weights: Input
    var weightStep, panelStep: Int
    /// What the sums of the first panel begin with.
    var bias: Input?

    /// Computes the rows in tiles of nearly the same height, instead of a low one at the end: each is written to `sums` as
    /// [rows][2][16], then `finish` is called with its rows.
    ///
    /// - ahead: how far from the weights in use those lie that will be wanted soon, in elements; the second tile
    ///   fetches those of the panel behind them.
    /// - advance: elements between the sums of two rows in `sums`; 0 if every tile begins at its start.
    @inline(__always)
    func compute<let panels: Int>(
        rows: Int, ahead: Int, to sums: Output, advance: Int, _ panels: InlineArray<panels, Int>,
        finish: (Range<Int>) -> Void
    ) {
        let tiles = (rows + mostRows - 1) / mostRows
        let (height, higher) = (rows / tiles, rows % tiles)
        var row = 0
        for index in 0..<tiles {
            let rows = index < higher ? height + 1 : height
            let ahead = ahead + (index & 1) * (panels.count - 1) * panelStep
            compute(from: row, rows: rows, ahead: ahead, to: sums + row * advance, panels)
            finish(row..<row + rows)
            row += rows
        }
    }

    @inline(__always)
    private func compute<let panels: Int>(
        from row: Int, rows: Int, ahead: Int, to sums: Output, _ panels: InlineArray<panels, Int>
    ) {
        @inline(__always) func run<let rows: Int>(_ rows: InlineArray<rows, Int>) {
            tile(from: row, ahead: ahead, to: sums, rows, panels)
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
        case 9: run(InlineArray<9, Int>(repeating: 0))
        case 10: run(InlineArray<10, Int>(repeating: 0))
        case 11: run(InlineArray<11, Int>(repeating: 0))
        case 12: run(InlineArray<12, Int>(repeating: 0))
        #endif
        default: preconditionFailure()
        }
    }

    // Loops that the compiler unrolls: numbers that are looked up in any other way would have addresses all the time.
    @inline(never)
    private func tile<let rows: Int, let panels: Int>(
        from row: Int, ahead: Int, to sums: Output, _: InlineArray<rows, Int>, _: InlineArray<panels, Int>
    ) {
        let lines = InlineArray<rows, Input> { source + (row + $0) * rowStep }
        var first = InlineArray<rows, Lanes>(repeating: bias.map { load($0) } ?? .zero)
        var second = InlineArray<rows, Lanes>(
            repeating: panels == 2 ? bias.map { load($0 + laneCount) } ?? .zero : .zero)
        var weights = weights
        var (place, stop) = (0, depth * depthStep)
        let (depthStep, weightStep, panelStep) = (depthStep, weightStep, panelStep)
        while place < stop {
            let weight = load(weights)
            let other = panels == 2 ? load(weights + panelStep) : .zero
            for row in 0..<rows {
                let element = all(lines[row][place])
                first[row] = multiplyAdd(element, weight, first[row])
                if panels == 2 { second[row] = multiplyAdd(element, other, second[row]) }
            }
            prefetch_second_cache(weights + ahead)
            weights += weightStep
            place += depthStep
        }
        for row in 0..<rows {
            store(first[row], sums + row * 2 * laneCount)
            if panels == 2 { store(second[row], sums + (row * 2 + 1) * laneCount) }
        }
    }
}

/// Where products are written, with everything that `end` applies but its bias.
struct ProductEnd {
    /// Whose element `start` is the first of the first row, for the first panel.
    var result: Output
    var start, resultStep: Int
    var end: QuickEnd
    /// Outputs from the first panel on that the result has.
    var count: Int

    /// Writes a tile of sums [rows][2][16].
    @inline(never)
    func write(_ sums: Input, rows: Range<Int>, panels: Int) {
        let (low, high) = (all(end.low), all(end.high))
        var (sums, offset) = (sums, start + rows.lowerBound * resultStep)
        let isWhole = count >= panels * laneCount
        for _ in rows {
            for panel in 0..<panels {
                let place = offset + panel * laneCount
                var sum = load(sums + panel * laneCount)
                if isWhole {
                    if let operand = end.operand { sum += load(operand + place) }
                    store(atMost(high, atLeast(low, sum)), result + place)
                } else {
                    let count = count - panel * laneCount
                    store(end.apply(sum, .zero, at: place, count: count), result + place, first: count)
                }
            }
            offset += resultStep
            sums += 2 * laneCount
        }
    }
}
