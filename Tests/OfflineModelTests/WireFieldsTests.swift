// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OfflineModel

struct WireFieldsTests {
    private func withFields(_ bytes: [UInt8], _ body: (CheckedBytes, inout WireFields) throws -> Void) throws {
        try unsafe bytes.withUnsafeBytes { buffer in
            let checked = unsafe CheckedBytes(buffer)
            var fields = WireFields(checked, 0..<bytes.count)
            try body(checked, &fields)
        }
    }

    @Test func readsEveryWireType() throws {
        // Field 1 = -1, field 2 = 8 bytes, field 3 = "hi", field 4 = 1.0, field 300 = 5.
        let minusOne: [UInt8] = [0x08] + [UInt8](repeating: 0xFF, count: 9) + [0x01]
        let bytes =
            minusOne + [0x11, 1, 0, 0, 0, 0, 0, 0, 0x80, 0x1A, 2, 0x68, 0x69, 0x25, 0, 0, 0x80, 0x3F, 0xE0, 0x12, 5]
        try withFields(bytes) { checked, fields in
            #expect(try fields.next()?.integer == -1)
            #expect(try fields.next()?.bits == 0x8000_0000_0000_0001)
            let text = try #require(try fields.next())
            #expect(text.number == 3)
            let content = try #require(text.content)
            #expect(try checked.string(content) == "hi")
            #expect(try fields.next()?.float == 1)
            let last = try #require(try fields.next())
            #expect((last.number, last.bits) == (300, 5))
            #expect(try fields.next() == nil)
        }
    }

    @Test(
        arguments: [
            [0x08], [0x08, 0x80], [0x80], [0x11, 1, 2, 3], [0x1A], [0x1A, 1], [0x1A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
            [0x1A] + [UInt8](repeating: 0xFF, count: 9) + [1], [0x25, 0, 0, 0], [0x0B], [0x0C], [0x0E], [0x0F],
            [0x08] + [UInt8](repeating: 0xFF, count: 10) + [1],
        ] as [[UInt8]])
    func refusesWhatIsCutOrUnknown(_ bytes: [UInt8]) throws {
        try withFields(bytes) { _, fields in
            #expect(throws: OfflineModelError.self) { try fields.next() }
        }
    }

    @Test func readsListsPackedAndUnpacked() throws {
        // 1: packed 1, -1; 1: 300; 2: packed 1.0; 2: 2.0
        let bytes: [UInt8] =
            [0x0A, 11, 1] + [UInt8](repeating: 0xFF, count: 9) + [1, 0x08, 0xAC, 0x02]
            + [0x12, 4, 0, 0, 0x80, 0x3F, 0x15, 0, 0, 0, 0x40]
        try withFields(bytes) { checked, fields in
            var integers: [Int64] = []
            var floats: [Float] = []
            while let field = try fields.next() {
                if field.number == 1 { try checked.append(field, to: &integers) }
                if field.number == 2 { try checked.append(field, to: &floats) }
            }
            #expect(integers == [1, -1, 300])
            #expect(floats == [1, 2])
        }
        try withFields([0x0A, 2, 1, 0x80]) { checked, fields in
            var values: [Int64] = []
            let field = try #require(try fields.next())
            #expect(throws: OfflineModelError.self) { try checked.append(field, to: &values) }
        }
        try withFields([0x0A, 3, 0, 0, 0]) { checked, fields in
            var values: [Float] = []
            let field = try #require(try fields.next())
            #expect(throws: OfflineModelError.self) { try checked.append(field, to: &values) }
        }
    }

    @Test func refusesTextsThatAreNotUTF8() throws {
        for bytes: [UInt8] in [[0xFF], [0xC3], [0x61, 0xE2, 0x82]] {
            try withFields([0x0A, UInt8(bytes.count)] + bytes) { checked, fields in
                let content = try #require(try fields.next()?.content)
                #expect(checked.text(content) == nil)
                #expect(throws: OfflineModelError.self) { try checked.string(content) }
            }
        }
        try withFields([0x0A, 3, 0x61, 0xC3, 0xA4]) { checked, fields in
            let content = try #require(try fields.next()?.content)
            #expect(checked.text(content) == "a\u{E4}")
        }
    }
}
