// SPDX-License-Identifier: Apache-2.0

import CAscendCL
import Testing

@testable import CoreLoader

@Suite struct RuntimeMemoryTests {
    private func request(_ bytes: Int, _ kind: MemoryKind = .device) -> MemoryRequest {
        MemoryRequest(requestedBytes: bytes, reservedBytes: (bytes + 31) / 32 * 32 + 32, kind: kind, device: 0)
    }

    @Test func placesGrowBySmallSteps() {
        for bytes in [1, 511, 512, 513, 4095, 4097, 65_537, 1 << 20, (1 << 20) + 1, 123_456_789] {
            for (kind, unit) in [(MemoryKind.host, 512), (.device, 4096)] {
                let request = MemoryRequest(requestedBytes: bytes, reservedBytes: bytes, kind: kind, device: 0)
                let slot = MemoryRegistry.slotBytes(for: request)
                #expect(slot >= bytes && slot % unit == 0)
                #expect(slot - bytes <= max(unit - 1, bytes / 8))
            }
        }
    }

    @Test func deviceBlocksShareNoPages() throws {
        let registry = MemoryRegistry()
        var pages: Set<UInt> = []
        for bytes in [1, 4600, 16, 100, 8192, 70_000, 1] {
            _ = try registry.allocate(request(bytes, .host), capacity: nil)
            let address = try registry.allocate(request(bytes), capacity: nil)
            let own = address / 4096...(address + UInt(bytes) + 63) / 4096
            #expect(pages.isDisjoint(with: own) && address % 4096 == 0)
            pages.formUnion(own)
        }
    }

