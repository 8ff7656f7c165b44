// SPDX-License-Identifier: Apache-2.0

import GEGraph
import ONNXImport

/// The option among `--dynamic_batch_size`, `--dynamic_image_size` and `--dynamic_dims` that lists the gears, with GE's
/// checks and codes.
struct GearOption {
    private let kind: ImportGears.Kind
    private let name: String
    private let text: String

    private static let kinds: [(name: String, kind: ImportGears.Kind)] = [
        ("dynamic_batch_size", .batch), ("dynamic_image_size", .imageSize), ("dynamic_dims", .dims),
    ]
    private static let all = "[--dynamic_batch_size], [--dynamic_image_size] and [--dynamic_dims]"
    private static let limits = 2...100

    /// Nil where no such option is given.
    init?(_ options: ParsedOptions) throws(ConversionError) {
        let given = Self.kinds.filter { options.has($0.name) }
        guard let first = given.first else { return nil }
        guard given.count == 1, !options.has("input_shape_range") else {
            throw ConversionError(
                "E10009", "Parameters \(Self.all) and [--input_shape_range] exclude each other.",
                solution: "Give only one of them.")
        }
        guard options.has("input_shape") else {
            throw ConversionError(
                "E10004", "Parameter [--input_shape] is empty. It is needed together with [--\(first.name)].")
        }
        kind = first.kind
        name = first.name
        text = options.value(first.name)
    }

    /// The gears, once the shapes of the inputs have been found to leave open what they give.
    func gears(of shapes: [InputShape], format: Format) throws(ConversionError) -> ImportGears {
        let values: [[Int]]
        switch kind {
        case .batch:
            try checkBatch(shapes)
            values = try groups(separator: ",").map { text throws(ConversionError) in [try number(text)] }
        case .imageSize:
            try checkImageSize(shapes, format)
            values = try groups(separator: ";").map { text throws(ConversionError) in try numbers(text) }
            if let odd = values.first(where: { $0.count != 2 }) {
                throw ConversionError(
                    "E10020",
                    "Value [\(text)] for parameter [--dynamic_image_size] is invalid. Each gear has a height and a width, "
                        + "but \(odd) has \(odd.count) numbers.", solution: "Write it as \"320,320;640,640\".")
            }
        case .dims:
            let open = shapes.reduce(0) { sum, input in sum + input.shape.count(where: { $0 < 0 }) }
            guard open > 0 else {
                throw .invalidValue(
                    "", of: "--input_shape", "With --dynamic_dims at least one dimension must be -1.")
            }
            values = try groups(separator: ";").map { text throws(ConversionError) in try numbers(text) }
            if let odd = values.first(where: { $0.count != open }) {
                throw ConversionError(
                    "E10003",
                    "Value [\(text)] for parameter [--dynamic_dims] is invalid. Reason: the gear \(odd) has \(odd.count) "
                        + "numbers, but --input_shape has \(open) dimensions of -1.")
            }
        }
        try check(values)
        return ImportGears(kind: kind, values: values, inputOrder: shapes.map(\.name))
    }

    // MARK: The shapes of the inputs

    private func checkBatch(_ shapes: [InputShape]) throws(ConversionError) {
        for (name, shape, _) in shapes {
            guard let first = shape.first else {
                throw ConversionError(
                    "E10012", "Input [\(name)] is a scalar, which cannot have a batch size from [--dynamic_batch_size]."
                )
            }
            if let axis = shape.indices.dropFirst().first(where: { shape[$0] < 0 }) {
                throw ConversionError(
                    "E10018",
                    "Dimension \(axis) of input [\(name)] in parameter [--input_shape] is -1. With [--dynamic_batch_size] "
                        + "only the first dimension may be\(first < 0 ? "" : ", and it is \(first)").")
            }
        }
        guard shapes.contains(where: { $0.shape.first == -1 }) else {
            throw ConversionError(
                "E10031",
                "No input in parameter [--input_shape] has a first dimension of -1, to which [--dynamic_batch_size] "
                    + "could give values.")
        }
    }

    private func checkImageSize(_ shapes: [InputShape], _ format: Format) throws(ConversionError) {
        guard format == .nchw else {
            throw ConversionError(
                "E10003",
                "Value [\(format == .nd ? "ND" : "NCDHW")] for parameter [--input_format] is invalid. Reason: with "
                    + "[--dynamic_image_size] it must be NCHW.")
        }
        let open = shapes.map(\.shape).filter { $0.contains(-1) }
        let isFit = open.allSatisfy { shape in
            shape.count == 4 && shape.indices.filter { axis in shape[axis] < 0 } == [2, 3]
        }
        guard !open.isEmpty, isFit else {
            throw ConversionError(
                "E10019",
                "With [--dynamic_image_size] height and width of inputs of 4 dimensions must be -1 in parameter "
                    + "[--input_shape], both of them and nothing else.",
                solution: "Write it as \"name:1,3,-1,-1\".")
        }
    }

    // MARK: The values

    private func groups(separator: Character) throws(ConversionError) -> [Substring] {
        text.split(separator: separator)
    }

    private func numbers(_ text: Substring) throws(ConversionError) -> [Int] {
        try text.split(separator: ",").map { text throws(ConversionError) in try number(text) }
    }

    private func number(_ text: Substring) throws(ConversionError) -> Int {
        let digits = text.drop { $0 == " " }
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else {
            throw ConversionError(
                "E10003",
                "Value [\(self.text)] for parameter [--\(name)] is invalid. Reason: [\(text)] is not a number of digits."
            )
        }
        guard let value = Int32(digits) else {
            throw ConversionError(
                "E10013", "The number [\(digits)] in parameter [--\(name)] is greater than \(Int32.max).")
        }
        guard value > 0 else {
            if kind == .dims { throw .invalidValue(self.text, of: "--dynamic_dims", "All values must be positive.") }
            throw ConversionError(
                "E10038", "The number [\(digits)] in parameter [--\(name)] is invalid. All values must be positive.")
        }
        return Int(value)
    }

    private func check(_ values: [[Int]]) throws(ConversionError) {
        guard values.count >= Self.limits.lowerBound else {
            throw ConversionError(
                "E10035",
                "Parameter [--\(name)] has \(values.count) gears; at least \(Self.limits.lowerBound) are needed.")
        }
        guard values.count <= Self.limits.upperBound else {
            throw ConversionError(
                "E10036",
                "Parameter [--\(name)] has \(values.count) gears; at most \(Self.limits.upperBound) are allowed.")
        }
        guard Set(values).count == values.count else {
            throw ConversionError("E10039", "Parameter [--\(name)] lists a gear twice: [\(text)].")
        }
    }
}
