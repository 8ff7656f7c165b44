// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// The shapes ("gears") that a model is converted for, among which each execution chooses one.
public struct ImportGears: Sendable {
    /// What the gears give; the numbers are those of GE's attribute `mbatch_dynamic_type`.
    public enum Kind: Int, Sendable {
        /// The first dimension of the inputs.
        case batch = 1
        /// Height and width of the inputs.
        case imageSize = 2
        /// Every dimension that is −1, one input after the other.
        case dims = 3
    }

    public var kind: Kind
    /// The values of each gear, all of the same number.
    public var values: [[Int]]
    /// Names of the inputs in the order in which gears of the kind `dims` list their dimensions.
    public var inputOrder: [String]

    public init(kind: Kind, values: [[Int]], inputOrder: [String]) {
        self.kind = kind
        self.values = values
        self.inputOrder = inputOrder
    }

    /// The static shapes in a gear, by input.
    func shapes(_ open: [String: [Int]], gear: Int) -> [String: [Int]] {
        var result = open
        var next = 0
        for name in inputOrder {
            guard let shape = open[name] else { continue }
            if kind != .dims { next = 0 }
            for (axis, dimension) in shape.enumerated() where dimension < 0 {
                result[name]?[axis] = values[gear][next]
                next += 1
            }
        }
        return result
    }
}
