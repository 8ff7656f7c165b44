// SPDX-License-Identifier: Apache-2.0

/// The tables that expand compressed attributes: names written as numbers, and texts replaced by their index.
///
/// Source: GE writes `om_compress_version`, `attr_name_enum`, `attr_value_enum` and `attrs_use_string_value` into the
/// model's attributes.
struct AttributeNames {
    /// The model attributes that hold the tables; an expanded model does not need them.
    static let tableNames: Set<String> = [
        "om_compress_version", "attr_name_enum", "attr_value_enum", "attrs_use_string_value",
    ]

    private let names: [String]
    private let values: [String]
    private let hasTextValue: [Bool]

    /// Nil for a model whose attributes are not compressed.
    init?(modelAttributes: [IRAttrEntry]) {
        guard case .list(let names)? = modelAttributes["attr_name_enum"] else { return nil }
        self.names = names.s.map { String(decoding: $0, as: UTF8.self) }
        if case .list(let list)? = modelAttributes["attr_value_enum"] {
            values = list.s.map { String(decoding: $0, as: UTF8.self) }
        } else {
            values = []
        }
        if case .list(let list)? = modelAttributes["attrs_use_string_value"] {
            hasTextValue = list.b
        } else {
            hasTextValue = []
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
            guard digit >= 1, weight <= names.count else { throw AttributeNames.unknown("name", index) }
            index += (Int(digit) - 1) * weight
            weight *= 127
        }
        guard names.indices.contains(index) else { throw AttributeNames.unknown("name", index) }
        return (names[index], hasTextValue.indices.contains(index) && hasTextValue[index])
    }

    func text(_ number: Int64) throws(OfflineModelError) -> String {
        guard let index = Int(exactly: number), values.indices.contains(index) else {
            throw AttributeNames.unknown("value", Int(number))
        }
        return values[index]
    }

    private static func unknown(_ what: String, _ index: Int) -> OfflineModelError {
        .malformedGraph("the table of compressed attributes has no \(what) number \(index)")
    }
}
