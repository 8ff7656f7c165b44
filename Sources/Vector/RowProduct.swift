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

/// Calls `body` with memory for a tile, [rows][2][16]: on the stack, and aligned as whole registers are stored fastest.
@inline(__always)
func withTileMemory(_ body: (Output) -> Void) {
    // An array's initializer could become a function that all levels share.
    let zero = Lanes.zero
    let four = (zero, zero, zero, zero)
    var memory = (four, four, four, four, four, four, zero)
    withUnsafeMutableBytes(of: &memory) {
        body($0.baseAddress!.alignedUp(toMultipleOf: 64).assumingMemoryBound(to: Float.self))
    }
}

/// Runs of numbers at regular distances, three dimensions of them, whose weights are at regular distances, too.
struct Runs {
    /// How many there are, and elements from one to the next.
    var planes = 1, planeStep = 0
    var lines = 1, lineStep = 0
    var count = 1, step = 0
    /// Numbers of each.
    var length: Int
    /// Elements from the weights of one plane or line to the next; those of a line's runs follow each other.
    var planeWeights = 0, lineWeights = 0
}

/// The products of rows at regular distances with one or two panels of weights.
struct RowSums {
    /// The first row; elements from one row to the next, and from one number of a run to the next.
    var source: Input
    var rowStep: Int
    var numberStep = 1
    /// What each row consists of.
    var runs: Runs
    /// The first panel, with elements from one number's sixteen weights to the next's, and from one panel to the next.
    var weights: Input
    var weightStep = laneCount
    var panelStep: Int
    /// What the sums of the first panel begin with.
    var bias: Input?

    /// Computes rows and writes them as `end` says.
    ///
    /// - ahead: how far from the weights in use those lie that will be wanted soon, in elements; every other tile
    ///   fetches those of the panel behind them.
    /// - isAlone: whether there is one row in all, not only here: its sums are added up in another order, which must not
    ///   depend on how the work is cut.
    /// - buffer: memory for a tile.
    @inline(__always)
    func compute<let panels: Int>(
        rows: Int, isAlone: Bool, ahead: Int, _ end: ProductEnd, buffer: Output, _ panels: InlineArray<panels, Int>
    ) {
        if isAlone {
            addRow(ahead: ahead, to: buffer, panels)
            return end.write(Input(buffer), rows: 0..<1, panels: panels.count)
        }
        if end.isWhole(panels.count) {
            return compute(rows: rows, ahead: ahead, to: buffer, advance: 0, end: end, panels)
        }
        forEachTile(of: rows) { row, rows in
            add(row, rows: rows, ahead: ahead, to: buffer, panels)
            end.write(Input(buffer), rows: row..<row + rows, panels: panels.count)
        }
    }

    /// Computes rows, in tiles that are written to `sums` as [rows][2][16], or as `end` says.
    ///
    /// - advance: elements between the sums of two rows in `sums`.
    @inline(__always)
    func compute<let panels: Int>(
        rows: Int, ahead: Int, to sums: Output, advance: Int, end: ProductEnd? = nil,
        _ panels: InlineArray<panels, Int>
    ) {
        let tiles = Tiles(of: rows)
        if tiles.higher > 0 {
            add(
                0, rows: tiles.height + 1, tiles: tiles.higher, ahead: ahead, to: sums, advance: advance, end: end,
                panels)
        }
        let first = tiles.higher * (tiles.height + 1)
        guard first < rows else { return }
        add(
            first, rows: tiles.height, tiles: tiles.count - tiles.higher, ahead: ahead, to: sums + first * advance,
            advance: advance, end: end, panels)
    }

    /// Computes some tiles of as many rows each.
    ///
    /// - continues: whether the sums begin with those in memory.
    /// - end: how they are written instead, where the panels are whole.
    @inline(__always)
    func add<let panels: Int>(
        _ row: Int, rows: Int, tiles: Int = 1, ahead: Int, to sums: Output, advance: Int = 0,
        continues: Bool = false, end: ProductEnd? = nil, _ panels: InlineArray<panels, Int>
    ) {
        @inline(__always) func run<let rows: Int>(_ rows: InlineArray<rows, Int>) {
            compute(
                row, tiles: tiles, ahead: ahead, to: sums, advance: advance, continues: continues, end: end, rows,
                panels)
        }
        switch rows {
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
        case 9: run(InlineArray<9, Int> { _ in 0 })
        case 10: run(InlineArray<10, Int> { _ in 0 })
        case 11: run(InlineArray<11, Int> { _ in 0 })
        case 12: run(InlineArray<12, Int> { _ in 0 })
        #endif
        default: preconditionFailure()
        }
    }

    /// Computes a single row of one run: with several sums for each output, since one would wait for itself.
    @inline(never)
    private func addRow<let panels: Int>(ahead: Int, to sums: Output, _: InlineArray<panels, Int>) {
        let ways = 4
        var first = InlineArray<4, Lanes> { _ in .zero }
        var second = InlineArray<4, Lanes> { _ in .zero }
        var (source, weights) = (source, weights)
        var rest = runs.length
        while rest >= ways {
            for way in 0..<ways {
                let element = all(source[way * numberStep])
                let line = weights + way * weightStep
                first[way] = multiplyAdd(element, load(line), first[way])
                if panels == 2 { second[way] = multiplyAdd(element, load(line + panelStep), second[way]) }
                prefetch_second_cache(line + ahead)
            }
            source += ways * numberStep
            weights += ways * weightStep
            rest -= ways
        }
        for _ in 0..<rest {
            let element = all(source[0])
            first[0] = multiplyAdd(element, load(weights), first[0])
            if panels == 2 { second[0] = multiplyAdd(element, load(weights + panelStep), second[0]) }
            source += numberStep
            weights += weightStep
        }
        let bias = bias
        store((first[0] + first[1]) + (first[2] + first[3]) + (bias.map { load($0) } ?? .zero), sums)
        guard panels == 2 else { return }
        store(
            (second[0] + second[1]) + (second[2] + second[3]) + (bias.map { load($0 + laneCount) } ?? .zero),
            sums + laneCount)
    }

