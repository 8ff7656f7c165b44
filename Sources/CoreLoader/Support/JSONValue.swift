// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// A JSON text as a tree. Numbers keep their spelling.
enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONValue])
    /// In the order of the text; the last of equal keys counts.
    case object([String: JSONValue])

    /// Levels of arrays and objects that the reader follows.
    static let depthLimit = 64

    subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members[key]
    }

    /// Reads `text`; nil when it is not JSON or nested too deeply.
    init?(_ text: [UInt8]) {
        var reader = JSONReader(text)
        guard let value = reader.value(depth: 0) else { return nil }
        reader.skipSpace()
        guard reader.isAtEnd else { return nil }
        self = value
    }
}

extension JSONValue: CustomStringConvertible {
    /// As JSON, with the members of objects in alphabetical order; texts are not escaped.
    var description: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let digits): digits
        case .string(let text): "\"\(text)\""
        case .array(let elements): "[" + elements.map(\.description).joined(separator: ", ") + "]"
        case .object(let members):
            "{" + members.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
        }
    }
}

private struct JSONReader {
    private let text: [UInt8]
    private var position = 0

    init(_ text: [UInt8]) { self.text = text }

    var isAtEnd: Bool { position == text.count }
    private var next: UInt8? { position < text.count ? text[position] : nil }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || (0x09...0x0d).contains(byte) && byte != 0x0b && byte != 0x0c {
            position += 1
        }
    }

    private mutating func take(_ byte: Character) -> Bool {
        guard next == byte.asciiValue else { return false }
        position += 1
        return true
    }

    private mutating func take(word: String) -> Bool {
        let bytes = Array(word.utf8)
        guard text[position...].starts(with: bytes) else { return false }
        position += bytes.count
        return true
    }

    mutating func value(depth: Int) -> JSONValue? {
        guard depth < JSONValue.depthLimit else { return nil }
        skipSpace()
        switch next.map({ Character(UnicodeScalar($0)) }) {
        case "{": return object(depth: depth)
        case "[": return array(depth: depth)
        case "\"": return string().map { .string($0) }
        case "t": return take(word: "true") ? .bool(true) : nil
        case "f": return take(word: "false") ? .bool(false) : nil
        case "n": return take(word: "null") ? .null : nil
        default: return number()
        }
    }

    private mutating func object(depth: Int) -> JSONValue? {
        var members: [String: JSONValue] = [:]
        position += 1
        skipSpace()
        if take("}") { return .object(members) }
        repeat {
            skipSpace()
            guard next == Character("\"").asciiValue, let key = string() else { return nil }
            skipSpace()
            guard take(":"), let member = value(depth: depth + 1) else { return nil }
            members[key] = member
            skipSpace()
        } while take(",")
        return take("}") ? .object(members) : nil
    }

    private mutating func array(depth: Int) -> JSONValue? {
        var elements: [JSONValue] = []
        position += 1
        skipSpace()
        if take("]") { return .array(elements) }
        repeat {
            guard let element = value(depth: depth + 1) else { return nil }
            elements.append(element)
            skipSpace()
        } while take(",")
        return take("]") ? .array(elements) : nil
    }

    private mutating func number() -> JSONValue? {
        let start = position
        _ = take("-")
        // No digit follows a leading zero.
        guard take("0") || digits() else { return nil }
        if take("."), !digits() { return nil }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            guard digits() else { return nil }
        }
        return .number(String(decoding: text[start..<position], as: UTF8.self))
    }

    private mutating func digits() -> Bool {
        let start = position
        while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
        return position > start
    }

    private mutating func string() -> String? {
        position += 1
        var bytes: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case 0x22: return String(validating: bytes, as: UTF8.self)
            case 0x5c:
                guard escape(into: &bytes) else { return nil }
            case 0..<0x20: return nil
            default: bytes.append(byte)
            }
        }
        return nil
    }

    private mutating func escape(into bytes: inout [UInt8]) -> Bool {
        guard let byte = next else { return false }
        position += 1
        let simple: [Character: UInt8] = [
            "\"": 0x22, "\\": 0x5c, "/": 0x2f, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9,
        ]
        let letter = Character(UnicodeScalar(byte))
        if let plain = simple[letter] {
            bytes.append(plain)
            return true
        }
        guard letter == "u", var code = hexadecimalQuad() else { return false }
        if (0xd800..<0xdc00).contains(code) {
            guard take("\\"), take("u"), let low = hexadecimalQuad(), (0xdc00..<0xe000).contains(low) else {
                return false
            }
            code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = UnicodeScalar(code) else { return false }
        bytes.append(contentsOf: Array(String(Character(scalar)).utf8))
        return true
    }

    private mutating func hexadecimalQuad() -> UInt32? {
        guard position + 4 <= text.count else { return nil }
        defer { position += 4 }
        return UInt32(String(decoding: text[position..<position + 4], as: UTF8.self), radix: 16)
    }
}
