// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// The tables that expand compressed attributes: names written as numbers, and texts replaced by their index.
///
/// Source: GE writes `om_compress_version`, `attr_name_enum`, `attr_value_enum` and `attrs_use_string_value` into the
/// model's attributes.
struct AttributeNames {
    private let names: [String]
    private let values: [String]
    private let hasTextValue: [Bool]

    /// Takes the tables out of the model's attributes, since an expanded model does not need them; nil for a model
    /// whose attributes are not compressed.
    init?(from modelAttributes: inout [String: Attribute]) {
        guard let names = modelAttributes.strings("attr_name_enum") else { return nil }
        self.names = names
        values = modelAttributes.strings("attr_value_enum") ?? []
        if case .bools(let flags)? = modelAttributes["attrs_use_string_value"] {
            hasTextValue = flags
        } else {
            hasTextValue = []
        }
        for table in ["om_compress_version", "attr_name_enum", "attr_value_enum", "attrs_use_string_value"] {
            modelAttributes[table] = nil
        }
    }

    /// The name that `name` stands for, and whether numbers in its value stand for texts.
    ///
    /// A compressed name is a zero byte and then digits of base 127, each one greater by one, the lowest first.
    func expand(_ name: String) throws(OfflineModelError) -> (name: String, hasTextValue: Bool) {
        var digits = name.utf8.makeIterator()
        guard digits.next() == 0 else { return (name, false) }
        var index = 0
        var weight = 1
        while let digit = digits.next() {
            // A weight beyond the table's size cannot lead to an index within it.
            guard digit >= 1, weight <= names.count else { throw AttributeNames.unknown("name", Int64(index)) }
            index += (Int(digit) - 1) * weight
            weight *= 127
        }
        guard names.indices.contains(index) else { throw AttributeNames.unknown("name", Int64(index)) }
        return (names[index], hasTextValue.indices.contains(index) && hasTextValue[index])
    }

    func text(_ number: Int64) throws(OfflineModelError) -> String {
        guard let index = Int(exactly: number), values.indices.contains(index) else {
            throw AttributeNames.unknown("value", number)
        }
        return values[index]
    }

    private static func unknown(_ what: String, _ index: Int64) -> OfflineModelError {
        .malformedGraph("the table of compressed attributes has no \(what) number \(index)")
    }
}
