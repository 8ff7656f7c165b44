// SPDX-License-Identifier: Apache-2.0

import ONNXImport

/// An input and the shape that `--input_shape` gives it: −1 and a range for each dimension that executions choose.
typealias InputShape = (name: String, shape: [Int], ranges: [InputRange?])

/// Reads `--input_shape`: `name:1,3,224,224;other:1,8`. A name may hold colons; nothing after the last one is a scalar.
/// - withGears: whether dimensions may be left open as −1, for gears to give them.
func parseInputShapes(_ text: String, withGears: Bool) throws(ConversionError) -> [InputShape] {
    func malformed(_ part: Substring, _ reason: String) -> ConversionError {
        ConversionError(
            "E10002", "Parameter [--input_shape] is invalid at [\(part)]. Reason: \(reason)",
            solution: "Write it as \"input_name1:n1,c1,h1,w1;input_name2:n2,c2\", in quotation marks.")
    }
    var shapes: [InputShape] = []
    for part in text.split(separator: ";", omittingEmptySubsequences: true) {
        guard let colon = part.lastIndex(of: ":"), colon != part.startIndex else {
            throw malformed(part, "A name, a colon and a shape are expected.")
        }
        let name = String(part[..<colon])
        guard !shapes.contains(where: { $0.name == name }) else { throw malformed(part, "The input is given twice.") }
        var dimensions: [(size: Int, range: InputRange?)] = []
        let numbers = part[part.index(after: colon)...]
        for number in numbers.split(separator: ",", omittingEmptySubsequences: false) where !numbers.isEmpty {
            dimensions.append(try dimension(number, of: part, withGears: withGears, malformed))
        }
        shapes.append((name, dimensions.map(\.size), dimensions.map(\.range)))
    }
    guard !shapes.isEmpty else { throw malformed(text[...], "A name, a colon and a shape are expected.") }
    return shapes
}

/// `--input_shape_range`, the older spelling of `--input_shape` for shapes that executions choose: `name:[1~8,3,-1,-1]`.
func parseInputShapeRanges(_ text: String) throws(ConversionError) -> [InputShape] {
    try parseInputShapes(text.filter { $0 != "[" && $0 != "]" }, withGears: false)
}

private func dimension(
    _ text: Substring, of part: Substring, withGears: Bool, _ malformed: (Substring, String) -> ConversionError
) throws(ConversionError) -> (size: Int, range: InputRange?) {
    let number = text.drop { $0 == " " }
    if number == "-1" { return (-1, withGears ? nil : InputRange(lower: 1, upper: nil)) }
    if number.contains("~") {
        guard !withGears else {
            throw ConversionError(
                "E10040",
                "The shape [\(part)] in parameter [--input_shape] has a range, which does not go together with "
                    + "[--dynamic_batch_size], [--dynamic_image_size] or [--dynamic_dims].",
                solution: "Write -1 for the dimensions that the gears give.")
        }
        return (-1, try range(number, of: part, malformed))
    }
    guard let value = Int(number) else {
        throw malformed(part, "[\(text)] is not a whole number.")
    }
    guard value > 0 else {
        throw ConversionError(
            "E10011", "The dimension [\(value)] in parameter [--input_shape] at [\(part)] must be positive.")
    }
    return (value, nil)
}

/// `1~10`, or `1~-1` for no limit.
private func range(
    _ text: Substring, of part: Substring, _ malformed: (Substring, String) -> ConversionError
) throws(ConversionError) -> InputRange {
    let bounds = text.split(separator: "~", omittingEmptySubsequences: false).map { Int($0) }
    guard bounds.count == 2, let lower = bounds[0], let upper = bounds[1], lower >= 0,
        upper == -1 || upper >= max(lower, 1)
    else { throw malformed(part, "[\(text)] is not a range of sizes, such as 1~10.") }
    return InputRange(lower: lower, upper: upper == -1 ? nil : upper)
}
