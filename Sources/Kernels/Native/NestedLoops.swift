// SPDX-License-Identifier: Apache-2.0

/// Nested loops, outermost first, that yield two offsets: the sums of index · stride.
struct NestedLoops: Sendable, Equatable {
    private let sizes: [Int]
    private let firstStrides: [Int]
    private let secondStrides: [Int]

    init(_ dimensions: [(size: Int, firstStride: Int, secondStride: Int)]) {
        sizes = dimensions.map(\.size)
        firstStrides = dimensions.map(\.firstStride)
        secondStrides = dimensions.map(\.secondStride)
    }

    @inline(__always)
    func forEach(_ body: (_ first: Int, _ second: Int) -> Void) {
        if sizes.isEmpty { return body(0, 0) }
        if sizes.contains(0) { return }
        // At most 63 dimensions are larger than 1, so this stays on the stack.
        unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: sizes.count) { counters in
            unsafe counters.initialize(repeating: 0)
            var (first, second) = (0, 0)
            while true {
                body(first, second)
                var dimension = sizes.count - 1
                while true {
                    unsafe counters[dimension] += 1
                    first += firstStrides[dimension]
                    second += secondStrides[dimension]
                    if unsafe counters[dimension] < sizes[dimension] { break }
                    first -= firstStrides[dimension] * sizes[dimension]
                    second -= secondStrides[dimension] * sizes[dimension]
                    unsafe counters[dimension] = 0
                    dimension -= 1
                    if dimension < 0 { return }
                }
            }
        }
    }
}
