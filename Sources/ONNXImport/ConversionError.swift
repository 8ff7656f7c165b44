// SPDX-License-Identifier: Apache-2.0

/// Why a model cannot be converted: an `atc` error code and what a user needs to mend it.
public struct ConversionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Such as `E16002`.
    public let code: String
    public let message: String
    public let cause: String?
    public let solution: String?

    public init(_ code: String, _ message: String, cause: String? = nil, solution: String? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.solution = solution
    }

    public var description: String { "\(code): \(message)" }

    /// A value of an option that its rules forbid.
    public static func invalidValue(_ value: String, of parameter: String, _ reason: String) -> ConversionError {
        ConversionError(
            "E10001", "Value [\(value)] for parameter [\(parameter)] is invalid. Reason: \(reason)",
            solution: "Try again with a valid argument.")
    }
}
