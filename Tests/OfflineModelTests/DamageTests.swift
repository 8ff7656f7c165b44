// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Glibc
import OfflineModel
import Testing

/// A damaged file is loaded or refused; it never traps, hangs, or makes the reader allocate out of proportion.
@Suite(.serialized)
struct DamageTests {
    private static let values: [UInt32] = [0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF]
    private static let codes: Set<Int32> = [100_000, 145_000, 145_006, 500_002]

    /// Everything that reads a file; true if it was loaded.
    private func read(_ bytes: [UInt8]) -> Bool {
        for attempt in [{ _ = try container(bytes) }, { _ = try describe(bytes) }] as [() throws -> Void] {
            do { try attempt() } catch { check(error) }
        }
        do {
            let file = try parse(bytes)
            #expect(file.model.graph.outputNode != nil)
            #expect(file.weights.upperBound <= bytes.count)
            return true
        } catch {
            check(error)
            return false
        }
    }

    private func check(_ error: any Error) {
        guard let error = error as? OfflineModelError else {
            Issue.record("unexpected error \(error)")
            return
        }
        #expect(Self.codes.contains(error.code))
        #expect(!error.description.isEmpty)
    }

    private var peakKilobytes: Int {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss
    }

    @Test func truncationAtEveryByte() throws {
        let bytes = try OfflineModelWriter.write(TestModels.small)
        for count in 0..<bytes.count {
            let cut = Array(bytes.prefix(count))
            #expect(!read(cut), "\(count) bytes")
            // With a length that fits, so that what lies behind the header is read.
            if count > 256 { _ = read(cut.replacing(at: 184, with: UInt64(count - 256))) }
        }
    }

    @Test func extremeValuesInEveryField() throws {
        let bytes = try OfflineModelWriter.write(TestModels.small)
        let before = peakKilobytes
        for offset in 0...(bytes.count - 4) where offset < 600 || offset % 4 == 0 {
            for value in Self.values { _ = read(bytes.replacing(at: offset, with: value)) }
        }
        #expect(peakKilobytes - before < 256 * 1024)
    }

    @Test(.enabled(if: Samples.arePresent)) func extremeValuesInAForeignFile() throws {
        let bytes = try Samples.bytes("ge_root_model.om")
        let before = peakKilobytes
        for offset in stride(from: 0, through: bytes.count - 4, by: 4) {
            for value in Self.values { _ = read(bytes.replacing(at: offset, with: value)) }
        }
        #expect(peakKilobytes - before < 256 * 1024)
    }

    @Test func randomDamage() throws {
        let bytes = try OfflineModelWriter.write(TestModels.large)
        let graph = try container(bytes).range(of: .modelDef) ?? 0..<0
        var random = SeededGenerator(state: 2024)
        for _ in 0..<600 {
            var damaged = bytes
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                damaged[Int.random(in: graph, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = read(damaged)
        }
    }

    @Test func refusesMessagesThatUnfold() throws {
        // Many empty ops (field 6), and many empty descriptors (field 33) in one op.
        let ops = message(field: 7, repeated([0x32, 0], 1 << 17))
        let descs = message(field: 7, message(field: 6, repeated([0x8A, 0x02, 0], 1 << 17)))
        let before = peakKilobytes
        for (content, text) in [(ops, "has no name"), (descs, "more tensor descriptors than")] {
            let error = #expect(throws: OfflineModelError.self) {
                try parse(ContainerBuilder([(.modelDef, content)]).bytes)
            }
            #expect(error?.description.contains(text) == true)
        }
        #expect(peakKilobytes - before < 32 * 1024)
    }

    @Test func refusesDeepNesting() throws {
        // attribute → named attributes → entry → attribute …
        var nested: [UInt8] = []
        for _ in 0..<2000 { nested = message(field: 2, message(field: 10, message(field: 2, nested))) }
        let content = message(field: 11, nested)
        let error = #expect(throws: OfflineModelError.self) {
            try parse(ContainerBuilder([(.modelDef, content)]).bytes)
        }
        #expect(error?.description.contains("nested deeper") == true)
    }

    private func repeated(_ bytes: [UInt8], _ count: Int) -> [UInt8] {
        [UInt8](repeatElement(bytes, count: count).joined())
    }

    /// A protobuf field of the wire type for messages.
    private func message(field: Int, _ content: [UInt8]) -> [UInt8] {
        varint(field << 3 | 2) + varint(content.count) + content
    }

    private func varint(_ value: Int) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F | 0x80)] + varint(value >> 7)
    }
}

/// xorshift64*, so that failures can be repeated.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }
}
