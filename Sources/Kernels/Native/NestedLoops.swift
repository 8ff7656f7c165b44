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

    /// How often `forEach` calls its body.
    var count: Int { sizes.reduce(1, *) }

    @inline(__always)
    func forEach(_ body: (_ first: Int, _ second: Int) -> Void) { forEach(in: 0..<count, body) }

    /// Calls `body` for some of the combinations only.
    @inline(__always)
    func forEach(in range: Range<Int>, _ body: (_ first: Int, _ second: Int) -> Void) {
        if range.isEmpty { return }
        if sizes.isEmpty { return body(0, 0) }
        // At most 63 dimensions are larger than 1, so this stays on the stack.
        unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: sizes.count) { counters in
            var (first, second, number) = (0, 0, range.lowerBound)
            for dimension in sizes.indices.reversed() {
                let counter = number % sizes[dimension]
                number /= sizes[dimension]
                unsafe counters[dimension] = counter
                first += counter * firstStrides[dimension]
                second += counter * secondStrides[dimension]
            }
            var rest = range.count
            while true {
                body(first, second)
                rest -= 1
                if rest == 0 { return }
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
