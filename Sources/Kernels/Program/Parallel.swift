// SPDX-License-Identifier: Apache-2.0

internal import COneDNN

/// Runs native work on the threads that serve oneDNN.
package enum Parallel {
    @unsafe
    private struct Job {
        let kernel: any NativeKernel
        let operands: KernelOperands
        let parts: Int
    }

    /// Runs a kernel on at most `threads` threads. Allocates nothing.
    package static func run(_ kernel: any NativeKernel, _ operands: KernelOperands, threads: Int) {
        let parts = kernel.parts
        guard threads > 1, parts > 1 else { return unsafe kernel.run(operands) }
        var job = unsafe Job(kernel: kernel, operands: operands, parts: parts)
        // Safe: the region ends before this function returns, so the job outlives every use of its address.
        unsafe withUnsafeMutablePointer(to: &job) { pointer in
            unsafe conednn_parallel(
                Int32(min(threads, parts)),
                { index, count, context in
                    guard let job = unsafe context?.assumingMemoryBound(to: Job.self) else { return }
                    let range = Parallel.share(Int(index), of: Int(count), parts: unsafe job.pointee.parts)
                    unsafe job.pointee.kernel.run(job.pointee.operands, parts: range)
                }, pointer)
        }
    }

    fileprivate static func share(_ index: Int, of count: Int, parts: Int) -> Range<Int> {
        parts * index / count..<parts * (index + 1) / count
    }
}

/// Copies bytes as they are, in pieces when there are many.
package struct CopyKernel: NativeKernel {
    private let bytes: Int
    private static let piece = 1 << 20

    package init(bytes: Int) { self.bytes = bytes }

    package var parts: Int { max(1, (bytes + Self.piece - 1) / Self.piece) }

    package func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    package func run(_ operands: KernelOperands, parts: Range<Int>) {
        let start = parts.lowerBound * Self.piece
        let end = min(parts.upperBound * Self.piece, bytes)
        guard end > start else { return }
        unsafe (operands.outputs[0] + start).copyMemory(from: operands.inputs[0] + start, byteCount: end - start)
    }
}
