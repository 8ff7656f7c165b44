// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

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

    /// More ranges than that are not looked at: what is left of so large a program gets memory of its own.
    static let mostWork = 1 << 28

    /// Places the blocks as a program would that allocates at the first use and frees after the last: all blocks placed
    /// so far began earlier, so only those still live can be in the way.
    ///
    /// With a `ceiling`, every other block is placed as high below it as it fits. A chain, where only neighbours are
    /// live together, then never needs more than its two largest neighbours.
    static func inOrderOfFirstUse(_ blocks: [Block], ceiling: Int? = nil) throws(PlanError) -> Placement {
        var placement = Placement(offsets: [Int](repeating: 0, count: blocks.count), total: 0)
        let order = blocks.indices.sorted {
            (blocks[$0].first, -blocks[$0].size, $0) < (blocks[$1].first, -blocks[$1].size, $1)
        }
        var live = OccupiedRanges(capacity: 64)
        var fromAbove = false
        var work = 0
        for index in order {
            let block = blocks[index]
            work += live.ranges.count
            guard work <= mostWork else {
                try placement.place(index, at: placement.total, blocks)
                continue
            }
            live.removeAll { $0.last < block.first }
            var gap = GapSearch(size: block.size)
            for range in live.ranges { gap.pass(range.start, range.end) }
            let offset = fromAbove ? gap.finish(below: ceiling ?? 0) : gap.finish()
            try placement.place(index, at: offset, blocks)
            live.insert(.init(block, at: offset))
            if ceiling != nil { fromAbove.toggle() }
        }
        return placement
    }

    /// Places the blocks in the given order, each into the smallest gap between those in its way.
    static func greedy(
        _ blocks: [Block], order: [Int], conflicts: Conflicts
    ) throws(PlanError) -> Placement {
        var placement = Placement(offsets: [Int](repeating: -1, count: blocks.count), total: 0)
        var placed = OccupiedRanges(capacity: blocks.count)
        for index in order {
            let block = blocks[index]
            var gap = GapSearch(size: block.size)
            if let others = conflicts.with(index) {
                placed.removeAll()
                for other in others where placement.offsets[Int(other)] >= 0 {
                    placed.insert(.init(blocks[Int(other)], at: placement.offsets[Int(other)]))
                }
                for range in placed.ranges { gap.pass(range.start, range.end) }
            } else {
                for range in placed.ranges where range.first <= block.last && range.last >= block.first {
                    gap.pass(range.start, range.end)
                }
            }
            let offset = gap.finish()
            try placement.place(index, at: offset, blocks)
            if conflicts.areTooMany { placed.insert(.init(block, at: offset)) }
        }
        return placement
    }

    /// Tries again with the blocks that made the area grow placed earlier, a few times, as long as that helps.
    static func improved(
        _ start: Placement, _ blocks: [Block], conflicts: Conflicts, bound: Int
    ) throws(PlanError) -> Placement? {
        var best: Placement?
        var bestTotal = start.total
        var current = start
        var order = blocks.indices.sorted { orders[0](blocks[$0], blocks[$1]) }
        for _ in 0..<min(24, 200_000 / max(1, conflicts.work)) where bestTotal > bound {
            let (offsets, total) = (current.offsets, current.total)
            let top = order.filter { offsets[$0] + blocks[$0].size == total }
            order.removeAll { offsets[$0] + blocks[$0].size == total }
            order.insert(contentsOf: top, at: 0)
            current = try greedy(blocks, order: order, conflicts: conflicts)
            if current.total < bestTotal {
                best = current
                bestTotal = current.total
            }
        }
        return best
    }

    private mutating func place(_ index: Int, at offset: Int, _ blocks: [Block]) throws(PlanError) {
        let (end, overflow) = offset.addingReportingOverflow(blocks[index].size)
        guard !overflow else { throw .tooLarge }
        offsets[index] = offset
        total = max(total, end)
    }
}

extension Block {
    /// Bytes times steps; saturates instead of overflowing.
    fileprivate var area: Int {
        let (area, overflow) = size.multipliedReportingOverflow(by: max(1, lifetime))
        return overflow ? Int.max : area
    }
}
