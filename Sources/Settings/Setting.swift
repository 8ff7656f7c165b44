// SPDX-License-Identifier: Apache-2.0

import Files

/// One environment variable: its name, how it is read, and what holds without it.
public struct Setting<Value: Sendable>: Sendable {
    public let name: String
    /// What a value must be, for messages.
    public let expected: String
    /// What holds where the variable is not set or cannot be read.
    public let fallback: Value
    /// The fallback in words.
    public let fallbackText: String
    private let parse: @Sendable (String) throws(Unreadable) -> Value

    init(
        _ name: String, _ expected: String, default fallback: Value, _ fallbackText: String,
        parse: @escaping @Sendable (String) throws(Unreadable) -> Value
    ) {
        self.name = name
        self.expected = expected
        self.fallback = fallback
        self.fallbackText = fallbackText
        self.parse = parse
    }

    /// The value that the environment gives; a value that cannot be read is complained about and leaves the fallback.
    public func value(in environment: Environment) -> Value {
        guard let text = environment.variable(name) else { return fallback }
        do throws(Unreadable) {
            return try parse(text)
        } catch {
            environment.complain(
                "\(name)=\(printable(text)) cannot be read. Expected: \(expected). Used instead: \(fallbackText).")
            return fallback
        }
    }
}

/// A text is not what its setting expects.
struct Unreadable: Error {
    /// `value`, or an error where there is none.
    static func unless<Value>(_ value: Value?) throws(Unreadable) -> Value {
        guard let value else { throw Unreadable() }
        return value
    }
}

/// Where settings come from, and where complaints about them go.
public struct Environment: Sendable {
    public let variable: @Sendable (String) -> String?
    public let complain: @Sendable (String) -> Void

    public init(
        variable: @escaping @Sendable (String) -> String?, complain: @escaping @Sendable (String) -> Void
    ) {
        self.variable = variable
        self.complain = complain
    }
}
