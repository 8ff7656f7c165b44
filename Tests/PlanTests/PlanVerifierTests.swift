// SPDX-License-Identifier: Apache-2.0

import Plan
import Testing

@Suite struct PlanVerifierTests {
    private let requests = [
        BufferRequest(size: 100, firstUse: 0, lastUse: 1), BufferRequest(size: 64, firstUse: 1, lastUse: 2),
        BufferRequest(size: 64, firstUse: 2, lastUse: 3),
    ]

    private func fault(_ offsets: [Int], _ total: Int) -> PlanVerifier.Fault? {
        PlanVerifier.fault(in: MemoryPlan(offsets: offsets, totalBytes: total), for: requests)
    }

    @Test func aSoundPlanHasNoFault() {
        #expect(fault([0, 128, 0], 192) == nil)
        #expect(fault([64, 0, 64], 164) == nil)
    }

    @Test func eachFaultIsFound() {
        #expect(fault([0, 128], 192) == .wrongCount(requests: 3, offsets: 2))
        #expect(fault([0, 130, 0], 256) == .misaligned(buffer: 1, offset: 130))
        #expect(fault([0, 128, 0], 191) == .outside(buffer: 1, offset: 128))
        #expect(fault([-64, 128, 0], 192) == .outside(buffer: 0, offset: -64))
        #expect(fault([0, 64, 128], 192) == .overlap(buffer: 0, other: 1))
        #expect(fault([0, 128, 128], 192) == .overlap(buffer: 1, other: 2))
    }

    @Test func aBufferInsideALongerOneIsFound() {
        let requests = [
            BufferRequest(size: 1000, firstUse: 0, lastUse: 9), BufferRequest(size: 10, firstUse: 3, lastUse: 3),
            BufferRequest(size: 10, firstUse: 4, lastUse: 4),
        ]
        let plan = MemoryPlan(offsets: [0, 1024, 512], totalBytes: 2048)
        #expect(PlanVerifier.fault(in: plan, for: requests) == .overlap(buffer: 0, other: 2))
    }
}
