// SPDX-License-Identifier: Apache-2.0

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import GEGraph

/// Protobuf attributes, descriptors and tensors → those of the graph.
struct AttributeReader {
    let names: AttributeNames?

    /// Values that the graph cannot hold (graphs, expressions, lists without a kind) are left out.
    func attributes(
        _ entries: [IRAttrEntry], except consumed: Set<String> = []
    ) throws(OfflineModelError) -> [String: Attribute] {
        var attributes: [String: Attribute] = [:]
        if entries.isEmpty { return attributes }
        attributes.reserveCapacity(entries.count)
        for entry in entries {
            var name = entry.key
            var hasTextValue = false
            if let names { (name, hasTextValue) = try names.expand(name) }
            if !consumed.isEmpty, consumed.contains(name) { continue }
            guard let value = try attribute(entry.value) else { continue }
            attributes[name] = hasTextValue ? try withTexts(value) : value
        }
        return attributes
    }

    private func withTexts(_ value: Attribute) throws(OfflineModelError) -> Attribute {
        guard let names else { return value }
        switch value {
        case .int(let number): return .string(try names.text(number))
        case .ints(let numbers):
            var texts: [String] = []
            for number in numbers { texts.append(try names.text(number)) }
            return .strings(texts)
        default: return value
        }
    }

    private func attribute(_ definition: IRAttrDef) throws(OfflineModelError) -> Attribute? {
        switch definition.value {
        case .s(let data): AttributeReader.text(data).map(Attribute.string) ?? .bytes([UInt8](data))
        case .bt(let data): .bytes([UInt8](data))
        case .i(let value): .int(value)
        case .f(let value): .float(value)
        case .b(let value): .bool(value)
        case .dt(let number): AttributeReader.dataType(number).map(Attribute.dataType) ?? .int(number)
        case .func(let value): .named(value.name, try attributes(value.attr))
        case .td(let value): .tensorDesc(try desc(value))
        case .t(let value): .tensor(try inlineTensor(value))
        case .listListInt(let value): .intLists(value.listListI.map(\.listI))
        case .listListFloat(let value): .floatLists(value.listListF.map(\.listF))
        case .list(let value): try list(value)
        case nil: nil
        }
    }

    private func list(_ list: IRAttrDef.ListValue) throws(OfflineModelError) -> Attribute? {
        switch list.valType {
        case .string:
            let texts = list.s.compactMap(AttributeReader.text)
            return texts.count == list.s.count ? .strings(texts) : .byteStrings(list.s.map { [UInt8]($0) })
        case .bytes: return .byteStrings(list.bt.map { [UInt8]($0) })
        case .int: return .ints(list.i)
        case .float: return .floats(list.f)
        case .bool: return .bools(list.b)
        case .dataType:
            let types = list.dt.compactMap(AttributeReader.dataType)
            return types.count == list.dt.count ? .dataTypes(types) : .ints(list.dt)
        case .tensorDesc:
            var values: [TensorDesc] = []
            for item in list.td { values.append(try desc(item)) }
            return .tensorDescs(values)
        case .tensor:
            var values: [Constant] = []
            for item in list.t { values.append(try inlineTensor(item)) }
            return .tensors(values)
        case .namedAttrs:
            var values: [Attribute] = []
            for item in list.na { values.append(.named(item.name, try attributes(item.attr))) }
            return .namedList(values)
        case .none, .graph, .UNRECOGNIZED: return nil
        }
    }

    private func inlineTensor(_ tensor: IRTensorDef) throws(OfflineModelError) -> Constant {
        Constant(try desc(tensor.desc), .inline([UInt8](tensor.data)))
    }

    /// The descriptor with what GE keeps in attributes (format, origin, size) moved into the fields for it.
    func desc(_ source: IRTensorDescriptor) throws(OfflineModelError) -> TensorDesc {
        let rank = source.shape.dim.count
        guard rank <= TensorDesc.rankLimit else {
            throw .malformedGraph("a tensor has \(rank) dimensions, expected at most \(TensorDesc.rankLimit)")
        }
        let layout = source.layout.isEmpty ? Format.undefined : Format(layout: source.layout) ?? .reserved
        var desc = TensorDesc(
            DataType(descriptorNumber: source.dtype), source.shape.dim.map { Int($0) }, format: layout,
            size: source.size > 0 ? Int(source.size) : nil, attributes: try attributes(source.attr))
        if !desc.attributes.isEmpty { AttributeReader.moveKnownAttributes(&desc) }
        return desc
    }

    private static func moveKnownAttributes(_ desc: inout TensorDesc) {
        if let number = desc.attributes.int("format_for_int").flatMap(Int32.init(exactly:)) {
            desc.format = Format(rawValue: number).primary
            // The upper bits (groups, C0) stay readable as an attribute.
            if number == desc.format.rawValue { desc.attributes["format_for_int"] = nil }
        }
        if let text = desc.attributes.removeValue(forKey: "origin_format"), case .string(let layout) = text {
            desc.originFormat = Format(layout: layout)
        }
        if let number = desc.attributes.int("origin_format_for_int").flatMap(Int32.init(exactly:)) {
            desc.attributes["origin_format_for_int"] = nil
            desc.originFormat = Format(rawValue: number).primary
        }
        if desc.originFormat == desc.format || desc.originFormat == .reserved { desc.originFormat = nil }
        let shape = desc.attributes.removeValue(forKey: "origin_shape")
        let isInitialized = desc.attributes.removeValue(forKey: "origin_shape_initialized") != .bool(false)
        if isInitialized, case .ints(let dims)? = shape, dims.count <= TensorDesc.rankLimit {
            let origin = dims.map { Int($0) }
            desc.originShape = origin == desc.shape ? nil : origin
        }
        if let size = desc.attributes.int("size") {
            desc.attributes["size"] = nil
            desc.size = size > 0 ? size : nil
        }
    }

    private static func text(_ data: Data) -> String? { String(validating: data, as: UTF8.self) }

    private static func dataType(_ number: Int64) -> DataType? {
        Int32(exactly: number).flatMap { DataType(rawValue: $0) }
    }
}

extension [IRAttrEntry] {
    /// The value of the entry with this key; as in a map, the last one counts.
    subscript(key: String) -> IRAttrDef.OneOf_Value? { last { $0.key == key }?.value.value }
}
