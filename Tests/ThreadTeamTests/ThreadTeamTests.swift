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
                        guard team_begin(Int32(1 + size % 3)) else { return UnsafeMutableRawPointer(bitPattern: 1) }
                        let counts = Counts(size)
                        withExtendedLifetime(counts) {
                            unsafe team_run(
                                Int32(size), { place, _, context in unsafe Counts.at(context).visit(Int(place)) },
                                counts.pointer)
                        }
                        team_end()
                        if counts.result.contains(where: { $0 != 1 }) { return UnsafeMutableRawPointer(bitPattern: 2) }
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

/// The entry points that oneDNN calls, with the meaning of GNU OpenMP's.
@Suite struct OneDNNEntriesTests {
    /// Runs a parallel region as GCC compiles it.
    private func region(
        _ threads: UInt32, _ counts: Counts, _ body: @convention(c) (UnsafeMutableRawPointer?) -> Void
    ) {
        withExtendedLifetime(counts) {
            unsafe acl__parallel_start(body, counts.pointer, threads)
            unsafe body(counts.pointer)
            acl__parallel_end()
        }
    }

    @Test(arguments: [1, 2, 4] as [Int32]) func aRegionHasTheThreadsOfTheTeam(threads: Int32) {
        #expect(team_begin(threads))
        let counts = Counts(Int(threads))
        #expect(acl_get_max_threads() == threads)
        region(0, counts) { context in
            let counts = unsafe Counts.at(context)
            counts.visit(Int(acl_get_thread_num()))
            if Int(acl_get_num_threads()) != counts.visits.count { counts.fail() }
            if (acl_in_parallel() != 0) != (counts.visits.count > 1) { counts.fail() }
        }
        team_end()
        #expect(counts.result == Array(repeating: 1, count: Int(threads)))
        #expect(counts.wrong.load(ordering: .relaxed) == 0)
        #expect(acl_in_parallel() == 0 && acl_get_num_threads() == 1 && acl_get_max_threads() == 1)
    }

    @Test func nobodyPassesABarrierBeforeAllHaveComeToIt() {
        #expect(team_begin(3))
        // Each place counts up once per round; behind the barrier all must have done so.
        let counts = Counts(3)
        region(3, counts) { context in
            let counts = unsafe Counts.at(context)
            for round in 1...50 {
                counts.visit(Int(acl_get_thread_num()))
                acl__barrier()
                if counts.result != [round, round, round] { counts.fail() }
                acl__barrier()
            }
        }
        team_end()
        #expect(counts.result == [50, 50, 50])
        #expect(counts.wrong.load(ordering: .relaxed) == 0)
    }

    @Test(arguments: [0, 1, 7, 1000]) func aSharedLoopVisitsEachIndexOnce(chunk: Int) {
        #expect(team_begin(3))
        let counts = Counts(100 + chunk)
        region(3, counts) { context in
            let counts = unsafe Counts.at(context)
            let chunk = counts.visits.count - 100
            var (first, last) = (0, 0)
            guard unsafe acl__loop_static_start(3, 97, 1, chunk, &first, &last) else { return }
            repeat {
                for index in first..<last { counts.visit(index) }
            } while unsafe acl__loop_static_next(&first, &last)
            acl__loop_end_nowait()
        }
        team_end()
        #expect(counts.result == (0..<100 + chunk).map { (3..<97).contains($0) ? 1 : 0 })
    }

    @Test func aRegionInsideARegionHasOneThread() {
        #expect(team_begin(2))
        let counts = Counts(2)
        region(2, counts) { context in
            unsafe acl__parallel(
                { inner in
                    let counts = unsafe Counts.at(inner)
                    if acl_get_num_threads() != 1 || acl_in_parallel() == 0 { counts.fail() }
                    counts.visit(0)
                }, context, 2, 0)
            unsafe Counts.at(context).visit(1)
            if acl_get_num_threads() != 2 { unsafe Counts.at(context).fail() }
        }
        team_end()
        #expect(counts.result == [2, 2])
        #expect(counts.wrong.load(ordering: .relaxed) == 0)
    }
}
