// SPDX-License-Identifier: Apache-2.0

/// A fold over elements, known to the compiler.
protocol Fold: Sendable {
    associatedtype Operand
    associatedtype State: BitwiseCopyable
    associatedtype Result
    static var initial: State { get }
    static func add(_ state: State, _ element: Operand) -> State
    static func finish(_ state: State, count: Int) -> Result
}

/// Folds a dense tensor over some of its dimensions.
struct ReductionKernel<In: Element, Out: Element, F: Fold>: NativeKernel
where F.Operand == In.Wide, F.Result == Out.Wide {
    /// The dimensions after merging neighbours of the same kind; kept ones in `kept`, reduced ones in `reduced`.
    private let kept: NestedLoops
    private let reduced: NestedLoops
    /// Length and kind of the innermost dimension, which neither loop contains.
    private let innerLength: Int
    private let innerIsReduced: Bool
    private let foldedCount: Int

    /// How many kept elements are folded at a time where the innermost dimension is kept.
    private static var block: Int { 1024 / MemoryLayout<F.State>.stride }

    init(_ shape: [Int], axes: Set<Int>) {
        var sizes: [Int] = []
        var isReduced: [Bool] = []
        for (dimension, size) in shape.enumerated() where size != 1 {
            let reduces = axes.contains(dimension)
            if isReduced.last == reduces {
                sizes[sizes.count - 1] *= size
            } else {
                sizes.append(size)
                isReduced.append(reduces)
            }
        }
        if sizes.isEmpty {
            sizes = [1]
            isReduced = [true]
        }
        var strides = Array(repeating: 1, count: sizes.count)
        for dimension in sizes.indices.dropLast().reversed() {
            strides[dimension] = strides[dimension + 1] * sizes[dimension + 1]
        }
        let outer = sizes.indices.dropLast()
        kept = NestedLoops(outer.filter { !isReduced[$0] }.map { (sizes[$0], strides[$0], 0) })
        reduced = NestedLoops(outer.filter { isReduced[$0] }.map { (sizes[$0], strides[$0], 0) })
        innerLength = sizes[sizes.count - 1]
        innerIsReduced = isReduced[sizes.count - 1]
        foldedCount = zip(sizes, isReduced).reduce(1) { $1.1 ? $0 * $1.0 : $0 }
    }

    func run(_ operands: KernelOperands) {
        let input = unsafe operands.input(0, as: In.self)
        var output = unsafe operands.output(0, as: Out.self)
        if innerIsReduced {
            kept.forEach { base, _ in
                var state = F.initial
                reduced.forEach { offset, _ in
                    let run = unsafe input + (base + offset)
                    for index in 0..<innerLength { state = unsafe F.add(state, run[index].wide) }
                }
                unsafe output.pointee = Out(wide: F.finish(state, count: foldedCount))
                unsafe output += 1
            }
            return
        }
        unsafe withUnsafeTemporaryAllocation(of: F.State.self, capacity: Self.block) { states in
            kept.forEach { base, _ in
                var start = 0
                while start < innerLength {
                    let length = min(Self.block, innerLength - start)
                    for index in 0..<length { unsafe states[index] = F.initial }
                    reduced.forEach { offset, _ in
                        let run = unsafe input + (base + start + offset)
                        for index in 0..<length { unsafe states[index] = F.add(states[index], run[index].wide) }
                    }
                    for index in 0..<length {
                        unsafe output[index] = Out(wide: F.finish(states[index], count: foldedCount))
                    }
                    unsafe output += length
                    start += length
                }
            }
        }
    }
}
