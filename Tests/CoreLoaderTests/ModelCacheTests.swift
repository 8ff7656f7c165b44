// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import CoreLoader

private final class Thing: Sendable {}

private final class Counter: Sendable {
    let value = Atomic(0)
}

@Suite struct ModelCacheTests {
    private func digest(_ number: Int) -> ContentDigest {
        unsafe withUnsafeBytes(of: number) { unsafe ContentDigest(of: $0) }
    }

    @Test func theLastFewStayAndUsedOnesStay() throws {
        let cache = ModelCache<ContentDigest, Thing>(recentLimit: 2)
        var made = 0
        func get(_ number: Int) throws -> Thing {
            try cache.value(for: digest(number)) {
                made += 1; return Thing()
            }
        }
        let used = try get(0)
        _ = try get(1)
        _ = try get(2)
        #expect(made == 3)
        #expect(try get(0) === used, "somebody holds it")
        _ = try get(2)
        #expect(made == 3, "the last ones are at hand")
        _ = try get(1)
        #expect(made == 4, "1 fell out of the list and nobody held it")
    }

    @Test func failuresAreNotRemembered() throws {
        let cache = ModelCache<ContentDigest, Thing>(recentLimit: 2)
        let failure = #expect(throws: Failure.self) {
            _ = try cache.value(for: digest(1)) { () throws(Failure) in throw .engine(5, "no") }
        }
        #expect(failure?.code == 5)
        _ = try cache.value(for: digest(1)) { Thing() }
    }

    @Test func threadsThatComeAtOncePrepareOnce() async throws {
        let cache = ModelCache<ContentDigest, Thing>(recentLimit: 2)
        let made = Counter()
        let digest = digest(3)
        let things = try await withThrowingTaskGroup(of: Thing.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try cache.value(for: digest) {
                        made.value.add(1, ordering: .relaxed)
                        return Thing()
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(made.value.load(ordering: .relaxed) == 1)
        #expect(things.allSatisfy { $0 === things[0] })
    }

    @Test func manyModelsDoNotMakeTheTableGrow() throws {
        let cache = ModelCache<ContentDigest, Thing>(recentLimit: 2)
        for number in 0..<100 { _ = try cache.value(for: digest(number)) { Thing() } }
        #expect(cache.knownCount < 20)
    }
}
