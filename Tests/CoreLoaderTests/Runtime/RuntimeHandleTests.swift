// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CoreLoader

private final class Thing: Sendable {
    let number: Int
    init(_ number: Int) { self.number = number }
}

@Suite struct RuntimeHandleTests {
    @Test func handlesAreFoundUntilRemoved() throws {
        let table = HandleTable<Thing>(.event)
        let handle = try #require(table.insert(Thing(7)))
        #expect(table.find(handle)?.number == 7)
        #expect(table.remove(handle)?.number == 7)
        #expect(table.find(handle) == nil)
        #expect(table.remove(handle) == nil)
        #expect(table.count == 0)
    }

    /// Streams and contexts have lines of their own there; exception information lives during a callback only, and
    /// stream configurations are memory.
    @Test func whatIsLeftAliveIsReportedForEveryKind() {
        let listed = LeakReport.tables.map(\.table.kind)
        let others: [HandleKind] = [.stream, .context, .exceptionInfo, .streamConfig]
        #expect(Set(listed).count == listed.count)
        #expect(Set(listed + others) == Set(HandleKind.allCases))
    }

    @Test func handlesAreNoAddressesAndNeverNegative() throws {
        for kind in HandleKind.allCases {
            let handle = try #require(HandleTable<Thing>(kind).insert(Thing(0)))
            #expect(handle.bits >> 47 != 0 && handle.bits >> 63 == 0)
            #expect(handle.kind == kind)
        }
    }

    @Test func reusedSlotsGetNewHandles() throws {
        let table = HandleTable<Thing>(.event)
        var seen: Set<UInt> = []
        for number in 0..<10_000 {
            let handle = try #require(table.insert(Thing(number)))
            #expect(seen.insert(handle.bits).inserted)
            #expect(table.remove(handle)?.number == number)
        }
    }

    @Test func wrongHandlesAreDescribed() throws {
        let events = HandleTable<Thing>(.event)
        let streams = HandleTable<Thing>(.stream)
        let handle = try #require(events.insert(Thing(0)))
        #expect(streams.find(handle) == nil)
        #expect(streams.describe(handle).contains("of the kind event, not stream"))
        _ = events.remove(handle)
        #expect(events.describe(handle).contains("has been destroyed"))
        #expect(events.describe(Handle(bits: 0x7fff_1234_5678)).contains("not a handle"))
        #expect(events.describe(Handle(bits: 0)).contains("null"))
        // Any bit that differs makes another handle.
        for bit in 0..<64 where events.find(Handle(bits: handle.bits ^ 1 << bit)) != nil { Issue.record("bit \(bit)") }
    }

    @Test func queuesKeepTheirOrder() {
        var queue = FIFO<Int>()
        var next = 0
        var expected = 0
        for step in 0..<20_000 {
            queue.append(next)
            next += 1
            if step % 3 == 0 {
                let element = queue.removeFirst()
                #expect(element == expected)
                expected += 1
            }
        }
        #expect(queue.count == next - expected)
        while let element = queue.removeFirst() {
            #expect(element == expected)
            expected += 1
        }
        #expect(expected == next && queue.isEmpty)
    }
}
