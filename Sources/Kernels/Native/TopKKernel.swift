// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// The kernel for the `count` largest or smallest elements along `axis`, sorted; nil for types without one.
/// Outputs: values, indices.
public func topKKernel(
    _ type: DataType, _ shape: [Int], axis: Int, count: Int, largest: Bool, indexType: DataType
) -> (any NativeKernel)? {
    let plan = TopKPlan(shape, axis: axis, count: count, largest: largest)
    return switch type {
    case .float: make(Float.self, plan, indexType)
    case .double: make(Double.self, plan, indexType)
    case .float16: make(Float16.self, plan, indexType)
    case .bfloat16: make(BFloat16.self, plan, indexType)
    case .int8: make(Int8.self, plan, indexType)
    case .int16: make(Int16.self, plan, indexType)
    case .int32: make(Int32.self, plan, indexType)
    case .int64: make(Int64.self, plan, indexType)
    case .uint8: make(UInt8.self, plan, indexType)
    case .uint16: make(UInt16.self, plan, indexType)
    case .uint32: make(UInt32.self, plan, indexType)
    case .uint64: make(UInt64.self, plan, indexType)
    default: nil
    }
}

private func make<T: Element>(_: T.Type, _ plan: TopKPlan, _ indexType: DataType) -> (any NativeKernel)?
where T.Wide: Comparable {
    switch indexType {
    case .int32: SpecializedKernel(TopKKernel<T, Int32>(plan: plan))
    case .int64: SpecializedKernel(TopKKernel<T, Int64>(plan: plan))
    default: nil
    }
}

struct TopKPlan: Sendable {
    let outer, length, inner, count: Int
    let largest: Bool

    init(_ shape: [Int], axis: Int, count: Int, largest: Bool) {
        outer = shape[..<axis].reduce(1, *)
        length = shape[axis]
        inner = shape[(axis + 1)...].reduce(1, *)
        self.count = count
        self.largest = largest
    }
}

/// Keeps the best elements so far in a heap whose root is the worst of them, then takes them out in order.
struct TopKKernel<T: Element, Index: FixedWidthInteger & PlainElement>: NativeKernel where T.Wide: Comparable {
    let plan: TopKPlan

    /// Rows of a part, so that it is worth another thread, but not so many parts that their heaps are large.
    private var rows: Int { plan.outer * plan.inner }
    private var group: Int { max(1, 4096 / max(plan.length, 1), (rows + 15) / 16) }
    var parts: Int { max(1, (rows + group - 1) / group) }

    /// The heap of each part holds places in the row.
    var scratchBytes: Int { parts * plan.count * MemoryLayout<Int>.stride }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        let x = unsafe operands.input(0, as: T.self)
        let values = unsafe operands.output(0, as: T.self)
        let indices = unsafe operands.output(1, as: Index.self)
        let heap = unsafe operands.scratch.assumingMemoryBound(to: Int.self) + parts.lowerBound * plan.count
        guard plan.count > 0 else { return }
        for number in parts.lowerBound * group..<min(parts.upperBound * group, rows) {
            let (row, column) = (number / plan.inner, number % plan.inner)
            let source = unsafe x + (row * plan.length * plan.inner + column)
            let target = row * plan.count * plan.inner + column
            unsafe select(source, heap)
            for rank in (0..<plan.count).reversed() {
                let place = unsafe heap[0]
                unsafe values[target + rank * plan.inner] = source[place * plan.inner]
                unsafe indices[target + rank * plan.inner] = Index(truncatingIfNeeded: place)
                unsafe heap[0] = heap[rank]
                unsafe sink(0, count: rank, source, heap)
            }
        }
    }

    private func select(_ x: UnsafePointer<T>, _ heap: UnsafeMutablePointer<Int>) {
        for place in 0..<plan.count { unsafe heap[place] = place }
        for node in (0..<plan.count / 2).reversed() { unsafe sink(node, count: plan.count, x, heap) }
        var worst = unsafe x[heap[0] * plan.inner].wide
        for place in plan.count..<plan.length {
            // Most are no better than the worst; a NaN compares as neither, and is looked at closely.
            let value = unsafe x[place * plan.inner].wide
            if plan.largest ? value <= worst : value >= worst { continue }
            guard unsafe isBetter(place, heap[0], x) else { continue }
            unsafe heap[0] = place
            unsafe sink(0, count: plan.count, x, heap)
            worst = unsafe x[heap[0] * plan.inner].wide
        }
    }

    /// Restores the order of the heap below `node`: no element is better than its children.
    private func sink(_ node: Int, count: Int, _ x: UnsafePointer<T>, _ heap: UnsafeMutablePointer<Int>) {
        var node = node
        while true {
            var worst = node
            for child in 2 * node + 1...2 * node + 2 where child < count {
                if unsafe isBetter(heap[worst], heap[child], x) { worst = child }
            }
            if worst == node { return }
            unsafe (heap[node], heap[worst]) = (heap[worst], heap[node])
            node = worst
        }
    }

    @inline(__always)
    private func isBetter(_ place: Int, _ other: Int, _ x: UnsafePointer<T>) -> Bool {
        let (a, b) = unsafe (x[place * plan.inner].wide, x[other * plan.inner].wide)
        // A NaN, the only value that differs from itself, counts as the largest.
        let (aIsNaN, bIsNaN) = (a != a, b != b)
        if aIsNaN || bIsNaN {
            if aIsNaN && bIsNaN { return place < other }
            return plan.largest ? aIsNaN : bIsNaN
        }
        if a == b { return place < other }
        return plan.largest ? a > b : a < b
    }
}
