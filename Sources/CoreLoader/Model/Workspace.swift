// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// Memory for activations and scratch, and the turns that the executions in it take.
final class Workspace: @unchecked Sendable {
    // `users` is guarded by the lock of `CallerAreas`; the rest is constant.
    let range: AddressRange
    var users = 1
    private let turn: Turn
    /// Turns of other workspaces that overlap this one, in the order in which everybody takes them.
    private let otherTurns: [Turn]

    private final class Turn: Sendable {
        let lock = Protected(())
    }

    init(range: AddressRange, sharingTurnsWith others: [Workspace] = []) {
        self.range = range
        turn = Turn()
        otherTurns = others.map(\.turn)
    }

    /// Runs `body` while nobody else executes in this workspace or in one that overlaps it.
    ///
    /// The documentation asks callers to see to that; taking turns costs nothing when they do.
    @inline(__always)
    func takingTurns<Result>(_ body: () -> Result) -> Result {
        if otherTurns.isEmpty { return turn.lock.withLock { _ in body() } }
        return takingTurns(from: 0, body)
    }

    private func takingTurns<Result>(from index: Int, _ body: () -> Result) -> Result {
        guard index < otherTurns.count else { return turn.lock.withLock { _ in body() } }
        return otherTurns[index].lock.withLock { _ in takingTurns(from: index + 1, body) }
    }

    func resetAfterFork() { turn.lock.resetAfterFork() }
}
