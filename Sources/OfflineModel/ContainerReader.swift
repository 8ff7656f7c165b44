// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

extension Container {
    private static let partitionLimit = 8
    private static let flowPartitionLimit = 4096

    /// Reads header and partition tables and checks them against the number of bytes, in the order and with the
    /// outcome of GE's loader. Offsets in the tables are ignored as there: partitions follow each other.
    init(_ bytes: CheckedBytes) throws(OfflineModelError) {
        let header = try ModelHeader(bytes)
        let tables: Int
        switch (header.modelType, header.version >= ModelHeader.presentVersion) {
        case (5, _): (kind, tables) = (.bundle, 1)
        case (3, true): (kind, tables) = (.flow, 1)
        case (_, true) where header.modelCount > 1 || header.isUnknownShape:
            (kind, tables) = (.dynamic, header.modelCount)
        default: (kind, tables) = (.single, 1)
        }
        self.header = header
        var offset = ModelHeader.byteCount
        partitions = try Container.table(bytes, at: &offset, header, kind)
        subModels = []
        for _ in 1..<tables { subModels.append(try Container.table(bytes, at: &offset, header, kind)) }
        if kind == .dynamic, offset != bytes.count { throw .trailingBytes(count: bytes.count - offset) }
    }

    /// Reads the table at `offset`, which then stands after the table's last partition.
    private static func table(
        _ bytes: CheckedBytes, at offset: inout Int, _ header: ModelHeader, _ kind: Kind
    ) throws(OfflineModelError) -> [Partition] {
        let start = offset
        let (head, entry) = header.hasWideTables ? (8, 24) : (4, 12)
        // Also the case of a table without anything after it: no model fits there.
        guard bytes.count - start > 8, let count: UInt32 = bytes.integer(at: start) else {
            throw .tableBeyondEnd(offset: start, size: head, available: bytes.count - start)
        }
        let limit = kind == .flow || kind == .bundle ? flowPartitionLimit : partitionLimit
        guard count >= 1, count <= limit else { throw .partitionCount(found: Int(count), limit: limit, offset: start) }
        let size = head + entry * Int(count)
        guard size < bytes.count - start else {
            throw .tableBeyondEnd(offset: start, size: size, available: bytes.count - start)
        }
        var partitions: [Partition] = []
        partitions.reserveCapacity(Int(count))
        offset += size
        for index in 0..<Int(count) {
            let place = start + head + entry * index
            let length =
                header.hasWideTables
                ? bytes.integer(at: place + 16, as: UInt64.self)
                : bytes.integer(at: place + 8, as: UInt32.self).map(UInt64.init)
            guard let number: UInt32 = bytes.integer(at: place), let length else {
                throw .tableBeyondEnd(offset: start, size: size, available: bytes.count - start)
            }
            let type = PartitionType(rawValue: number)
            guard length <= UInt64(clamping: bytes.count - offset) else {
                throw .partitionBeyondEnd(type: type, offset: offset, size: length, available: bytes.count - offset)
            }
            partitions.append(Partition(type: type, range: offset..<offset + Int(clamping: length)))
            offset += Int(clamping: length)
        }
        return partitions
    }
}

extension ModelHeader {
    init(_ bytes: CheckedBytes) throws(OfflineModelError) {
        guard let head = bytes.slice(0..<ModelHeader.byteCount) else { throw .tooSmall(size: bytes.count) }
        func number<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: T.Type) -> T {
            head.integer(at: offset) ?? 0  // never absent: all offsets below lie within the header
        }
        let magic = number(0, as: UInt32.self)
        guard magic == ModelHeader.magic else { throw .badMagic(found: magic) }
        version = number(8, as: UInt32.self)
        isEncrypted = number(80, as: UInt8.self) != 0
        modelType = number(82, as: UInt8.self)
        name = head.zeroTerminatedText(at: 84, size: 32)
        irVersion = number(152, as: UInt32.self)
        let isPresent = version >= ModelHeader.presentVersion
        modelCount = isPresent ? max(1, Int(number(156, as: UInt32.self))) : 1
        platformVersion = head.zeroTerminatedText(at: isPresent ? 160 : 156, size: 20)
        platformType = number(isPresent ? 180 : 176, as: UInt8.self)
        let wideLength = number(184, as: UInt64.self)
        bodyLength = wideLength != 0 ? wideLength : UInt64(number(76, as: UInt32.self))
        hasWideTables = wideLength != 0 || (isPresent && modelType == 3)
        isUnknownShape = number(193, as: UInt8.self) == 1
        // A bundle counts its header too.
        let actual = modelType == 5 ? bytes.count : bytes.count - ModelHeader.byteCount
        guard bodyLength == UInt64(clamping: actual) else { throw .lengthMismatch(stated: bodyLength, actual: actual) }
    }
}

extension CheckedBytes {
    /// The text in a field of fixed size, up to its first zero byte.
    fileprivate func zeroTerminatedText(at offset: Int, size: Int) -> String {
        String(decoding: (copy(offset..<offset + size) ?? []).prefix { $0 != 0 }, as: UTF8.self)
    }
}
