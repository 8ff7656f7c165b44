// SPDX-License-Identifier: Apache-2.0

/// Normalises each row of [rows, length] to the mean 0 and the variance 1, then multiplies it by a number and adds another:
/// row i takes numbers i modulo `period`.
public struct NormalizationLoop: Sendable {
    public var rows, length, period: Int
    public var epsilon: Float

    public init(rows: Int, length: Int, period: Int, epsilon: Float) {
        self.rows = rows
        self.length = length
        self.period = period
        self.epsilon = epsilon
    }
}
