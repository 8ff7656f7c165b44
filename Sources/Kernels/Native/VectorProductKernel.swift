// SPDX-License-Identifier: Apache-2.0

internal import VectorFunctions

/// Products of matrices that are both known only during an execution; see `ProductLoop` for the operands.
@safe
struct VectorProductKernel: NativeKernel {
    private let loop: ProductLoop
    private let places: PlaceList
    private let steps: StepList
    private let functions = CPULevel.current.functions

    /// - a: [batch…, M, K], b: [batch…, K, N], output: [batch…, M, N]; the batches of a and b have the output's rank and
    ///   broadcast to its. None of them is empty.
    init(_ a: Layout, _ b: Layout, output: [Int], _ steps: [EpilogueStep]) {
        let rank = output.count
        let batch = Array(output.dropLast(2))
        var places = [ProductLoop.Places(a: 0, b: 0)]
        for axis in batch.indices {
            places = places.flatMap { place in
                (0..<batch[axis]).map { .init(a: place.a + $0 * a.strides[axis], b: place.b + $0 * b.strides[axis]) }
            }
        }
        self.places = PlaceList(places)
        self.steps = StepList(steps)
        // Where no step is ever made, any will do.
        func step(_ layout: Layout, _ axis: Int) -> Int { layout.shape[axis] == 1 ? 1 : layout.strides[axis] }
        loop = Self.cut(
            unsafe ProductLoop(
                rows: output[rank - 2], depth: a.shape[rank - 1], columns: output[rank - 1], aRow: step(a, rank - 2),
                aDepth: step(a, rank - 1), bDepth: step(b, rank - 2), bColumn: step(b, rank - 1),
                matrices: self.places.places, epilogue: self.steps.steps))
    }

    var tableBytes: Int { unsafe loop.matrices.count * MemoryLayout<ProductLoop.Places>.stride }
    var scratchBytes: Int { 4 * loop.scratchLength * loop.parts }
    var parts: Int { loop.parts }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        unsafe withUnsafePointer(to: loop) {
            unsafe functions.multiply(
                $0, operands.inputs, operands.output(0), operands.scratch.assumingMemoryBound(to: Float.self), parts)
        }
    }

    /// Multiplications that are worth another part.
    private static let partLength = 1 << 17
    /// Rows of a block, for which a panel is packed.
    private static let leastRows = 48

    /// Some parts for each thread, since every part has scratch memory: of whole products, or of blocks of rows, or of
    /// groups of panels.
    private static func cut(_ loop: ProductLoop) -> ProductLoop {
        var loop = loop
        let wanted = 4 * max(Parallel.threads, 1)
        let matrices = unsafe loop.matrices.count
        let blocks = max(min(wanted / max(matrices, 1), loop.rows / leastRows), 1)
        loop.rowsPerBlock = (loop.rows + blocks - 1) / blocks
        let groups = max(min(wanted / max(matrices * blocks, 1), loop.panels / 4), 1)
        loop.panelsPerGroup = max((loop.panels + 2 * groups - 1) / (2 * groups), 1) * 2
        let length = matrices * loop.rows * loop.depth * loop.columns
        loop.parts = max(min(wanted, loop.items, length / partLength), 1)
        return loop
    }
}

/// The memory that a loop's places lie in.
@safe
private final class PlaceList: @unchecked Sendable {
    /// Safe to share: never changed after creation.
    let places: UnsafeBufferPointer<ProductLoop.Places>

    init(_ places: [ProductLoop.Places]) {
        let memory = UnsafeMutableBufferPointer<ProductLoop.Places>.allocate(capacity: places.count)
        _ = unsafe memory.initialize(from: places)
        unsafe self.places = UnsafeBufferPointer(memory)
    }

    deinit { unsafe places.deallocate() }
}
