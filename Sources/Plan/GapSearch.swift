// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// Ranges of memory that are taken for some steps, ordered by where they start.
struct OccupiedRanges {
    struct Range {
        let start: Int
        let end: Int
        let first: Int
        let last: Int

        /// The caller has checked that the end does not overflow.
        init(_ block: Block, at offset: Int) {
            start = offset
            end = offset + block.size
            first = block.first
            last = block.last
        }
    }

    private(set) var ranges: [Range] = []

    init(capacity: Int) { ranges.reserveCapacity(capacity) }

    mutating func insert(_ range: Range) {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].start < range.start { low = middle + 1 } else { high = middle }
        }
        ranges.insert(range, at: low)
    }

    mutating func removeAll() { ranges.removeAll(keepingCapacity: true) }

    mutating func removeAll(where condition: (Range) -> Bool) { ranges.removeAll(where: condition) }
}

/// Finds the smallest sufficient gap between ranges that are passed in the order of their starts.
struct GapSearch {
    let size: Int
    private var end = 0
    private var best = -1
    private var bestSize = Int.max
    /// The end of the highest gap that is large enough.
    private var highestEnd = -1

    init(size: Int) { self.size = size }

    @inline(__always)
    mutating func pass(_ start: Int, _ rangeEnd: Int) {
        let gap = start - end
        if gap >= size, gap < bestSize {
            best = end
            bestSize = gap
        }
        if gap >= size { highestEnd = start }
        if rangeEnd > end { end = rangeEnd }
    }

    /// The start of the gap, or of the free memory after all ranges.
    func finish() -> Int { best >= 0 ? best : end }

    /// The highest place below `ceiling`, else the start of the free memory after all ranges.
    func finish(below ceiling: Int) -> Int {
        if ceiling - size >= end { return ceiling - size }
        return highestEnd >= 0 ? highestEnd - size : end
    }
}