    // Loops over rows that the compiler unrolls: numbers that are looked up in any other way would have addresses all the time.
    @inline(never)
    private func compute<let rows: Int, let panels: Int>(
        _ row: Int, tiles: Int, ahead: Int, to sums: Output, advance: Int, continues: Bool, end: ProductEnd?,
        _: InlineArray<rows, Int>, _: InlineArray<panels, Int>
    ) {
        let (numberStep, weightStep, panelStep, rowStep) = (numberStep, weightStep, panelStep, rowStep)
        let length = runs.length * numberStep
        for tile in 0..<tiles {
            let shift = bias.map { load($0) } ?? .zero
            let other = panels == 2 ? bias.map { load($0 + laneCount) } ?? .zero : .zero
            // Not by the initializer that repeats a number, which could become a function that all levels share.
            var first = InlineArray<rows, Lanes> { _ in shift }
            var second = InlineArray<rows, Lanes> { _ in other }
            if continues {
                for row in 0..<rows {
                    first[row] = load(Input(sums) + row * 2 * laneCount)
                    if panels == 2 { second[row] = load(Input(sums) + (row * 2 + 1) * laneCount) }
                }
            }
            let row = row + tile * rows
            let start = source + row * rowStep
            let ahead = panels == 2 ? ahead + (tile & 1) * panelStep : ahead
            for plane in 0..<runs.planes {
                for line in 0..<runs.lines {
                    var source = start + plane * runs.planeStep + line * runs.lineStep
                    var weights = self.weights + plane * runs.planeWeights + line * runs.lineWeights
                    for _ in 0..<runs.count {
                        var place = 0
                        while place < length {
                            let weight = load(weights)
                            let other = panels == 2 ? load(weights + panelStep) : .zero
                            for row in 0..<rows {
                                let element = all((source + row * rowStep)[place])
                                first[row] = multiplyAdd(element, weight, first[row])
                                if panels == 2 { second[row] = multiplyAdd(element, other, second[row]) }
                            }
                            prefetch_second_cache(weights + ahead)
                            weights += weightStep
                            place += numberStep
                        }
                        source += runs.step
                    }
                }
            }
            guard let end else {
                let sums = sums + tile * rows * advance
                for row in 0..<rows {
                    store(first[row], sums + row * 2 * laneCount)
                    if panels == 2 { store(second[row], sums + (row * 2 + 1) * laneCount) }
                }
                continue
            }
            let (step, offset) = (end.resultStep, end.start + row * end.resultStep)
            if let operand = end.end.operand {
                for row in 0..<rows {
                    first[row] += load(operand + offset + row * step)
                    if panels == 2 { second[row] += load(operand + offset + row * step + laneCount) }
                }
            }
            if end.end.isGated {
                for row in 0..<rows {
                    first[row] = end.end.gate(first[row])
                    if panels == 2 { second[row] = end.end.gate(second[row]) }
                }
            } else if end.end.isBounded {
                let (low, high) = (all(end.end.low), all(end.end.high))
                for row in 0..<rows {
                    first[row] = atMost(high, atLeast(low, first[row]))
                    if panels == 2 { second[row] = atMost(high, atLeast(low, second[row])) }
                }
            }
            for row in 0..<rows {
                store(first[row], end.result + offset + row * step)
                if panels == 2 { store(second[row], end.result + offset + row * step + laneCount) }
            }
        }
    }
}

/// Rows in tiles of nearly the same height, instead of a low one at the end: the first ones are higher by one row.
struct Tiles {
    var count, height, higher: Int

    @inline(__always)
    init(of rows: Int) {
        count = (rows + mostRows - 1) / mostRows
        (height, higher) = (rows / max(count, 1), rows % max(count, 1))
    }
}

/// Calls `body` with the first row and the height of each tile.
@inline(__always)
func forEachTile(of rows: Int, _ body: (_ row: Int, _ rows: Int) -> Void) {
    let tiles = Tiles(of: rows)
    var row = 0
    for tile in 0..<tiles.count {
        let rows = tile < tiles.higher ? tiles.height + 1 : tiles.height
        body(row, rows)
        row += rows
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

    /// Whether the result has all outputs of so many panels.
    @inline(__always) func isWhole(_ panels: Int) -> Bool { count >= panels * laneCount }

    /// Writes a tile of sums [rows][2][16].
    @inline(never)
    func write(_ sums: Input, rows: Range<Int>, panels: Int) {
        var (sums, offset) = (sums, start + rows.lowerBound * resultStep)
        let isWhole = isWhole(panels)
        for _ in rows {
            for panel in 0..<panels {
                let place = offset + panel * laneCount
                var sum = load(sums + panel * laneCount)
                if isWhole {
                    if let operand = end.operand { sum += load(operand + place) }
                    store(end.bound(sum), result + place)
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
