// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import CoreLoader

@Suite struct ModelCallerAreasTests {
    /// Memory that stands in for a caller's weight area.
    @safe private final class Memory: @unchecked Sendable {
        let bytes: UnsafeMutableRawBufferPointer
        init(_ count: Int) { unsafe bytes = .allocate(byteCount: count, alignment: 16) }
        deinit { unsafe bytes.deallocate() }

        func range(_ offset: Int = 0, _ count: Int? = nil) throws -> AddressRange {
            let base = unsafe try #require(bytes.baseAddress)
            let start = UInt(bitPattern: base) + UInt(offset)
            let length = unsafe count ?? (bytes.count - offset)
            return try #require(AddressRange(start: start, byteCount: length))
        }

        func fill(_ value: UInt8) { unsafe bytes.initializeMemory(as: UInt8.self, repeating: value) }
    }

    private final class Counter: Sendable {
        let value = Atomic(0)
    }

    private func model(_ name: String) -> ContentDigest {
        unsafe Array(name.utf8).withUnsafeBytes { unsafe ContentDigest(of: $0) }
    }

    @Test func theFirstWritesAndLaterOnesOnlyRead() throws {
        let areas = CallerAreas()
        let memory = Memory(1000)
        var writes = 0
        let first = try areas.shareWeights(at: memory.range(), model: model("a")) {
            writes += 1; memory.fill(1)
        }
        let second = try areas.shareWeights(at: memory.range(), model: model("a")) { writes += 1 }
        #expect(writes == 1)
        #expect(first === second)
        areas.release(first)
        areas.release(second)
        let third = try areas.shareWeights(at: memory.range(), model: model("a")) {
            writes += 1; memory.fill(2)
        }
        #expect(writes == 2)
        #expect(third !== first)
        areas.release(third)
    }

    @Test func overwrittenContentIsRefused() throws {
        let areas = CallerAreas()
        let memory = Memory(1000)
        let first = try areas.shareWeights(at: memory.range(), model: model("a")) { memory.fill(1) }
        unsafe memory.bytes[500] = 2
        let failure = #expect(throws: Failure.self) {
            _ = try areas.shareWeights(at: memory.range(), model: model("a")) { memory.fill(1) }
        }
        #expect(failure?.code == 145000)
        #expect(unsafe memory.bytes[500] == 2, "a refused load must not write")
        unsafe memory.bytes[500] = 1
        let second = try areas.shareWeights(at: memory.range(), model: model("a")) { Issue.record("wrote again") }
        areas.release(first)
        areas.release(second)
    }

    @Test func anythingElseInTheSameMemoryIsRefused() throws {
        let areas = CallerAreas()
        let memory = Memory(1000)
        let area = try areas.shareWeights(at: memory.range(100, 500), model: model("a")) { memory.fill(1) }
        for (offset, count, name) in [
            (100, 500, "b"), (100, 499, "a"), (100, 400, "a"), (99, 2, "b"), (599, 10, "b"), (0, 1000, "b"),
            (300, 1, "b"),
        ] {
            #expect(throws: Failure.self, "\(offset) \(count) \(name)") {
                _ = try areas.shareWeights(at: memory.range(offset, count), model: model(name)) {
                    Issue.record("wrote into \(offset) \(count)")
                }
            }
            #expect(throws: Failure.self) { _ = try areas.shareWorkspace(at: memory.range(offset, count)) }
        }
        // Touching is not overlapping.
        let below = try areas.shareWeights(at: memory.range(0, 100), model: model("b")) {}
        let above = try areas.shareWorkspace(at: memory.range(600, 400))
        #expect(throws: Failure.self) {
            _ = try areas.shareWeights(at: memory.range(700, 10), model: model("c")) {}
        }
        areas.release(area)
        areas.release(below)
        areas.release(above)
        let whole = try areas.shareWeights(at: memory.range(), model: model("c")) {}
        areas.release(whole)
    }

    @Test func aFailedWriteLeavesNothing() throws {
        let areas = CallerAreas()
        let memory = Memory(100)
        let failure = #expect(throws: Failure.self) {
            _ = try areas.shareWeights(at: memory.range(), model: model("a")) { () throws(Failure) in
                throw .engine(1, "no")
            }
        }
        #expect(failure?.code == 1)
        let area = try areas.shareWeights(at: memory.range(), model: model("b")) { memory.fill(3) }
        areas.release(area)
    }

    @Test func threadsThatComeAtOnceWriteOnce() async throws {
        let areas = CallerAreas()
        let memory = Memory(100_000)
        let range = try memory.range()
        let model = model("a")
        let writes = Counter()
        try await withThrowingTaskGroup(of: WeightArea.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try areas.shareWeights(at: range, model: model) {
                        writes.value.add(1, ordering: .relaxed)
                        memory.fill(9)
                    }
                }
            }
            for try await area in group { #expect(area.range == range) }
        }
        #expect(writes.value.load(ordering: .relaxed) == 1)
    }

    /// A non-atomic counter is exact only if the executions in overlapping workspaces take turns.
    @Test func executionsInOverlappingWorkspacesTakeTurns() async throws {
        final class Plain: @unchecked Sendable { var value = 0 }
        let areas = CallerAreas()
        let memory = Memory(100)
        let workspaces = [
            try areas.shareWorkspace(at: memory.range(0, 50)), try areas.shareWorkspace(at: memory.range(40, 50)),
            try areas.shareWorkspace(at: memory.range(0, 50)), try areas.shareWorkspace(at: memory.range(30, 20)),
        ]
        #expect(workspaces[0] === workspaces[2])
        let counter = Plain()
        await withTaskGroup(of: Void.self) { group in
            for workspace in workspaces {
                group.addTask {
                    for _ in 0..<5000 {
                        workspace.takingTurns { counter.value += 1 }
                    }
                }
            }
        }
        #expect(counter.value == 20_000)
        for workspace in workspaces { areas.release(workspace) }
    }

    /// Disjoint workspaces do not wait for each other: both bodies run inside one another.
    @Test func disjointWorkspacesDoNotWait() throws {
        let areas = CallerAreas()
        let memory = Memory(100)
        let one = try areas.shareWorkspace(at: memory.range(0, 50))
        let other = try areas.shareWorkspace(at: memory.range(50, 50))
        #expect(one.takingTurns { other.takingTurns { 42 } } == 42)
        areas.release(one)
        areas.release(other)
    }

    @Test func rangesThatWrapAroundDoNotExist() {
        #expect(AddressRange(start: UInt.max - 10, byteCount: 20) == nil)
        #expect(AddressRange(start: 0, byteCount: -1) == nil)
        #expect(AddressRange(start: UInt.max - 10, byteCount: 10) != nil)
    }
}
