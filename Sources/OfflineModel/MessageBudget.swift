// SPDX-License-Identifier: Apache-2.0

/// A look over a serialized ModelDef before it is decoded: it must be well-formed, not too deep, and must not unfold to
/// many times its size. An empty message takes two bytes in the file and hundreds in memory, so a file made for it could
/// else exhaust the memory of the machine.
struct MessageBudget {
    /// The messages of ge_ir.proto that can hold others or cost memory.
    private enum Message: UInt8 {
        case model, graph, op, attributeEntry, attribute, list, desc, tensor, named, shape, nestedLists, nestedList

        /// Roughly the bytes that one takes in memory, decoded and as part of the graph.
        var cost: Int {
            switch self {
            case .model, .graph: 512
            case .op: 768
            case .desc, .tensor: 512
            case .attributeEntry, .attribute: 128
            case .list, .named: 256
            case .shape, .nestedLists, .nestedList: 64
            }
        }

        func child(_ field: UInt64) -> Message? {
            switch (self, field) {
            case (.model, 7): .graph
            case (.graph, 6): .op
            case (.model, 11), (.graph, 11), (.op, 10), (.desc, 5), (.named, 2): .attributeEntry
            case (.op, 33), (.op, 34), (.attribute, 11), (.list, 8), (.tensor, 1): .desc
            case (.attributeEntry, 2): .attribute
            case (.attribute, 1): .list
            case (.attribute, 10), (.list, 11): .named
            case (.attribute, 12), (.list, 9): .tensor
            case (.attribute, 14), (.attribute, 16): .nestedLists
            case (.desc, 3): .shape
            case (.nestedLists, 1): .nestedList
            default: nil
            }
        }
    }

    /// Far above what a model needs: graph, op, attribute, list, tensor, descriptor, attribute are seven.
    static let depthLimit = 48
    private static let freeBytes = 1 << 20
    private static let bytesPerFileByte = 64

    private let bytes: CheckedBytes
    private var left: Int

    private init(_ bytes: CheckedBytes) {
        self.bytes = bytes
        left = MessageBudget.freeBytes + MessageBudget.bytesPerFileByte * bytes.count
    }

    /// Throws for bytes that should not be decoded as a ModelDef.
    static func check(_ bytes: CheckedBytes) throws(OfflineModelError) {
        var budget = MessageBudget(bytes)
        try budget.walk(.model, from: 0, to: bytes.count, depth: 0)
    }

    private mutating func walk(
        _ message: Message, from start: Int, to end: Int, depth: Int
    ) throws(OfflineModelError) {
        guard depth < MessageBudget.depthLimit else {
            throw .malformedGraph("messages at offset \(start) are nested deeper than \(MessageBudget.depthLimit)")
        }
        left -= message.cost
        guard left >= 0 else {
            throw .malformedGraph("its messages would take many times the \(bytes.count) bytes that it has")
        }
        var offset = start
        while offset < end {
            let place = offset
            guard let key = bytes.varint(at: &offset, end: end) else { throw unreadable(place) }
            switch key & 7 {
            case 0: guard bytes.varint(at: &offset, end: end) != nil else { throw unreadable(place) }
            case 1: offset += 8
            case 5: offset += 4
            case 2:
                guard let size = bytes.varint(at: &offset, end: end), size <= UInt64(end - offset) else {
                    throw unreadable(place)
                }
                let next = offset + Int(size)
                if let child = message.child(key >> 3) { try walk(child, from: offset, to: next, depth: depth + 1) }
                offset = next
            default: throw unreadable(place)
            }
            guard offset <= end else { throw unreadable(place) }
        }
    }

    private func unreadable(_ offset: Int) -> OfflineModelError {
        .malformedGraph("no protobuf field can be read at offset \(offset)")
    }
}
