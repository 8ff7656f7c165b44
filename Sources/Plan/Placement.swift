// SPDX-License-Identifier: Apache-2.0

/// Offsets for blocks, in the blocks' order, with the bytes that they take in all.
struct Placement {
    var offsets: [Int]
    var total: Int

    /// The orders in which `greedy` is tried. Big blocks first leaves the small ones for the gaps.
    static let orders: [@Sendable (Block, Block) -> Bool] = [
        { ($0.size, $0.lifetime, -$0.request) > ($1.size, $1.lifetime, -$1.request) },
        { ($0.lifetime, $0.size, -$0.request) > ($1.lifetime, $1.size, -$1.request) },
        { ($0.area, -$0.request) > ($1.area, -$1.request) },
    ]

    /// Places the blocks as a program would that allocates at the first use and frees after the last: all blocks placed
    /// so far began earlier, so only those still live can be in the way.
    static func inOrderOfFirstUse(_ blocks: [Block]) throws(PlanError) -> Placement {
        var placement = Placement(offsets: [Int](repeating: 0, count: blocks.count), total: 0)
        let order = blocks.indices.sorted {
            (blocks[$0].first, -blocks[$0].size, $0) < (blocks[$1].first, -blocks[$1].size, $1)
        }
        var live = OccupiedRanges(capacity: blocks.count)
        for index in order {
            let block = blocks[index]
            live.removeAll { $0.last < block.first }
            var gap = GapSearch(size: block.size)
            for range in live.ranges { gap.pass(range.start, range.end) }
            try placement.place(index, at: gap.finish(), blocks, in: &live)
        }
        return placement
    }

    /// Places the blocks in the given order, each into the smallest gap between those in its way.
    static func greedy(_ blocks: [Block], order: [Int]) throws(PlanError) -> Placement {
        var placement = Placement(offsets: [Int](repeating: 0, count: blocks.count), total: 0)
        var placed = OccupiedRanges(capacity: blocks.count)
        for index in order {
            let block = blocks[index]
            var gap = GapSearch(size: block.size)
            for range in placed.ranges where range.first <= block.last && range.last >= block.first {
                gap.pass(range.start, range.end)
            }
            try placement.place(index, at: gap.finish(), blocks, in: &placed)
        }
        return placement
    }

    /// Tries again with the blocks that made the area grow placed earlier, a few times, as long as that helps.
    static func improved(_ start: Placement, _ blocks: [Block], bound: Int) throws(PlanError) -> Placement? {
        var best: Placement?
        var bestTotal = start.total
        var current = start
        var order = blocks.indices.sorted { orders[0](blocks[$0], blocks[$1]) }
        // The work of one round is quadratic; this bounds all rounds together.
        let rounds = min(24, 4_000_000 / max(1, blocks.count * blocks.count))
        for _ in 0..<rounds where bestTotal > bound {
            let (offsets, total) = (current.offsets, current.total)
            let top = order.filter { offsets[$0] + blocks[$0].size == total }
            order.removeAll { top.contains($0) }
            order.insert(contentsOf: top, at: 0)
            current = try greedy(blocks, order: order)
            if current.total < bestTotal {
                best = current
                bestTotal = current.total
            }
        }
        return best
    }

    private mutating func place(
        _ index: Int, at offset: Int, _ blocks: [Block], in ranges: inout OccupiedRanges
    ) throws(PlanError) {
        let (end, overflow) = offset.addingReportingOverflow(blocks[index].size)
        guard !overflow else { throw .tooLarge }
        offsets[index] = offset
        total = max(total, end)
        ranges.insert(.init(start: offset, end: end, first: blocks[index].first, last: blocks[index].last))
    }
}

extension Block {
    /// Bytes times steps; saturates instead of overflowing.
    fileprivate var area: Int {
        let (area, overflow) = size.multipliedReportingOverflow(by: max(1, lifetime))
        return overflow ? Int.max : area
    }
}

/// Ranges of memory that are taken for some steps, ordered by where they start.
private struct OccupiedRanges {
    struct Range {
        let start: Int
        let end: Int
        let first: Int
        let last: Int
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

    mutating func removeAll(where condition: (Range) -> Bool) { ranges.removeAll(where: condition) }
}

/// Finds the smallest sufficient gap between ranges that are passed in the order of their starts.
private struct GapSearch {
    let size: Int
    private var end = 0
    private var best = -1
    private var bestSize = Int.max

    init(size: Int) { self.size = size }

    @inline(__always)
    mutating func pass(_ start: Int, _ rangeEnd: Int) {
        let gap = start - end
        if gap >= size, gap < bestSize {
            best = end
            bestSize = gap
        }
        if rangeEnd > end { end = rangeEnd }
    }

    /// The start of the gap, or of the free memory after all ranges.
    func finish() -> Int { best >= 0 ? best : end }
}
