// SPDX-License-Identifier: Apache-2.0

/// `text` fit for a terminal or a message: characters that a terminal obeys or that reorder or hide others appear as
/// numbers, such as `\u{1b}`.
public func printable(_ text: String) -> String {
    // Nearly every text needs nothing.
    guard text.unicodeScalars.contains(where: \.isHidden) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        if scalar.isHidden {
            result += "\\u{\(String(scalar.value, radix: 16))}"
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}

extension Unicode.Scalar {
    /// Whether this is a control character, one of those that only steer how others appear, or a line separator.
    public var isHidden: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
