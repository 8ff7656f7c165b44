// SPDX-License-Identifier: Apache-2.0

/// Changes one field somewhere in a protobuf message, whatever its type, so that all lengths around it stay right.
enum WireMutator {
    /// One field as it lies in the bytes.
    private struct Field {
        var key: UInt64
        /// A number's bytes, or a content without its length.
        var content: [UInt8]

        var hasLength: Bool { key & 7 == 2 }
        var bytes: [UInt8] {
            varint(key) + (hasLength ? varint(UInt64(content.count)) : []) + content
        }
    }

    private static let numbers: [UInt64] = [
        0, 1, 2, 3, 4, 7, 8, 9, 16, 127, 128, 255, 4096, 65535, 65536, 1 << 24, 1 << 31 - 1, 1 << 31, 1 << 32, 1 << 40,
        1 << 47, 1 << 48, 1 << 61, 1 << 62, 1 << 63 - 1, 1 << 63, .max, .max - 1, .max - 2,
    ]

    /// - words: texts that mean something in such a message.
    static func mutated(_ message: [UInt8], words: [[UInt8]], limit: Int, _ random: inout Random) -> [UInt8] {
        guard var fields = fields(of: message), !fields.isEmpty else { return plainlyMutated(message, limit: limit) }
        let index = random.below(fields.count)
        switch random.below(16) {
        case 0: fields.remove(at: index)
        case 1: fields.insert(fields[index], at: random.below(fields.count + 1))
        case 2: fields.swapAt(index, random.below(fields.count))
        case 3: fields[index] = fields[random.below(fields.count)]
        case 4:
            // A field of the same kind from elsewhere in the message keeps its number.
            let donors = fields.filter { $0.key == fields[index].key }
            fields[index].content = donors[random.below(donors.count)].content
        case 5: fields[index].key = UInt64(1 + random.below(35)) << 3 | fields[index].key & 7
        default: fields[index] = changed(fields[index], words, limit, &random)
        }
        return fields.flatMap(\.bytes)
    }

    private static func changed(_ field: Field, _ words: [[UInt8]], _ limit: Int, _ random: inout Random) -> Field {
        var field = field
        guard field.hasLength else {
            if field.key & 7 == 0 {
                field.content = varint(numbers[random.below(numbers.count)])
            } else {
                field.content = plainlyMutated(field.content, limit: field.content.count)
            }
            return field
        }
        // What reads as a message mostly is one; texts seldom read as one.
        if !field.content.isEmpty, fields(of: field.content) != nil, random.below(16) != 0 {
            field.content = mutated(field.content, words: words, limit: limit, &random)
            return field
        }
        switch random.below(4) {
        case 0 where !words.isEmpty: field.content = words[random.below(words.count)]
        case 1:
            // A packed list of numbers.
            var list: [UInt8] = []
            for _ in 0..<random.below(6) { list += varint(numbers[random.below(numbers.count)]) }
            field.content = list
        default: field.content = plainlyMutated(field.content, limit: max(field.content.count + 16, 1))
        }
        return field
    }

    /// The fields of a message; nil for bytes that are none.
    private static func fields(of bytes: [UInt8]) -> [Field]? {
        var fields: [Field] = []
        var offset = 0
        func number() -> UInt64? {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 64, by: 7) {
                guard offset < bytes.count else { return nil }
                let byte = bytes[offset]
                offset += 1
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value }
            }
            return nil
        }
        while offset < bytes.count {
            guard let key = number(), key >> 3 > 0, key >> 3 < 1 << 16 else { return nil }
            let start = offset
            switch key & 7 {
            case 0:
                guard number() != nil else { return nil }
                fields.append(Field(key: key, content: Array(bytes[start..<offset])))
            case 1, 5:
                let size = key & 7 == 1 ? 8 : 4
                guard bytes.count - offset >= size else { return nil }
                offset += size
                fields.append(Field(key: key, content: Array(bytes[start..<offset])))
            case 2:
                guard let size = number(), size <= UInt64(bytes.count - offset) else { return nil }
                fields.append(Field(key: key, content: Array(bytes[offset..<offset + Int(size)])))
                offset += Int(size)
            default: return nil
            }
        }
        return fields
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes) = (value, [UInt8]())
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
