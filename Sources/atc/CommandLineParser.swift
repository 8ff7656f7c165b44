// SPDX-License-Identifier: Apache-2.0

import ONNXImport

/// The options that a command line gives.
///
/// swift-argument-parser is not used: names with one dash or with dashes for underscores, booleans with an optional
/// value, the texts of its errors and the exit status are all fixed for this tool, and the package fixes other ones.
struct ParsedOptions {
    private(set) var values: [String: String] = [:]
    private(set) var wantsHelp = false

    /// Why a command line could not be understood.
    enum Failure: Error {
        /// Reported on standard error.
        case usage(String)
        /// A value that is out of range.
        case value(ConversionError)
    }

    init(_ arguments: [String]) throws(Failure) {
        var rest = arguments[...]
        var strays: [String] = []
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("-"), argument != "-" else {
                strays.append(argument)
                continue
            }
            if argument == "--" {
                strays += rest
                break
            }
            let body = argument.drop { $0 == "-" }
            let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].split(separator: "-", omittingEmptySubsequences: false).joined(separator: "_")
            guard let option = OptionSpec.byName[name == "h" ? "help" : name] else {
                throw .usage("unknown command line flag '\(name)'")
            }
            var value = parts.count > 1 ? String(parts[1]) : nil
            if value == nil, !option.isBoolean {
                guard let next = rest.popFirst() else {
                    throw .usage("flag '\(argument)' is missing its argument; flag description: \(option.help)")
                }
                value = next
            }
            try set(option, value ?? "")
            if wantsHelp { return }
        }
        for stray in strays {
            throw .usage("Non-option parameter: \(stray)")
        }
    }

    /// The value of an option, or its default.
    func value(_ name: String, default fallback: String = "") -> String { values[name] ?? fallback }

    /// Whether an option was given a value that is not empty.
    func has(_ name: String) -> Bool { values[name]?.isEmpty == false }

    private mutating func set(_ option: OptionSpec, _ value: String) throws(Failure) {
        switch option.kind {
        case .text: break
        case .integer:
            guard !value.isEmpty, value.allSatisfy({ $0.isASCII && $0.isNumber }), Int32(value) != nil else {
                throw .value(Self.typeError(option, value, "int32"))
            }
        case .boolean:
            let known = ["", "1", "t", "true", "y", "yes"]
            let isTrue = known.contains(value.lowercased())
            guard isTrue || ["0", "f", "false", "n", "no"].contains(value.lowercased()) else {
                throw .value(Self.typeError(option, value, "bool"))
            }
            if option.name == "help" { wantsHelp = isTrue }
        case .oneOf(let allowed):
            guard allowed.contains(value) else { throw .value(Self.rangeError(option, value, allowed)) }
        }
        values[option.name] = value
    }

    private static func typeError(_ option: OptionSpec, _ value: String, _ type: String) -> ConversionError {
        ConversionError(
            "E10003",
            "Value [\(value)] for parameter [\(option.name)] is invalid. Reason: The value type must be [\(type)].")
    }

    private static func rangeError(_ option: OptionSpec, _ value: String, _ allowed: [String]) -> ConversionError {
        switch option.name {
        case "log":
            return ConversionError(
                "E10010", "Log level [\(value)] of parameter [--log] is invalid.",
                solution: "Use debug, info, warning, error or null.")
        case "framework":
            return ConversionError(
                "E10007", "Parameter [--framework] is required and must be one of the supported values.",
                solution: "Use 5 (ONNX).")
        default:
            if allowed == ["0", "1"] || option.name == "external_weight" {
                return ConversionError(
                    "E10006", "Value [\(value)] for parameter [--\(option.name)] is invalid. It must be 1 or 0.")
            }
            return .invalidValue(
                value, of: "--\(option.name)", "The value must be one of \(allowed.joined(separator: ", ")).")
        }
    }
}

extension OptionSpec {
    fileprivate var isBoolean: Bool {
        if case .boolean = kind { true } else { false }
    }
}
