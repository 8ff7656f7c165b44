// SPDX-License-Identifier: Apache-2.0

import CThreadTeam
import Glibc
import Synchronization
import Testing

/// What the bodies of a test count.
private final class Counts: Sendable {
    let visits: [Counter]
    let wrong = Atomic<Int>(0)

    final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }

    init(_ places: Int) { visits = (0..<places).map { _ in Counter() } }

    func visit(_ place: Int) {
        guard visits.indices.contains(place) else { return fail() }
        visits[place].value.wrappingAdd(1, ordering: .relaxed)
    }

    func fail() { wrong.wrappingAdd(1, ordering: .relaxed) }

    var result: [Int] { visits.map { $0.value.load(ordering: .relaxed) } }

    var pointer: UnsafeMutableRawPointer { unsafe Unmanaged.passUnretained(self).toOpaque() }

    static func at(_ pointer: UnsafeMutableRawPointer?) -> Counts {
        // Safe: the test that passed the pointer holds the object until all bodies have returned.
        unsafe Unmanaged<Counts>.fromOpaque(pointer.unsafelyUnwrapped).takeUnretainedValue()
    }
}

@Suite struct ThreadTeamTests {
    /// Runs `body` with a team of `threads`.
    private func withTeam(_ threads: Int32, _ body: () -> Void) {
        #expect(team_begin(threads))
        body()
        team_end()
    }

    private func visits(of count: Int32) -> [Int] {
        let counts = Counts(Int(count))
        withExtendedLifetime(counts) {
            unsafe team_run(
                count,
                { place, total, context in
                    let counts = unsafe Counts.at(context)
                    counts.visit(Int(place))
                    if Int(total) != counts.visits.count { counts.fail() }
                }, counts.pointer)
        }
        #expect(counts.wrong.load(ordering: .relaxed) == 0)
        return counts.result
    }

    @Test(arguments: [1, 2, 3, 8] as [Int32]) func everyPlaceIsVisitedOnce(threads: Int32) {
        withTeam(threads) {
            #expect(team_size() == threads)
            for count in [1, 2, 3, 7, 64, 1000] as [Int32] {
                #expect(visits(of: count) == Array(repeating: 1, count: Int(count)))
            }
        }
        #expect(team_size() == 1)
    }

    @Test func withoutATeamTheCallerDoesAll() {
        #expect(team_size() == 1)
        #expect(visits(of: 5) == [1, 1, 1, 1, 1])
    }

    @Test func theOutermostTeamDecides() {
        withTeam(2) {
            withTeam(4) { #expect(team_size() == 2) }
            #expect(team_size() == 2)
            #expect(visits(of: 3) == [1, 1, 1])
        }
    }

    @Test func workInsideWorkIsDoneByTheThreadThatAsks() {
        let counts = Counts(3)
        withTeam(3) {
            withExtendedLifetime(counts) {
                unsafe team_run(
                    2,
                    { _, _, outer in
                        unsafe team_run(3, { place, _, context in unsafe Counts.at(context).visit(Int(place)) }, outer)
                    }, counts.pointer)
            }
        }
        #expect(counts.result == [2, 2, 2])
    }

    @Test func manyCallersAtOnce() {
        let threads = (0..<6).map { _ in
            var thread = pthread_t()
            unsafe pthread_create(
                &thread, nil,
                { _ in
                    for size in 1...200 {
                        guard team_begin(Int32(1 + size % 3)) else {
                            return unsafe UnsafeMutableRawPointer(bitPattern: 1)
                        }
                        let counts = Counts(size)
                        withExtendedLifetime(counts) {
                            unsafe team_run(
                                Int32(size), { place, _, context in unsafe Counts.at(context).visit(Int(place)) },
                                counts.pointer)
                        }
                        team_end()
                        if counts.result.contains(where: { $0 != 1 }) {
                            return unsafe UnsafeMutableRawPointer(bitPattern: 2)
                        }
                    }
                    return nil
                }, nil)
            return thread
        }
        for thread in threads {
            var result: UnsafeMutableRawPointer?
            unsafe pthread_join(thread, &result)
            #expect(unsafe UInt(bitPattern: result) == 0, "1: no team, 2: a place not visited once")
        }
    }
}
