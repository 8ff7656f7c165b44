// SPDX-License-Identifier: Apache-2.0

import GEGraph

extension AttributeReader {
    /// An AttrDef's ListValue. Its kind (field 20) says which of its lists is meant; nil for a kind that a graph cannot
    /// hold, and for none.
    mutating func list(_ range: Range<Int>, depth: Int) throws(OfflineModelError) -> Attribute? {
        var kind: UInt64 = 0
        var fields = WireFields(bytes, range)
        while let field = try fields.next() {
            if field.number == 20, field.content == nil { kind = field.bits }
        }
        switch kind {
        case 1:
            let contents = try self.contents(range, of: 2)
            let texts = contents.compactMap { bytes.text($0) }
            return texts.count == contents.count ? .strings(texts) : .byteStrings(contents.map { bytes.copy($0) ?? [] })
        case 2: return .ints(try integers(range, of: 3))
        case 3:
            var values: [Float] = []
            var fields = WireFields(bytes, range)
            while let field = try fields.next() {
                if field.number == 4 { try bytes.append(field, to: &values) }
            }
            return .floats(values)
        case 4: return .bools(try integers(range, of: 5).map { $0 != 0 })
        case 5: return .byteStrings(try contents(range, of: 7).map { bytes.copy($0) ?? [] })
        case 6:
            var values: [TensorDesc] = []
            for content in try contents(range, of: 8) { values.append(try desc(content, depth: depth).desc) }
            return .tensorDescs(values)
        case 7:
            var values: [Constant] = []
            for content in try contents(range, of: 9) { values.append(try inlineTensor(content, depth: depth)) }
            return .tensors(values)
        case 9:
            var values: [Attribute] = []
            for content in try contents(range, of: 11) { values.append(try named(content, depth: depth)) }
            return .namedList(values)
        case 10:
            let numbers = try integers(range, of: 12)
            let types = numbers.compactMap(AttributeReader.dataType)
            return types.count == numbers.count ? .dataTypes(types) : .ints(numbers)
        default: return nil
        }
    }

    /// The numbers in the list's field, whatever the list's kind.
    func integers(_ range: Range<Int>, of number: Int) throws(OfflineModelError) -> [Int64] {
        var values: [Int64] = []
        var fields = WireFields(bytes, range)
        while let field = try fields.next() {
            if field.number == number { try bytes.append(field, to: &values) }
        }
        return values
    }

    /// Where the items of the list's field lie, whatever the list's kind.
    func contents(_ range: Range<Int>, of number: Int) throws(OfflineModelError) -> [Range<Int>] {
        var contents: [Range<Int>] = []
        var fields = WireFields(bytes, range)
        while let field = try fields.next() {
            if field.number == number, let content = field.content { contents.append(content) }
        }
        return contents
    }

    /// The list in an AttrDef; empty for an attribute of another kind.
    func listRange(_ attribute: Range<Int>) throws(OfflineModelError) -> Range<Int> {
        try contents(attribute, of: 1).last ?? 0..<0
    }
}
