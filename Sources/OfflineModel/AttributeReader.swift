// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// Decodes attributes, descriptors and tensors where they lie in MODEL_DEF.
struct AttributeReader {
    /// Far above what models need: an attribute of a descriptor in a list of named attributes is eight deep.
    static let depthLimit = 48

    let bytes: CheckedBytes
    var names: AttributeNames?
    /// Descriptors may be empty, two bytes that become many in memory; real ones have at least a type.
    private var descriptorsLeft: Int

    init(_ bytes: CheckedBytes) {
        self.bytes = bytes
        descriptorsLeft = bytes.count / 4 + 1024
    }

    /// The key of a map's entry, expanded, and where the value lies.
    struct Entry {
        var name = ""
        var hasTextValue = false
        var value = 0..<0
    }

    func entry(_ range: Range<Int>) throws(OfflineModelError) -> Entry {
        var entry = Entry()
        var fields = WireFields(bytes, range)
        while let field = try fields.next() {
            guard let content = field.content else { continue }
            if field.number == 1 { entry.name = try bytes.string(content) }
            if field.number == 2 { entry.value = content }
        }
        if let names { (entry.name, entry.hasTextValue) = try names.expand(entry.name) }
        return entry
    }

    /// Adds the attribute of a map's entry. Values that the graph cannot hold (graphs, expressions, lists without a
    /// kind) are left out.
    mutating func add(_ entry: Entry, to attributes: inout [String: Attribute], depth: Int) throws(OfflineModelError) {
        guard let value = try attribute(entry.value, depth: depth) else { return }
        attributes[entry.name] = entry.hasTextValue ? try withTexts(value) : value
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

    /// An AttrDef.
    mutating func attribute(_ range: Range<Int>, depth: Int) throws(OfflineModelError) -> Attribute? {
        guard depth < AttributeReader.depthLimit else {
            throw .malformedGraph(
                "attributes at offset \(range.lowerBound) are nested deeper than \(AttributeReader.depthLimit)")
        }
        var value: Attribute?
        var fields = WireFields(bytes, range)
        while let field = try fields.next() {
            switch (field.number, field.content) {
            case (1, let content?): value = try list(content, depth: depth + 1)
            case (2, let content?): value = bytes.text(content).map(Attribute.string) ?? .bytes(copy(content))
            case (3, nil): value = .int(field.integer)
            case (4, nil): value = .float(field.float)
            case (5, nil): value = .bool(field.bits != 0)
            case (7, let content?): value = .bytes(copy(content))
            case (10, let content?): value = try named(content, depth: depth + 1)
            case (11, let content?): value = .tensorDesc(try desc(content, depth: depth + 1).desc)
            case (12, let content?): value = .tensor(try inlineTensor(content, depth: depth + 1))
            case (14, let content?):
                value = .intLists(
                    try lists(content) { bytes, field, list throws(OfflineModelError) in
                        try bytes.append(field, to: &list)
                    })
            case (15, nil):
                value = AttributeReader.dataType(field.integer).map(Attribute.dataType) ?? .int(field.integer)
            case (16, let content?):
                value = .floatLists(
                    try lists(content) { bytes, field, list throws(OfflineModelError) in
                        try bytes.append(field, to: &list)
                    })
            default: continue
            }
        }
        return value
    }

    private func copy(_ content: Range<Int>) -> [UInt8] { bytes.copy(content) ?? [] }

    /// A ListListInt or ListListFloat: messages (field 1) of numbers (field 1).
    private func lists<Number>(
        _ range: Range<Int>,
        append: (CheckedBytes, WireField, inout [Number]) throws(OfflineModelError) -> Void
    ) throws(OfflineModelError) -> [[Number]] {
        var lists: [[Number]] = []
        var outer = WireFields(bytes, range)
        while let field = try outer.next() {
            guard field.number == 1, let content = field.content else { continue }
            var list: [Number] = []
            var inner = WireFields(bytes, content)
            while let number = try inner.next() {
                if number.number == 1 { try append(bytes, number, &list) }
            }
            lists.append(list)
        }
        return lists
    }

    mutating func named(_ range: Range<Int>, depth: Int) throws(OfflineModelError) -> Attribute {
        var name = ""
        var attributes: [String: Attribute] = [:]
        var fields = WireFields(bytes, range)
        while let field = try fields.next() {
            guard let content = field.content else { continue }
            if field.number == 1 { name = try bytes.string(content) }
            if field.number == 2 { try add(entry(content), to: &attributes, depth: depth) }
        }
        return .named(name, attributes)
    }

    /// A TensorDef whose elements are in the graph.
    mutating func inlineTensor(_ range: Range<Int>, depth: Int) throws(OfflineModelError) -> Constant {
        let tensor = try tensor(range, depth: depth)
        return Constant(tensor.desc, .inline(copy(tensor.data)))
    }

    /// A TensorDef: its descriptor, with the place in the weights, and where elements in the graph lie.
    struct StoredTensor {
        var desc = TensorDesc(.undefined, [], format: .undefined)
        var weightsOffset = 0
        var weightsSize = 0
        var data = 0..<0
    }

    mutating func tensor(_ range: Range<Int>, depth: Int) throws(OfflineModelError) -> StoredTensor {
        var tensor = StoredTensor()
        var fields = WireFields(bytes, range)
        while let field = try fields.next() {
            guard let content = field.content else { continue }
            if field.number == 1 {
                let data = tensor.data
                tensor = try desc(content, depth: depth)
                tensor.data = data
            }
            if field.number == 2 { tensor.data = content }
        }
        return tensor
    }

    /// A TensorDescriptor, with what GE keeps in attributes (format, origin, size) moved into the fields for it.
    mutating func desc(_ range: Range<Int>, depth: Int) throws(OfflineModelError) -> StoredTensor {
        descriptorsLeft -= 1
        guard descriptorsLeft >= 0 else {
            throw .malformedGraph("it has more tensor descriptors than \(bytes.count) bytes can describe")
        }
        var tensor = StoredTensor()
        var fields = WireFields(bytes, range)
        while let field = try fields.next() {
            switch (field.number, field.content) {
            case (2, nil):
                tensor.desc.dataType = DataType(descriptorNumber: Int32(truncatingIfNeeded: field.integer))
            case (3, let content?): tensor.desc.shape = try shape(content)
            case (4, let content?) where !content.isEmpty:
                tensor.desc.format = Format(layout: try bytes.string(content)) ?? .reserved
            case (5, let content?): try add(entry(content), to: &tensor.desc.attributes, depth: depth)
            case (10, nil): tensor.desc.size = field.integer > 0 ? Int(field.integer) : nil
            case (11, nil): tensor.weightsSize = Int(field.integer)
            case (18, nil): tensor.weightsOffset = Int(field.integer)
            default: continue
            }
        }
        if !tensor.desc.attributes.isEmpty { AttributeReader.moveKnownAttributes(&tensor) }
        return tensor
    }

    private func shape(_ range: Range<Int>) throws(OfflineModelError) -> [Int] {
        var dims: [Int] = []
        var fields = WireFields(bytes, range)
        while let field = try fields.next() {
            if field.number == 1 { try bytes.append(field, to: &dims) }
        }
        guard dims.count <= TensorDesc.rankLimit else {
            throw .malformedGraph("a tensor has \(dims.count) dimensions, expected at most \(TensorDesc.rankLimit)")
        }
        return dims
    }

    private static func moveKnownAttributes(_ tensor: inout StoredTensor) {
        if let number = tensor.desc.attributes.int("format_for_int").flatMap(Int32.init(exactly:)) {
            tensor.desc.format = Format(rawValue: number).primary
            // The upper bits (groups, C0) stay readable as an attribute.
            if number == tensor.desc.format.rawValue { tensor.desc.attributes["format_for_int"] = nil }
        }
        if case .string(let layout)? = tensor.desc.attributes.removeValue(forKey: "origin_format") {
            tensor.desc.originFormat = Format(layout: layout)
        }
        if let number = take("origin_format_for_int", &tensor).flatMap(Int32.init(exactly:)) {
            tensor.desc.originFormat = Format(rawValue: number).primary
        }
        if tensor.desc.originFormat == tensor.desc.format || tensor.desc.originFormat == .reserved {
            tensor.desc.originFormat = nil
        }
        let shape = tensor.desc.attributes.removeValue(forKey: "origin_shape")
        let isInitialized = tensor.desc.attributes.removeValue(forKey: "origin_shape_initialized") != .bool(false)
        if isInitialized, case .ints(let dims)? = shape, dims.count <= TensorDesc.rankLimit {
            let origin = dims.map { Int($0) }
            tensor.desc.originShape = origin == tensor.desc.shape ? nil : origin
        }
        if let size = take("size", &tensor) { tensor.desc.size = size > 0 ? size : nil }
        if let size = take("weight_size", &tensor) { tensor.weightsSize = size }
        if let offset = take("data_offset", &tensor) { tensor.weightsOffset = offset }
    }

    private static func take(_ name: String, _ tensor: inout StoredTensor) -> Int? {
        guard let value = tensor.desc.attributes.int(name) else { return nil }
        tensor.desc.attributes[name] = nil
        return value
    }

    static func dataType(_ number: Int64) -> DataType? { Int32(exactly: number).flatMap { DataType(rawValue: $0) } }
}
