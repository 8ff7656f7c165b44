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

/// The loops over a fold, compiled for its types; see `BinaryLoops`.
@safe
struct ReductionLoops: Sendable {
    let inputBytes: Int
    let outputBytes: Int
    let stateBytes: Int
    /// Sets so many states to that of no elements.
    let start: @Sendable (UnsafeMutableRawPointer, Int) -> Void
    /// Adds a run of so many elements to one state.
    let addRun: @Sendable (UnsafeMutableRawPointer, UnsafeRawPointer, Int) -> Void
    /// Adds element i to state i, for so many of them.
    let addEach: @Sendable (UnsafeMutableRawPointer, UnsafeRawPointer, Int) -> Void
    /// Writes the results of so many states, each of which so many elements were added to.
    let finish: @Sendable (UnsafeRawPointer, UnsafeMutableRawPointer, _ states: Int, _ elements: Int) -> Void

    @inline(__always)
    init<In: Element, Out: Element, F: Fold>(_: In.Type, _: Out.Type, _: F.Type)
    where F.Operand == In.Wide, F.Result == Out.Wide {
        inputBytes = MemoryLayout<In>.size
        outputBytes = MemoryLayout<Out>.size
        stateBytes = MemoryLayout<F.State>.stride
        unsafe start = { states, count in
            let states = unsafe states.assumingMemoryBound(to: F.State.self)
            for index in 0..<count { unsafe states[index] = F.initial }
        }
        unsafe addRun = { state, run, count in
            let (state, run) = unsafe (
                state.assumingMemoryBound(to: F.State.self), run.assumingMemoryBound(to: In.self)
            )
            var sum = unsafe state[0]
            for index in 0..<count { sum = unsafe F.add(sum, run[index].wide) }
            unsafe state[0] = sum
        }
        unsafe addEach = { states, run, count in
            let states = unsafe states.assumingMemoryBound(to: F.State.self)
            let run = unsafe run.assumingMemoryBound(to: In.self)
            for index in 0..<count { unsafe states[index] = F.add(states[index], run[index].wide) }
        }
        unsafe finish = { states, output, count, elements in
            let states = unsafe states.assumingMemoryBound(to: F.State.self)
            let output = unsafe output.assumingMemoryBound(to: Out.self)
            for index in 0..<count { unsafe output[index] = Out(wide: F.finish(states[index], count: elements)) }
        }
    }
}

/// Folds a dense tensor over some of its dimensions.
struct ReductionKernel: NativeKernel {
    private let loops: ReductionLoops
    /// The dimensions after merging neighbours of the same kind; kept ones in `kept`, reduced ones in `reduced`.
    private let kept: NestedLoops
    private let reduced: NestedLoops
    /// Length and kind of the innermost dimension, which neither loop contains.
    private let innerLength: Int
    private let innerIsReduced: Bool
    private let foldedCount: Int

    /// Bytes of the states that are folded at a time where the innermost dimension is kept: few enough for the stack.
    private static let blockBytes = 1024

    init(_ shape: [Int], axes: Set<Int>, _ loops: ReductionLoops) {
        self.loops = loops
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

    /// Combinations of the kept dimensions of a part, so that it is worth another thread.
    private var group: Int { max(1, 16384 / max(reduced.count * innerLength, 1)) }
    var parts: Int { max(1, (kept.count + group - 1) / group) }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        let range = parts.lowerBound * group..<min(parts.upperBound * group, kept.count)
        if range.isEmpty { return }
        let input = unsafe operands.inputs[0]
        let results = innerIsReduced ? 1 : innerLength
        var output = unsafe operands.outputs[0] + range.lowerBound * results * loops.outputBytes
        let size = loops.inputBytes
        unsafe withUnsafeTemporaryAllocation(byteCount: Self.blockBytes, alignment: 16) { memory in
            guard let states = memory.baseAddress else { return }
            if innerIsReduced {
                kept.forEach(in: range) { base, _ in
                    unsafe loops.start(states, 1)
                    reduced.forEach { offset, _ in
                        unsafe loops.addRun(states, input + (base + offset) * size, innerLength)
                    }
                    unsafe loops.finish(states, output, 1, foldedCount)
                    unsafe output += loops.outputBytes
                }
                return
            }
            let block = Self.blockBytes / loops.stateBytes
            kept.forEach(in: range) { base, _ in
                var start = 0
                while start < innerLength {
                    let length = min(block, innerLength - start)
                    unsafe loops.start(states, length)
                    reduced.forEach { offset, _ in
                        unsafe loops.addEach(states, input + (base + start + offset) * size, length)
                    }
                    unsafe loops.finish(states, output, length, foldedCount)
                    unsafe output += length * loops.outputBytes
                    start += length
                }
            }
        }
    }
}
