// SPDX-License-Identifier: Apache-2.0

import Kernels
import Plan
import SaturatingArithmetic

/// Where each activation and each step's scratch lies in the workspace.
struct Placement {
    /// Offset from the aligned start of the workspace, by buffer; −1 for buffers that lie elsewhere.
    let offsets: [Int]
    /// The same for each step's scratch; 0 where there is none.
    let scratchOffsets: [Int]
    let totalBytes: Int
    /// The lifetimes that were planned, for verification.
    let requests: [BufferRequest]

    init(_ program: Program) throws {
        var lifetimes = Lifetimes(program)
        lifetimes.shareInPlace(program)

        var requests: [BufferRequest] = []
        var requestOf = [Int](repeating: -1, count: program.buffers.count)
        for (buffer, lifetime) in lifetimes.roots {
            requestOf[buffer] = requests.count
            requests.append(
                BufferRequest(size: program.buffers[buffer].bytes, firstUse: lifetime.first, lastUse: lifetime.last))
        }
        var scratchRequest = [Int](repeating: -1, count: program.steps.count)
        for (index, step) in program.steps.enumerated() where step.kernel.scratchBytes > 0 {
            scratchRequest[index] = requests.count
            requests.append(BufferRequest(size: step.kernel.scratchBytes, firstUse: index, lastUse: index))
        }
        let plan = try MemoryPlan.plan(requests, alignment: Alignment.bytes)
        offsets = program.buffers.indices.map { buffer in
            let request = requestOf[lifetimes.root(of: buffer)]
            return request < 0 ? -1 : plan.offsets[request]
        }
        scratchOffsets = scratchRequest.map { $0 < 0 ? 0 : plan.offsets[$0] }
        totalBytes = plan.totalBytes
        self.requests = requests
    }
}

/// First and last step that touch each activation.
private struct Lifetimes {
    private var spans: [(first: Int, last: Int)?]
    /// The buffer whose memory a buffer shares; itself where it has its own.
    private var parents: [Int]

    init(_ program: Program) {
        spans = [(first: Int, last: Int)?](repeating: nil, count: program.buffers.count)
        parents = Array(program.buffers.indices)
        for (index, step) in program.steps.enumerated() {
            for buffer in step.inputs + step.outputs where program.buffers[buffer].kind == .activation {
                spans[buffer] = (spans[buffer]?.first ?? index, index)
            }
        }
    }

    /// Lets a step write its output over its first input where nobody needs that input any more.
    mutating func shareInPlace(_ program: Program) {
        for (index, step) in program.steps.enumerated() where step.kernel.canRunInPlace {
            guard let input = step.inputs.first, let output = step.outputs.first,
                program.buffers[input].kind == .activation, program.buffers[output].kind == .activation,
                !step.inputs.dropFirst().contains(input),
                program.buffers[input].bytes == program.buffers[output].bytes
            else { continue }
            let root = root(of: input)
            guard let before = spans[root], let after = spans[output], before.last == index else { continue }
            parents[output] = root
            spans[root] = (before.first, after.last)
            spans[output] = nil
        }
    }

    func root(of buffer: Int) -> Int {
        var buffer = buffer
        while parents[buffer] != buffer { buffer = parents[buffer] }
        return buffer
    }

    var roots: [(buffer: Int, lifetime: (first: Int, last: Int))] {
        spans.indices.compactMap { buffer in spans[buffer].map { (buffer, $0) } }
    }
}
