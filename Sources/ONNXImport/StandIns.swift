// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// Sizes that stand for those that executions decide about.
///
/// A model of unknown shape is imported several times with different stand-ins: what is the same each time does not depend
/// on them, and sizes that differ are unknown.
struct StandIns {
    enum Turn: CaseIterable {
        case first, second
        /// The largest sizes that there can be, where they have a limit.
        case largest
    }

    /// Which dimensions have the same size.
    enum Grouping: CaseIterable {
        /// Those of one name in the model.
        case byName
        /// Those at one place of different inputs.
        case byAxis
        case all
    }

    let turn: Turn
    let grouping: Grouping
    private var groups: [String] = []

    init(_ turn: Turn, _ grouping: Grouping = .byName) {
        self.turn = turn
        self.grouping = grouping
    }

    /// The stand-in for a dimension of an input: a number that many others divide, below what position tables have.
    mutating func size(name: String, axis: Int, range: InputRange) -> Int {
        if turn == .largest, let upper = range.upper { return upper }
        let group =
            switch grouping {
            case .byName: name.isEmpty ? "axis \(axis)" : name
            case .byAxis: "axis \(axis)"
            case .all: ""
            }
        let number = groups.firstIndex(of: group) ?? groups.count
        if number == groups.count { groups.append(group) }
        let size = 64 * (1 + number % 4 + (turn == .first ? 0 : 4))
        guard let upper = range.upper, size > upper else { return max(size, range.lower) }
        return turn == .first ? upper : max(range.lower, upper / 2)
    }

    /// The stand-in for how many entries a result has that only an execution counts.
    func count(atMost limit: Int) -> Int {
        switch turn {
        case .first: 61
        case .second: 83
        case .largest: limit
        }
    }
}

/// The sizes that a dimension of an input may have.
public struct InputRange: Equatable, Sendable {
    public var lower: Int
    /// Nil for no limit.
    public var upper: Int?

    public init(lower: Int, upper: Int?) {
        self.lower = lower
        self.upper = upper
    }
}
