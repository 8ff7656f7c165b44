// SPDX-License-Identifier: Apache-2.0

/// How two dense operands are walked to fill a dense output under numpy's broadcasting rules.
///
/// Dimensions that both operands treat alike are merged, so that most tensors end up with one or two of them. The
/// innermost dimension is the run: in it each operand either advances by one element or stands still.
struct Broadcasting: Sendable, Equatable {
    let runLength: Int
    let firstAdvances: Bool
    let secondAdvances: Bool
    private let outer: NestedLoops
    /// Into how many independent parts the walk can be cut. Known beforehand, since every execution asks.
    let parts: Int
    /// A part is some of the runs, or a piece of one.
    private let runsPerPart, pieces: Int
    /// Elements of a part: enough work to be worth another thread.
    private static let partLength = 16384

    /// - Precondition: `first` and `second` broadcast to `output`.
    init(output: [Int], first: [Int], second: [Int]) {
        let first = Array(repeating: 1, count: output.count - first.count) + first
        let second = Array(repeating: 1, count: output.count - second.count) + second
        var merged: [(size: Int, first: Bool, second: Bool)] = []
        for dimension in output.indices where output[dimension] != 1 {
            let (inFirst, inSecond) = (first[dimension] != 1, second[dimension] != 1)
            if let last = merged.last, last.first == inFirst, last.second == inSecond {
                merged[merged.count - 1].size *= output[dimension]
            } else {
                merged.append((output[dimension], inFirst, inSecond))
            }
        }
        let run = merged.popLast() ?? (1, true, true)
        (runLength, firstAdvances, secondAdvances) = run
        var (firstStride, secondStride) = (run.first ? run.size : 1, run.second ? run.size : 1)
        var loops: [(size: Int, firstStride: Int, secondStride: Int)] = []
        for dimension in merged.reversed() {
            loops.append((dimension.size, dimension.first ? firstStride : 0, dimension.second ? secondStride : 0))
            if dimension.first { firstStride *= dimension.size }
            if dimension.second { secondStride *= dimension.size }
        }
        outer = NestedLoops(loops.reversed())
        runsPerPart = max(1, Self.partLength / max(runLength, 1))
        pieces = max(1, runLength / Self.partLength)
        parts = max(1, (outer.count + runsPerPart - 1) / runsPerPart * pieces)
    }

    /// Calls `body` for each run of some parts with the offsets of the output and of the operands, and the run's length.
    @inline(__always)
    func forEachRun(in parts: Range<Int>, _ body: (_ output: Int, _ first: Int, _ second: Int, _ count: Int) -> Void) {
        if runLength == 0 || outer.count == 0 { return }
        if pieces == 1 {
            let runs = parts.lowerBound * runsPerPart..<min(parts.upperBound * runsPerPart, outer.count)
            if runs.isEmpty { return }
            var output = runs.lowerBound * runLength
            outer.forEach(in: runs) { first, second in
                body(output, first, second, runLength)
                output += runLength
            }
            return
        }
        for part in parts {
            let (run, piece) = (part / pieces, part % pieces)
            let start = runLength * piece / pieces
            let count = runLength * (piece + 1) / pieces - start
            outer.forEach(in: run..<run + 1) { first, second in
                body(
                    run * runLength + start, first + (firstAdvances ? start : 0),
                    second + (secondAdvances ? start : 0), count)
            }
        }
    }
}
