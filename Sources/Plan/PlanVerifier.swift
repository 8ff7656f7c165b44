// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// Proves that a plan is sound, by other means than those that made it.
public enum PlanVerifier {
    /// What is wrong with a plan.
    public enum Fault: Equatable, Sendable {
        case wrongCount(requests: Int, offsets: Int)
        case misaligned(buffer: Int, offset: Int)
        case outside(buffer: Int, offset: Int)
        /// Two buffers share memory and a step at which both are needed.
        case overlap(buffer: Int, other: Int)
    }

    /// The first fault of `plan`; nil proves that every buffer lies inside the area, is aligned, and overlaps no buffer
    /// that is live at the same time.
    public static func fault(in plan: MemoryPlan, for requests: [BufferRequest], alignment: Int = 64) -> Fault? {
        guard plan.offsets.count == requests.count else {
            return .wrongCount(requests: requests.count, offsets: plan.offsets.count)
        }
        for (index, offset) in plan.offsets.enumerated() {
            guard offset % alignment == 0 else { return .misaligned(buffer: index, offset: offset) }
            guard offset >= 0, offset <= plan.totalBytes, requests[index].size <= plan.totalBytes - offset else {
                return .outside(buffer: index, offset: offset)
            }
        }
        let byOffset = requests.indices.filter { requests[$0].size > 0 }.sorted { plan.offsets[$0] < plan.offsets[$1] }
        for (position, index) in byOffset.enumerated() {
            let end = plan.offsets[index] + requests[index].size
            for other in byOffset[(position + 1)...] {
                guard plan.offsets[other] < end else { break }
                guard !requests[index].isLive(with: requests[other]) else {
                    return .overlap(buffer: min(index, other), other: max(index, other))
                }
            }
        }
        return nil
    }
}
