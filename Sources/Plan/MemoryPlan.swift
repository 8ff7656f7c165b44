// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// Where each buffer lies in one area of memory.
///
/// A pure function of sizes and lifetimes: it knows neither graphs nor kernels.
public struct MemoryPlan: Equatable, Sendable {
    /// One offset per request, each a multiple of the alignment.
    public let offsets: [Int]
    /// Bytes of the area, a multiple of the alignment.
    public let totalBytes: Int

    package init(offsets: [Int], totalBytes: Int) {
        self.offsets = offsets
        self.totalBytes = totalBytes
    }

    /// Places the buffers so that no two that are live at one step overlap.
    ///
    /// Several greedy orders are tried and the smallest result is kept; it ends early at a result that is as small as
    /// the live bytes allow. Quadratic in the number of requests, up to `maximumForGreedy` of them.
    public static func plan(_ requests: [BufferRequest], alignment: Int = 64) throws(PlanError) -> MemoryPlan {
        let blocks = try Block.blocks(of: requests, alignment: alignment)
        let bound = try peak(blocks)
        var best = try Placement.inOrderOfFirstUse(blocks)
        if best.total > bound {
            let twoEnded = try Placement.inOrderOfFirstUse(blocks, ceiling: bound)
            if twoEnded.total < best.total { best = twoEnded }
        }
        if best.total > bound, blocks.count <= maximumForGreedy {
            let conflicts = Conflicts(blocks)
            for order in Placement.orders where best.total > bound {
                let order = blocks.indices.sorted { order(blocks[$0], blocks[$1]) }
                let candidate = try Placement.greedy(blocks, order: order, conflicts: conflicts)
                if candidate.total < best.total { best = candidate }
            }
            if let improved = try Placement.improved(best, blocks, conflicts: conflicts, bound: bound) {
                best = improved
            }
        }
        var offsets = [Int](repeating: 0, count: requests.count)
        for (block, offset) in zip(blocks, best.offsets) { offsets[block.request] = offset }
        return MemoryPlan(offsets: offsets, totalBytes: best.total)
    }

    /// Above this number of requests only the order of first use is tried, so that time stays bounded.
    static let maximumForGreedy = 8192

    /// The most bytes that are live at one step, each size rounded up to `alignment`: no plan can be smaller.
    public static func lowerBound(_ requests: [BufferRequest], alignment: Int = 64) throws(PlanError) -> Int {
        try peak(Block.blocks(of: requests, alignment: alignment))
    }

    private static func peak(_ blocks: [Block]) throws(PlanError) -> Int {
        var ends = blocks.map { (step: $0.last, size: $0.size) }
        ends.sort { $0.step < $1.step }
        var next = 0
        var live = 0
        var peak = 0
        for block in blocks.sorted(by: { $0.first < $1.first }) {
            while ends[next].step < block.first {
                live -= ends[next].size
                next += 1
            }
            let (sum, overflow) = live.addingReportingOverflow(block.size)
            guard !overflow else { throw .tooLarge }
            live = sum
            peak = max(peak, live)
        }
        return peak
    }
}

/// A request that takes room, its size rounded up.
struct Block {
    let request: Int
    let size: Int
    let first: Int
    let last: Int

    static func blocks(of requests: [BufferRequest], alignment: Int) throws(PlanError) -> [Block] {
        guard alignment > 0 else { throw .invalidAlignment(alignment) }
        var blocks: [Block] = []
        blocks.reserveCapacity(requests.count)
        for (index, request) in requests.enumerated() {
            guard request.size >= 0, request.firstUse <= request.lastUse else {
                throw .invalidRequest(index: index, request)
            }
            guard request.size > 0 else { continue }
            let units = (request.size - 1) / alignment + 1
            let (size, overflow) = units.multipliedReportingOverflow(by: alignment)
            guard !overflow else { throw .tooLarge }
            blocks.append(Block(request: index, size: size, first: request.firstUse, last: request.lastUse))
        }
        return blocks
    }

    /// Steps for which the block is needed; saturates instead of overflowing.
    var lifetime: Int {
        let (steps, overflow) = last.subtractingReportingOverflow(first)
        return overflow ? Int.max : steps
    }
}
