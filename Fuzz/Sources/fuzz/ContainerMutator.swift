// SPDX-License-Identifier: Apache-2.0

import OfflineModel

/// Changes one partition of an offline model, so that the header and the table of partitions stay right.
enum ContainerMutator {
    static func mutated(_ file: [UInt8], words: [[UInt8]], limit: Int, _ random: inout Random) -> [UInt8] {
        let container = try? unsafe file.withUnsafeBytes { try unsafe OfflineModelFile.container(of: $0) }
        // The header itself is changed now and then.
        guard let container, container.kind == .single, container.header.hasWideTables, random.below(16) != 0 else {
            return plainlyMutated(file, limit: limit)
        }
        var contents = container.partitions.map { Array(file[$0.range]) }
        let types = container.partitions.map(\.type)
        let index =
            types.firstIndex(of: .modelDef).flatMap { random.below(4) != 0 ? $0 : nil } ?? random.below(types.count)
        switch types[index] {
        case .modelDef, .tasks:
            contents[index] = WireMutator.mutated(contents[index], words: words, limit: limit, &random)
        default: contents[index] = plainlyMutated(contents[index], limit: contents[index].count + 64)
        }
        // Without a description it is derived from the graph.
        if let description = types.firstIndex(of: .inOutInfo), random.below(4) == 0 { contents[description] = [] }
        return joined(file, types, contents)
    }

    private static func joined(_ file: [UInt8], _ types: [PartitionType], _ contents: [[UInt8]]) -> [UInt8] {
        var table = littleEndian(UInt64(types.count))
        var offset = 0
        for (type, content) in zip(types, contents) {
            table +=
                littleEndian(UInt64(type.rawValue)) + littleEndian(UInt64(offset)) + littleEndian(UInt64(content.count))
            offset += content.count
        }
        var header = Array(file.prefix(ModelHeader.byteCount))
        header.replaceSubrange(184..<192, with: littleEndian(UInt64(table.count + offset)))
        return header + table + contents.joined()
    }

    private static func littleEndian(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}
