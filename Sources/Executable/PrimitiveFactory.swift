// SPDX-License-Identifier: Apache-2.0

import Kernels
import SaturatingArithmetic
import Synchronization
import SystemMemory

/// Compiles the primitives of programs. Code generation dominates a load, so it uses all threads at hand; oneDNN's primitive
/// cache makes equal ones only once.
enum PrimitiveFactory {
    /// - programs: the steps of each program.
    /// - Returns: by program and step the primitive; nil for native kernels.
    static func compile(_ programs: [[Program.Step]]) throws -> [[Primitive?]] {
        var rest = try compile(programs.count == 1 ? programs[0] : programs.flatMap { $0 })[...]
        return programs.map { steps in
            defer { rest = rest.dropFirst(steps.count) }
            return Array(rest.prefix(steps.count))
        }
    }

    /// About what a primitive takes, generated code included; asked for at once for so many at most.
    private static let requiredBytes = 1 << 20
    private static let mostRequired = 16

    private static func compile(_ steps: [Program.Step]) throws -> [Primitive?] {
        let jobs = steps.enumerated().compactMap { index, step in
            if case .primitive(let descriptor, _) = step.kind { (index, descriptor) } else { nil }
        }
        // What oneDNN keeps of what it makes, it keeps for ever: better nothing on the reserve's account.
        try SystemMemory.require(min(jobs.count, mostRequired) * requiredBytes)
        try SystemMemory.check()
        let outcomes = jobs.map { _ in Outcome() }
        let next = Atomic<Int>(0)
        let isExhausted = Atomic<Bool>(false)
        Parallel.each { _ in
            let refusals = SystemMemory.refusalCount
            while true {
                let job = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard job < jobs.count, !isExhausted.load(ordering: .relaxed) else { return }
                do throws(OneDNNError) {
                    outcomes[job].primitive = try Primitive(jobs[job].1)
                } catch {
                    outcomes[job].error = error
                }
                if SystemMemory.refusalCount != refusals { isExhausted.store(true, ordering: .relaxed) }
            }
        }
        if isExhausted.load(ordering: .relaxed) { SystemMemory.noteExhaustion() }
        try SystemMemory.check()
        var primitives = [Primitive?](repeating: nil, count: steps.count)
        for (job, outcome) in zip(jobs, outcomes) {
            if let error = outcome.error { throw error }
            primitives[job.0] = outcome.primitive
        }
        return primitives
    }

    /// What became of one job. Only the thread that took the job writes it, and all have ended before it is read.
    ///
    /// Instead of the standard library's `Mutex`, which stores thread ids that are wrong in a forked child.
    private final class Outcome: @unchecked Sendable {
        var primitive: Primitive?
        var error: OneDNNError?
    }
}
