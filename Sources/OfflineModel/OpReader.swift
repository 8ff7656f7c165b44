// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// An OpDef: the node, with its references still as the file spells them.
struct StoredOp {
    var node = Node(name: "", type: "")
    /// One per slot, `producer:output`, then the control edges.
    var inputs: [String] = []
    /// What NetOutput's inputs are named after.
    var outputSources: [OutputSource] = []
}

/// Decodes OpDefs.
struct OpReader {
    var attributes: AttributeReader
    let constants: ConstantReader

    mutating func op(_ range: Range<Int>) throws(OfflineModelError) -> StoredOp {
        let bytes = attributes.bytes
        var op = StoredOp()
        var tables = NameTables()
        var value: AttributeReader.Entry?
        var sourceNames: [String] = []
        var sourceIndices: [Int] = []
        var fields = WireFields(bytes, range)
        while let field = try fields.next() {
            guard let content = field.content else {
                if field.number == 25 { sourceIndices.append(Int(field.integer)) }
                continue
            }
            switch field.number {
            case 1: op.node.name = try bytes.string(content)
            case 2: op.node.type = try bytes.string(content)
            case 5: op.inputs.append(try bytes.string(content))
            case 10:
                let entry = try attributes.entry(content)
                if entry.name == "value" {
                    value = entry
                } else if try !tables.take(entry, attributes) {
                    try attributes.add(entry, to: &op.node.attributes, depth: 0)
                }
            case 24: sourceNames.append(try bytes.string(content))
            case 25: try bytes.append(field, to: &sourceIndices)
            case 33: op.node.inputDescs.append(try attributes.desc(content, depth: 0).desc)
            case 34: op.node.outputs.append(try attributes.desc(content, depth: 0).desc)
            case 35: op.node.subgraphs.append(try bytes.string(content))
            default: continue
            }
        }
        if let value { try add(value, to: &op.node) }
        op.outputSources = zip(sourceNames, sourceIndices).map { OutputSource(node: $0, output: $1) }
        // The slots are known only now, whatever the order of the fields.
        let slots = max(op.inputs.count(where: { !$0.hasSuffix(":-1") }), op.node.inputDescs.count)
        op.node.inputNames = NameTables.names(tables.inputNames, tables.inputSlots, count: slots)
        op.node.outputNames = NameTables.names(tables.outputNames, tables.outputSlots, count: op.node.outputs.count)
        return op
    }

    /// Adds the attribute `value`; that of a Const node may have its elements in the weights.
    private mutating func add(_ entry: AttributeReader.Entry, to node: inout Node) throws(OfflineModelError) {
        let isConst = node.type == "Const" || node.type == "Constant"
        guard isConst, let content = try attributes.contents(entry.value, of: 12).last else {
            return try attributes.add(entry, to: &node.attributes, depth: 0)
        }
        let tensor = try attributes.tensor(content, depth: 1)
        node.attributes["value"] = .tensor(try constants.constant(tensor, of: node.name))
    }
}

/// The attributes that name the slots of an op: parallel lists of names and slot numbers, without a kind.
private struct NameTables {
    var inputNames: [String] = []
    var inputSlots: [Int64] = []
    var outputNames: [String] = []
    var outputSlots: [Int64] = []

    /// Whether the entry is one of the tables; it is then kept here.
    mutating func take(_ entry: AttributeReader.Entry, _ attributes: AttributeReader) throws(OfflineModelError) -> Bool
    {
        switch entry.name {
        case "_input_name_key": inputNames = try texts(entry, attributes)
        case "_input_name_value": inputSlots = try attributes.integers(attributes.listRange(entry.value), of: 3)
        case "_output_name_key": outputNames = try texts(entry, attributes)
        case "_output_name_value": outputSlots = try attributes.integers(attributes.listRange(entry.value), of: 3)
        default: return false
        }
        return true
    }

    private func texts(_ entry: AttributeReader.Entry, _ attributes: AttributeReader) throws(OfflineModelError)
        -> [String]
    {
        var texts: [String] = []
        for content in try attributes.contents(attributes.listRange(entry.value), of: 2) {
            texts.append(try attributes.bytes.string(content))
        }
        return texts
    }

    /// The names of `count` slots; empty if there is no table.
    static func names(_ names: [String], _ slots: [Int64], count: Int) -> [String] {
        if names.isEmpty || slots.isEmpty || count == 0 { return [] }
        var ordered = [String](repeating: "", count: count)
        for (name, slot) in zip(names, slots) where slot >= 0 && slot < count { ordered[Int(slot)] = name }
        return ordered
    }
}
