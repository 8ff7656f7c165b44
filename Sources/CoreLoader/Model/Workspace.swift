// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// Memory for activations and scratch, and the turns that the executions in it take.
final class Workspace: @unchecked Sendable {
    // `users` is guarded by the lock of `CallerAreas`; the rest is constant.
    let range: AddressRange
    var users = 1
    private let turn = Turn()
    /// Turns of other workspaces that overlap this one, in the order in which everybody takes them.
    private let otherTurns: [Turn]

    init(range: AddressRange, sharingTurnsWith others: [Workspace] = []) {
        self.range = range
        otherTurns = others.map(\.turn)
    }

    /// Runs `body` while nobody else executes in this workspace or in one that overlaps it.
    ///
    /// The documentation asks callers to see to that; taking turns costs nothing when they do.
    @inline(__always)
    func takingTurns<Result>(_ body: () -> Result) -> Result {
        if otherTurns.isEmpty { return turn.with(body) }
        return takingTurns(from: 0, body)
    }

    /// As `takingTurns`, unless the thread is interrupted while it waits.
    @inline(__always)
    func awaitingTurns<Result>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        try awaitTurn()
        defer { endTurn() }
        return try body()
    }

    /// Begins what `endTurn` ends. Throws when the thread is interrupted while it waits, or has the turn already.
    @inline(__always)
    func awaitTurn() throws(Failure) {
        if !otherTurns.isEmpty { try awaitOtherTurns() }
        do throws(Failure) {
            try turn.await()
        } catch {
            giveOtherTurns(otherTurns.count)
            throw error
        }
    }

    @inline(__always)
    func endTurn() {
        turn.give()
        if !otherTurns.isEmpty { giveOtherTurns(otherTurns.count) }
    }

    private func awaitOtherTurns() throws(Failure) {
        for (index, turn) in otherTurns.enumerated() {
            do throws(Failure) {
                try turn.await()
            } catch {
                giveOtherTurns(index)
                throw error
            }
        }
    }

    /// Gives back the first `count`, the last first.
    private func giveOtherTurns(_ count: Int) {
        for turn in otherTurns.prefix(count).reversed() { turn.give() }
    }

    private func takingTurns<Result>(from index: Int, _ body: () -> Result) -> Result {
        guard index < otherTurns.count else { return turn.with(body) }
        return otherTurns[index].with { takingTurns(from: index + 1, body) }
    }
}
