// SPDX-License-Identifier: Apache-2.0

import CThreadTeam
import Synchronization
import Testing

/// What the processor raises during a team's work reaches the caller, and nothing else is changed by it.
@Suite struct ExceptionTests {
    /// Numbers that the compiler does not know, and whether the second place has been taken.
    private final class Work: Sendable {
        let numbers: [Float]
        let isShared = Atomic<Bool>(false)
        let product = Atomic<UInt32>(0)

        init(_ numbers: [Float]) { self.numbers = numbers }
    }

    /// Multiplies the numbers in the second of two places, on another thread if one comes within a second.
    private func raised(by numbers: [Float], threads: Int32) -> Int {
        #expect(team_begin(threads))
        defer { team_end() }
        let work = Work(numbers)
        let before = team_forget_exceptions()
        withExtendedLifetime(work) {
            unsafe team_run(
                2,
                { place, _, context in
                    // Safe: the work outlives the call.
                    let work = unsafe Unmanaged<Work>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
                    let deadline = ContinuousClock.now + .seconds(1)
                    while place == 0, team_size() > 1, !work.isShared.load(ordering: .relaxed),
                        ContinuousClock.now < deadline
                    {}
                    guard place == 1 else { return }
                    work.product.store((work.numbers[0] * work.numbers[1]).bitPattern, ordering: .relaxed)
                    work.isShared.store(true, ordering: .relaxed)
                }, Unmanaged.passUnretained(work).toOpaque())
        }
        let raised = Int(team_exceptions())
        _ = team_forget_exceptions()
        let after = team_exceptions()
        #expect(after == 0)
        team_restore_exceptions(before)
        return raised
    }

    @Test(arguments: [1, 2] as [Int32]) func exceptionsOfAllPlacesAreGathered(threads: Int32) {
        #expect(raised(by: [1, 2], threads: threads) == 0)
        #expect(raised(by: [.infinity, 0], threads: threads) == TEAM_INVALID)
        #expect(raised(by: [.greatestFiniteMagnitude, 2], threads: threads) == 0)
        // Products of what is NaN or infinite already raise nothing.
        #expect(raised(by: [.infinity, 2], threads: threads) == 0)
        #expect(raised(by: [.nan, 2], threads: threads) == 0)
    }

    @Test func theCallersOwnExceptionsComeBack() {
        let before = team_forget_exceptions()
        defer { team_restore_exceptions(before) }
        team_restore_exceptions(Int32(TEAM_INVALID))
        #expect(raised(by: [1, 2], threads: 1) == 0)
        #expect(Int(team_forget_exceptions()) == TEAM_INVALID)
    }
}
