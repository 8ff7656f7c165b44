// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// An order in which each node comes after those it needs; `0..<count` if that is one, else the nearest to it.
///
/// Takes time in proportion to nodes and edges (times the logarithm of the nodes where it must sort).
/// - `producers`: for each node the nodes it needs.
/// - Returns: nil if nodes need each other in a circle.
func topologicalOrder(producers: [[Int]]) -> [Int]? {
    let count = producers.count
    if producers.indices.allSatisfy({ node in producers[node].allSatisfy { $0 < node } }) { return Array(0..<count) }
    var missing = producers.map(\.count)
    var consumers = [[Int]](repeating: [], count: count)
    for (node, needed) in producers.enumerated() {
        for producer in needed { consumers[producer].append(node) }
    }
    var ready = MinHeap()
    for node in 0..<count where missing[node] == 0 { ready.insert(node) }
    var order: [Int] = []
    order.reserveCapacity(count)
    while let node = ready.removeMin() {
        order.append(node)
        for consumer in consumers[node] {
            missing[consumer] -= 1
            if missing[consumer] == 0 { ready.insert(consumer) }
        }
    }
    return order.count == count ? order : nil
}

/// A binary heap of numbers, the smallest first.
private struct MinHeap {
    private var items: [Int] = []

    mutating func insert(_ item: Int) {
        items.append(item)
        var index = items.count - 1
        while index > 0, items[(index - 1) / 2] > items[index] {
            items.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    mutating func removeMin() -> Int? {
        guard let first = items.first else { return nil }
        items.swapAt(0, items.count - 1)
        items.removeLast()
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < items.count && items[child] < items[least] {
                least = child
            }
            if least == index { return first }
            items.swapAt(index, least)
            index = least
        }
    }
}