    @Test func blocksDoNotOverlapAndAreAligned() throws {
        let registry = MemoryRegistry()
        var ranges: [Range<UInt>] = []
        for step in 1...400 {
            let bytes = step * step * 37 % 3_000_000 + 1
            let address = try registry.allocate(request(bytes), capacity: nil)
            #expect(address % 512 == 0)
            let range = address..<address + UInt(bytes)
            #expect(!ranges.contains { $0.overlaps(range) })
            ranges.append(range)
        }
        for range in ranges { #expect(registry.location(of: range.upperBound - 1) == .live(.device, device: 0)) }
    }

    @Test func addressesAreDescribed() throws {
        let registry = MemoryRegistry()
        let address = try registry.allocate(request(4096), capacity: nil)
        #expect(registry.problem(at: address, bytes: 4096) == nil)
        #expect(
            registry.problem(at: address + 512, bytes: 4096)?.contains("512 bytes into a block of 4096 bytes") == true)
        // The padding counts as part of the block.
        #expect(registry.problem(at: address, bytes: 4128) == nil)
        #expect(registry.problem(at: address, bytes: 4129) != nil)
        #expect(registry.problem(at: address, bytes: -1) != nil)
        try registry.free(address, kinds: [.device], argument: "devPtr")
        #expect(
            registry.problem(at: address + 512, bytes: 1)?.contains("512 bytes into a freed block of 4096 bytes")
                == true)
        #expect(registry.location(of: address) == .freed)
        #expect(registry.location(of: address + (1 << 30)) == .neverAllocated)
        #expect(registry.problem(at: 0x1000, bytes: 64) == nil)
    }

    @Test func onlyStartsOfLiveBlocksAreFreed() throws {
        let registry = MemoryRegistry()
        let address = try registry.allocate(request(4096, .host), capacity: nil)
        for wrong in [address + 1, address + 512, 0x1234, address] {
            let failure = #expect(throws: Failure.self) {
                try registry.free(wrong, kinds: [.device], argument: "devPtr")
            }
            #expect(failure?.code == 107_000)
        }
        try registry.free(address, kinds: [.host], argument: "hostPtr")
        #expect(throws: Failure.self) { try registry.free(address, kinds: [.host], argument: "hostPtr") }
    }

    @Test func capacityIsCounted() throws {
        let registry = MemoryRegistry()
        let first = try registry.allocate(request(600_000), capacity: 1_000_000)
        let failure = #expect(throws: Failure.self) { try registry.allocate(request(600_000), capacity: 1_000_000) }
        #expect(failure?.code == 207_001)
        // Host memory does not count.
        _ = try registry.allocate(request(600_000, .host), capacity: 1_000_000)
        try registry.free(first, kinds: [.device], argument: "devPtr")
        #expect(registry.usage(of: 0).bytes == 0)
        #expect(registry.usage(of: 0).peakBytes == 600_032)
        _ = try registry.allocate(request(600_000), capacity: 1_000_000)
    }

    @Test func freedPlacesRestBeforeTheyAreUsedAgain() throws {
        let registry = MemoryRegistry()
        let address = try registry.allocate(request(1000), capacity: nil)
        try registry.free(address, kinds: [.device], argument: "devPtr")
        var later: [UInt] = []
        for _ in 0..<8 {
            let next = try registry.allocate(request(1000), capacity: nil)
            #expect(next != address)
            later.append(next)
        }
        for address in later { try registry.free(address, kinds: [.device], argument: "devPtr") }
        #expect(try registry.allocate(request(1000), capacity: nil) == address)
    }

    @Test func theEpochGrowsWithFrees() throws {
        let registry = MemoryRegistry()
        let address = try registry.allocate(request(64), capacity: nil)
        let epoch = registry.epoch
        try registry.free(address, kinds: [.device], argument: "devPtr")
        #expect(registry.epoch > epoch)
    }

    @Test func releasingADeviceFreesItsBlocksOnly() throws {
        let registry = MemoryRegistry()
        let device = try registry.allocate(request(64), capacity: nil)
        let host = try registry.allocate(request(64, .host), capacity: nil)
        registry.releaseAll(of: 0)
        #expect(registry.location(of: device) == .freed)
        #expect(registry.location(of: host) == .live(.host, device: 0))
    }

    @Test(arguments: [(1, 64, 32), (31, 64, 32), (32, 64, 32), (33, 96, 64), (4096, 4128, 4096)] as [(UInt, Int, Int)])
    func sizesAreRoundedAsDocumented(requested: UInt, padded: Int, plain: Int) {
        #expect(DeviceAllocation.reservedBytes(requested, .padded) == padded)
        #expect(DeviceAllocation.reservedBytes(requested, .plain) == plain)
    }

    @Test func hugeSizesHaveNoReservation() {
        #expect(DeviceAllocation.reservedBytes(.max, .padded) == nil)
        #expect(DeviceAllocation.reservedBytes(UInt(Int.max) + 1, .plain) == nil)
    }

    @Test func reductionsFollowArithmetic() {
        var left: [Float] = [1, -2, 3.5, 8]
        let right: [Float] = [4, -3, 3.5, 0.25]
        let expected: [(Reduction, [Float])] = [
            (.sum, [5, -5, 7, 8.25]), (.maximum, [4, -2, 3.5, 8]), (.minimum, [1, -3, 3.5, 0.25]),
            (.equal, [0, 0, 1, 0]),
        ]
        for (reduction, result) in expected {
            left = [1, -2, 3.5, 8]
            unsafe left.withUnsafeMutableBytes { target in
                unsafe right.withUnsafeBytes { source in
                    reduction.apply(
                        .float32, to: UInt(bitPattern: target.baseAddress), from: UInt(bitPattern: source.baseAddress),
                        bytes: 16)
                }
            }
            #expect(left == result)
        }
    }

    @Test func integersWrapAndNibblesAreSigned() {
        var bytes: [UInt8] = [250, 0x7f, 0x81]
        let others: [UInt8] = [10, 0x12, 0x1f]
        func apply(_ reduction: Reduction, _ element: Reduction.Element) {
            unsafe bytes.withUnsafeMutableBytes { target in
                unsafe others.withUnsafeBytes { source in
                    reduction.apply(
                        element, to: UInt(bitPattern: target.baseAddress), from: UInt(bitPattern: source.baseAddress),
                        bytes: 3)
                }
            }
        }
        apply(.sum, .uint8)
        #expect(bytes == [4, 0x91, 0xa0])
        bytes = [0x7f, 0x00, 0x81]
        // Low nibbles -1, 0, 1 against -6, 2, -1; high nibbles 7, 0, -8 against 0, 1, 1.
        apply(.maximum, .int4)
        #expect(bytes == [0x7f, 0x12, 0x11])
    }
}
