// SPDX-License-Identifier: Apache-2.0

import Plan
import Testing

@Suite struct MemoryPlanTests {
    private func request(_ size: Int, _ first: Int, _ last: Int) -> BufferRequest {
        BufferRequest(size: size, firstUse: first, lastUse: last)
    }

    @Test func nothingTakesNothing() throws {
        let plan = try MemoryPlan.plan([])
        #expect(plan.offsets.isEmpty)
        #expect(plan.totalBytes == 0)
        #expect(try MemoryPlan.lowerBound([]) == 0)
    }

    @Test func aSingleBufferLiesAtTheStartAndIsRoundedUp() throws {
        let plan = try MemoryPlan.plan([request(65, 0, 3)])
        #expect(plan.offsets == [0])
        #expect(plan.totalBytes == 128)
    }

    @Test func buffersLiveAtOneStepLieSideBySide() throws {
        // The end of one lifetime is included, so buffers that meet at step 1 overlap in time.
        let plan = try MemoryPlan.plan([request(64, 0, 1), request(128, 1, 2)])
        #expect(plan.offsets.sorted() == [0, 128] || plan.offsets.sorted() == [0, 64])
        #expect(plan.totalBytes == 192)
    }

    @Test func buffersOfDifferentTimesShareMemory() throws {
        let plan = try MemoryPlan.plan([request(64, 0, 0), request(128, 1, 1), request(32, 2, 2)])
        #expect(plan.offsets == [0, 0, 0])
        #expect(plan.totalBytes == 128)
    }

    @Test func aChainTakesItsTwoLargestNeighbours() throws {
        // Each buffer is written at one step and read at the next one.
        let sizes = [64, 256, 128, 512, 64]
        let plan = try MemoryPlan.plan(sizes.enumerated().map { request($1, $0, $0 + 1) })
        #expect(plan.totalBytes == 128 + 512)
    }

    @Test func theGapThatFitsBestIsTaken() throws {
        // After step 2 there are gaps of 256 and of 64 bytes; the last buffer needs 64.
        let requests = [
            request(256, 0, 2), request(128, 0, 4), request(64, 0, 2), request(128, 0, 4), request(64, 3, 4),
            request(256, 3, 4),
        ]
        let plan = try MemoryPlan.plan(requests)
        #expect(plan.totalBytes == 576)
        #expect(plan.offsets[5] == plan.offsets[0])
        #expect(plan.offsets[4] == plan.offsets[2])
    }

    @Test func emptyBuffersTakeNoRoom() throws {
        let plan = try MemoryPlan.plan([request(0, 0, 5), request(64, 0, 5), request(0, 2, 2)])
        #expect(plan.offsets == [0, 0, 0])
        #expect(plan.totalBytes == 64)
        #expect(PlanVerifier.fault(in: plan, for: [request(0, 0, 5), request(64, 0, 5), request(0, 2, 2)]) == nil)
    }

    @Test func alignmentIsKept() throws {
        let requests = (0..<40).map { request(1 + $0 * 7, $0 / 3, $0 / 3 + $0 % 5) }
        for alignment in [1, 16, 64, 4096] {
            let plan = try MemoryPlan.plan(requests, alignment: alignment)
            #expect(plan.offsets.allSatisfy { $0 % alignment == 0 })
            #expect(plan.totalBytes % alignment == 0)
            #expect(PlanVerifier.fault(in: plan, for: requests, alignment: alignment) == nil)
        }
    }

    @Test func impossibleRequestsAreRefused() {
        #expect(throws: PlanError.invalidRequest(index: 1, request(-1, 0, 1))) {
            try MemoryPlan.plan([request(1, 0, 1), request(-1, 0, 1)])
        }
        #expect(throws: PlanError.invalidRequest(index: 0, request(1, 2, 1))) {
            try MemoryPlan.plan([request(1, 2, 1)])
        }
        #expect(throws: PlanError.invalidAlignment(0)) { try MemoryPlan.plan([], alignment: 0) }
        #expect(throws: PlanError.tooLarge) { try MemoryPlan.plan([request(Int.max, 0, 1)]) }
        #expect(throws: PlanError.tooLarge) {
            try MemoryPlan.plan([request(Int.max / 2, 0, 1), request(Int.max / 2 + 1000, 1, 2)])
        }
        #expect(throws: PlanError.tooLarge) {
            try MemoryPlan.lowerBound([request(Int.max / 2, 0, 1), request(Int.max / 2 + 1000, 1, 2)])
        }
    }

    @Test func sizesNearTheLimitStillShare() throws {
        let large = Int.max / 2 / 64 * 64
        let plan = try MemoryPlan.plan([request(large, 0, 0), request(large, 1, 1), request(large, 2, Int.max)])
        #expect(plan.totalBytes == large)
    }

    @Test(arguments: 0..<40) func randomLifetimesNeverOverlap(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let count = [1, 2, 3, 10, 60, 300][seed % 6]
        let requests = (0..<count).map { _ in
            let first = Int.random(in: 0..<100, using: &random)
            return request(
                Int.random(in: 0...100_000, using: &random), first, first + Int.random(in: 0...30, using: &random))
        }
        let plan = try MemoryPlan.plan(requests)
        #expect(PlanVerifier.fault(in: plan, for: requests) == nil)
        #expect(try plan.totalBytes >= MemoryPlan.lowerBound(requests))
    }

    @Test func aPlanIsAFunctionOfItsRequests() throws {
        let requests = Network.densenet(blocks: [6, 12], growth: 32)
        #expect(try MemoryPlan.plan(requests) == MemoryPlan.plan(requests))
    }

    @Test func manyRequestsAreStillPlaced() throws {
        // More than the greedy orders are tried for.
        let requests = (0..<9000).map { request(64 * (1 + $0 % 7), $0, $0 + $0 % 5) }
        let plan = try MemoryPlan.plan(requests)
        #expect(PlanVerifier.fault(in: plan, for: requests) == nil)
        #expect(try Double(plan.totalBytes) <= 1.5 * Double(MemoryPlan.lowerBound(requests)))
    }
}

/// Workspace close to what is live at once, for the shapes of real networks.
@Suite struct PlanQualityTests {
    @Test(arguments: Network.all) func networksNeedLittleMoreThanTheirPeak(network: Network) throws {
        let plan = try MemoryPlan.plan(network.requests)
        #expect(PlanVerifier.fault(in: plan, for: network.requests) == nil)
        let bound = try MemoryPlan.lowerBound(network.requests)
        #expect(Double(plan.totalBytes) <= 1.08 * Double(bound), "\(plan.totalBytes) bytes, peak \(bound)")
    }

    /// A sum of random lifetimes is harder than a network; the bound is the one that the product promises.
    @Test(arguments: 0..<12) func randomProgramsStayNearTheirPeak(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(1000 + seed))
        let requests = (0..<400).map { step in
            BufferRequest(
                size: 1 << Int.random(in: 6...20, using: &random), firstUse: step,
                lastUse: step + 1 + (Int.random(in: 0..<10, using: &random) == 0 ? 40 : 1))
        }
        let plan = try MemoryPlan.plan(requests)
        #expect(try Double(plan.totalBytes) <= 1.15 * Double(MemoryPlan.lowerBound(requests)))
    }
}
