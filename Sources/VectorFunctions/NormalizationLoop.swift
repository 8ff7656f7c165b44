// SPDX-License-Identifier: Apache-2.0

/// Normalises each row of [rows, length] to the mean 0 and the variance 1, then multiplies it by factors and adds terms.
public struct NormalizationLoop: Sendable {
    /// Which factor and term an element gets.
    public enum Parameters: Sendable {
        case none
        /// One pair for each element of a row.
        case ofElement
        /// Row i takes pair i modulo `period`.
        case ofRow(period: Int)
    }
    public var rows, length: Int
    public var epsilon: Float
    public var parameters: Parameters

    public init(rows: Int, length: Int, epsilon: Float, parameters: Parameters) {
        self.rows = rows
        self.length = length
        self.epsilon = epsilon
        self.parameters = parameters
    }
}
