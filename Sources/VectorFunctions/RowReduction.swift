// SPDX-License-Identifier: Apache-2.0

/// A fold of each row of [rows, length].
public struct RowReduction: Sendable {
    public enum Kind: UInt8, Sendable {
        case sum, mean, maximum, minimum
    }
    public var kind: Kind
    public var rows, length: Int

    public init(_ kind: Kind, rows: Int, length: Int) {
        self.kind = kind
        self.rows = rows
        self.length = length
    }
}
