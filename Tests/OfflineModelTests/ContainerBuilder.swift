// SPDX-License-Identifier: Apache-2.0

import OfflineModel

/// Builds the bytes of containers, also of those that no tool of ours writes.
struct ContainerBuilder {
    typealias Table = [(type: PartitionType, bytes: [UInt8])]

    var version: UInt32 = 0x2000_0000
    var modelType: UInt8 = 0
    var isEncrypted = false
    var isUnknownShape = false
    var isWide = true
    var tables: [Table]
    var trailing: [UInt8] = []

    init(_ tables: Table...) { self.tables = tables }

    private var body: [UInt8] {
        var body: [UInt8] = []
        for table in tables {
            var offset = 0
            body += isWide ? littleEndian(UInt64(table.count)) : littleEndian(UInt32(table.count))
            for (type, bytes) in table {
                body += isWide ? littleEndian(UInt64(type.rawValue)) : littleEndian(type.rawValue)
                body += isWide ? littleEndian(UInt64(offset)) : littleEndian(UInt32(offset))
                body += isWide ? littleEndian(UInt64(bytes.count)) : littleEndian(UInt32(bytes.count))
                offset += bytes.count
            }
            for (_, bytes) in table { body += bytes }
        }
        return body + trailing
    }

    var bytes: [UInt8] {
        let body = body
        let stated = UInt64(modelType == 5 ? body.count + 256 : body.count)
        var header = [UInt8](repeating: 0, count: 256)
        header.replaceSubrange(0..<4, with: Array("IMOD".utf8))
        header = header.replacing(at: 4, with: UInt32(256)).replacing(at: 8, with: version)
        if !isWide { header = header.replacing(at: 76, with: UInt32(stated)) }
        header[80] = isEncrypted ? 1 : 0
        header[82] = modelType
        header.replaceSubrange(84..<88, with: Array("name".utf8))
        if version >= 0x2000_0000 {
            header = header.replacing(at: 156, with: UInt32(tables.count))
            header.replaceSubrange(160..<168, with: Array("1.11.z.0".utf8))
            if isWide { header = header.replacing(at: 184, with: stated) }
            header[193] = isUnknownShape ? 1 : 0
        } else {
            header.replaceSubrange(156..<164, with: Array("1.11.z.0".utf8))
        }
        return header + body
    }
}
