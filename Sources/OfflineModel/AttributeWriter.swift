// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic
import SwiftProtobuf

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Attributes, descriptors and tensors of the graph → protobuf.
extension IRAttrDef {
    /// `where`: the place that an error names.
    init(_ attribute: Attribute, where place: String) throws(OfflineModelError) {
        self.init()
        switch attribute {
        case .string(let value): s = Data(value.utf8)
        case .bytes(let value): bt = Data(value)
        case .int(let value): i = value
        case .float(let value): f = value
        case .bool(let value): b = value
        case .dataType(let value): dt = Int64(value.rawValue)
        case .tensor(let value): t = try IRTensorDef(inline: value, where: place)
        case .tensorDesc(let value): td = try IRTensorDescriptor(value, where: place)
        case .named(let name, let attributes): `func` = try IRNamedAttrs(name, attributes, where: place)
        case .intLists(let lists):
            listListInt = .with { message in
                message.listListI = lists.map { values in .with { $0.listI = values } }
            }
        case .floatLists(let lists):
            listListFloat = .with { message in
                message.listListF = lists.map { values in .with { $0.listF = values } }
            }
        default: list = try ListValue(attribute, where: place)
        }
    }

    /// A list without a kind, as GE writes its tables of slot names.
    static func untyped(_ fill: (inout ListValue) -> Void) -> IRAttrDef {
        var list = ListValue()
        fill(&list)
        return .with { $0.list = list }
    }
}

extension IRAttrEntry {
    init(_ key: String, _ value: IRAttrDef) {
        self.init()
        self.key = key
        self.value = value
    }

    /// The attributes of an op, descriptor, graph or model, in the order of their names.
    static func entries(
        _ attributes: [String: Attribute], where place: String
    ) throws(OfflineModelError) -> [IRAttrEntry] {
        var entries: [IRAttrEntry] = []
        entries.reserveCapacity(attributes.count)
        for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
            entries.append(IRAttrEntry(name, try IRAttrDef(value, where: "attribute '\(name)' of \(place)")))
        }
        return entries
    }
}

extension IRAttrDef.ListValue {
    fileprivate init(_ attribute: Attribute, where place: String) throws(OfflineModelError) {
        self.init()
        switch attribute {
        case .strings(let values): (valType, s) = (.string, values.map { Data($0.utf8) })
        case .byteStrings(let values): (valType, bt) = (.bytes, values.map { Data($0) })
        case .ints(let values): (valType, i) = (.int, values)
        case .floats(let values): (valType, f) = (.float, values)
        case .bools(let values): (valType, b) = (.bool, values)
        case .dataTypes(let values): (valType, dt) = (.dataType, values.map { Int64($0.rawValue) })
        case .tensors(let values):
            valType = .tensor
            for value in values { t.append(try IRTensorDef(inline: value, where: place)) }
        case .tensorDescs(let values):
            valType = .tensorDesc
            for value in values { td.append(try IRTensorDescriptor(value, where: place)) }
        case .namedList(let values):
            valType = .namedAttrs
            for case .named(let name, let attributes) in values {
                na.append(try IRNamedAttrs(name, attributes, where: place))
            }
            guard na.count == values.count else {
                throw .malformedGraph("\(place): the list holds something else than named attributes")
            }
        default: throw .malformedGraph("\(place): the value is not a list")
        }
    }
}

extension IRNamedAttrs {
    fileprivate init(
        _ name: String, _ attributes: [String: Attribute], where place: String
    ) throws(OfflineModelError) {
        self.init()
        self.name = name
        attr = try IRAttrEntry.entries(attributes, where: place)
    }
}

extension IRTensorDef {
    fileprivate init(inline constant: Constant, where place: String) throws(OfflineModelError) {
        guard case .inline(let bytes) = constant.data else {
            throw .malformedGraph("\(place): the elements are not in the graph, expected an inline constant")
        }
        self.init()
        desc = try IRTensorDescriptor(constant.desc, where: place)
        data = Data(bytes)
    }
}

extension IRTensorDescriptor {
    /// Only what a reader cannot know without it is written: the format's number where its name does not say it all,
    /// the origin where it differs.
    init(_ source: TensorDesc, where place: String) throws(OfflineModelError) {
        guard source.shape.count <= TensorDesc.rankLimit else {
            throw .malformedGraph(
                "\(place): \(source.shape.count) dimensions, expected at most \(TensorDesc.rankLimit)")
        }
        self.init()
        dtype = source.dataType.descriptorNumber
        shape.dim = source.shape.map { Int64($0) }
        layout = source.format == .undefined ? "" : source.format.layout ?? "FORMAT_RESERVED"
        size = Int64(source.size ?? 0)
        attr = try IRAttrEntry.entries(source.attributes, where: place)
        if source.format != .undefined, source.format.layout == nil, source.attributes["format_for_int"] == nil {
            attr.append(IRAttrEntry("format_for_int", .with { $0.i = Int64(source.format.rawValue) }))
        }
        if source.originFormat != nil || source.originShape != nil {
            let format = source.originFormat ?? source.format
            let dims = (source.originShape ?? source.shape).map { Int64($0) }
            attr += [
                IRAttrEntry("origin_format", .with { $0.s = Data((format.layout ?? "FORMAT_RESERVED").utf8) }),
                IRAttrEntry("origin_format_for_int", .with { $0.i = Int64(format.rawValue) }),
                IRAttrEntry(
                    "origin_shape", .with { value in value.list = .with { ($0.valType, $0.i) = (.int, dims) } }),
                IRAttrEntry("origin_shape_initialized", .with { $0.b = true }),
            ]
        }
    }

    /// The descriptor of a slot to which nothing is connected.
    static var absent: IRTensorDescriptor { .with { $0.layout = "FORMAT_RESERVED" } }
}
