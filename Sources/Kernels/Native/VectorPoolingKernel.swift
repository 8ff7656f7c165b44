// SPDX-License-Identifier: Apache-2.0

internal import VectorFunctions

/// A pooling with the channels innermost.
struct VectorPoolingKernel: NativeKernel {
    let loop: PoolingLoop
    private let functions = CPULevel.current.functions

    init(_ loop: PoolingLoop) { self.loop = loop }

    var parts: Int { loop.batch * loop.rowsOfImage }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        unsafe withUnsafePointer(to: loop) {
            unsafe functions.pool($0, operands.input(0), operands.output(0), parts)
        }
    }
}

/// A pooling of a row-major tensor, in one part for each thread: every part has scratch memory.
struct VectorRowPoolingKernel: NativeKernel {
    private let loop: PoolingLoop
    private let functions = CPULevel.current.functions

    /// - loop: its batch counts every channel of every image.
    init(_ loop: PoolingLoop) {
        var loop = loop
        loop.parts = max(1, min(Parallel.threads, loop.batch))
        self.loop = loop
    }

    var scratchBytes: Int { 4 * loop.lineLength * loop.parts }
    var parts: Int { loop.parts }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        unsafe withUnsafePointer(to: loop) {
            unsafe functions.poolRows(
                $0, operands.input(0), operands.output(0), operands.scratch.assumingMemoryBound(to: Float.self), parts)
        }
    }
}
