// SPDX-License-Identifier: Apache-2.0

internal import CThreadTeam

/// Work that threads share.
package enum Parallel {
    /// Runs `body` with `threads` threads at hand for everything that it runs; calls may be nested, the outermost decides.
    /// Allocates nothing once the threads exist.
    /// - Throws: `NoThreads` if the system grants no more threads.
    @inline(__always)
    package static func with<Result>(threads: Int, _ body: () throws -> Result) throws -> Result {
        guard team_begin(Int32(threads)) else { throw NoThreads(threads: threads) }
        defer { team_end() }
        return try body()
    }

    /// How many threads, up to `wanted`, the system grants; they are kept for executions.
    package static func available(_ wanted: Int) -> Int { Int(team_available(Int32(clamping: wanted))) }

    /// How many threads are at hand.
    static var threads: Int { Int(team_size()) }

    /// Forgets what the processor has raised on the calling thread and on those at hand; returns what the former had.
    package static func forgetExceptions() -> Int { Int(team_forget_exceptions()) }
    /// What was raised since, as in `NativeKernel.alarms`.
    package static func exceptions() -> Int { Int(team_exceptions()) }
    /// Gives the calling thread back what `forgetExceptions` returned.
    package static func restore(_ exceptions: Int) { team_restore_exceptions(Int32(truncatingIfNeeded: exceptions)) }

    @unsafe
    private struct Job {
        let kernel: any NativeKernel
        let operands: KernelOperands
        let parts: Int
    }

    /// Runs a kernel on the threads at hand. Allocates nothing.
    package static func run(_ kernel: any NativeKernel, _ operands: KernelOperands) -> IndexFailure? {
        let parts = kernel.parts
        let threads = Int(team_size())
        guard threads > 1, parts > 1 else { return unsafe kernel.runChecked(operands) }
        if let failure = unsafe kernel.check(operands) { return failure }
        var job = unsafe Job(kernel: kernel, operands: operands, parts: parts)
        // Safe: all places are done before this function returns, so the job outlives every use of its address.
        unsafe withUnsafeMutablePointer(to: &job) { pointer in
            unsafe team_run(
                Int32(min(threads, parts)),
                { place, count, context in
                    guard let job = unsafe context?.assumingMemoryBound(to: Job.self) else { return }
                    let range = Parallel.share(Int(place), of: Int(count), parts: unsafe job.pointee.parts)
                    unsafe job.pointee.kernel.run(job.pointee.operands, parts: range)
                }, pointer)
        }
        return nil
    }

    /// Calls `body` once on each thread at hand, with the thread's place.
    package static func each(_ body: (Int) -> Void) {
        // Safe: the closure outlives the call, which returns when all places are done.
        withoutActuallyEscaping(body) { body in
            var body = body
            unsafe withUnsafeMutablePointer(to: &body) { pointer in
                unsafe team_run(
                    team_size(),
                    { place, _, context in
                        unsafe context?.assumingMemoryBound(to: ((Int) -> Void).self).pointee(Int(place))
                    }, pointer)
            }
        }
    }

    fileprivate static func share(_ index: Int, of count: Int, parts: Int) -> Range<Int> {
        parts * index / count..<parts * (index + 1) / count
    }
}

/// The system starts no more threads.
package struct NoThreads: Error, CustomStringConvertible {
    let threads: Int

    package var description: String {
        "the \(threads) threads that it was prepared for cannot be started; raise the limit of threads and processes, or "
            + "set PYACLMDL_NUM_THREADS=1"
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
