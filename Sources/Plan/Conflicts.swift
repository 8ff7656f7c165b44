// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// For each block the others that are live at one of its steps, as long as these are few.
struct Conflicts {
    private var starts: [Int] = []
    private var others: [Int32] = []
    /// Whether the lists would be so long that looking at all placed blocks is as good.
    let areTooMany: Bool
    /// How much there is to look at when all blocks are placed once.
    let work: Int

    init(_ blocks: [Block]) {
        let order = blocks.indices.sorted { blocks[$0].first < blocks[$1].first }
        var pairs: [(Int32, Int32)] = []
        var live: [Int] = []
        let limit = 32 * blocks.count
        for index in order {
            live.removeAll { blocks[$0].last < blocks[index].first }
            guard pairs.count + live.count <= limit else {
                areTooMany = true
                work = blocks.count * blocks.count / 2
                return
            }
            for other in live { pairs.append((Int32(clamping: index), Int32(clamping: other))) }
            live.append(index)
        }
        areTooMany = false
        work = blocks.count + 4 * pairs.count
        starts = [Int](repeating: 0, count: blocks.count + 1)
        for (a, b) in pairs {
            starts[Int(a) + 1] += 1
            starts[Int(b) + 1] += 1
        }
        for index in blocks.indices { starts[index + 1] += starts[index] }
        others = [Int32](repeating: 0, count: 2 * pairs.count)
        var next = starts
        for (a, b) in pairs {
            others[next[Int(a)]] = b
            next[Int(a)] += 1
            others[next[Int(b)]] = a
            next[Int(b)] += 1
        }
    }

    /// The blocks in the way of `index`; nil when there are too many to list.
    func with(_ index: Int) -> ArraySlice<Int32>? { areTooMany ? nil : others[starts[index]..<starts[index + 1]] }
}
