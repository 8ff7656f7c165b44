// SPDX-License-Identifier: Apache-2.0

import GEGraph
import OfflineModel
import Testing

/// MODEL_INOUT_INFO partitions that are damaged or of a later release.
struct InOutInfoTests {
    private static func block(_ type: UInt32, _ value: [UInt8]) -> [UInt8] {
        littleEndian(type) + littleEndian(UInt32(value.count)) + value
    }

    /// A tensor record as the format has it: size, format, type, four lengths.
    private static func record(_ lengths: [UInt32]) -> [UInt8] {
        littleEndian(UInt64(4)) + littleEndian(Int32(2)) + littleEndian(Int32(0)) + lengths.flatMap { littleEndian($0) }
    }

    private func description(_ partition: [UInt8]) throws -> ModelDescription {
        try describe(ContainerBuilder([(.inOutInfo, partition), (.modelDef, [])]).bytes)
    }

    @Test func readsBlocksInAnyOrder() throws {
        let tensor =
            littleEndian(UInt32(1)) + Self.record([1, 8, 0, 16]) + Array("n".utf8) + littleEndian(Int64(-1))
            + littleEndian(Int64(1)) + littleEndian(Int64(-1))
        let batches = littleEndian(UInt32(2)) + littleEndian(Int64(1)) + littleEndian(Int64(4))
        let description = try description(Self.block(2, batches) + Self.block(1, tensor))
        #expect(description.dynamicBatch == [1, 4])
        #expect(description.inputs.isEmpty)
        #expect(
            description.outputs == [
                .init(
                    name: "n", dataType: .float, format: .nd, dims: [-1], dimsV2: [],
                    range: [.init(lower: 1, upper: -1)],
                    size: 4)
            ])
    }

    @Test func refusesDamage() {
        let many = UInt32.max
        let damaged: [[UInt8]] = [
            [1], littleEndian(UInt32(0)) + [1, 2],
            littleEndian(UInt32(0)) + littleEndian(UInt32(5)) + [1, 2, 3, 4],
            Self.block(0, littleEndian(UInt32(1))), Self.block(0, littleEndian(many)),
            Self.block(0, littleEndian(UInt32(1)) + Self.record([many, 0, 0, 0])),
            Self.block(0, littleEndian(UInt32(1)) + Self.record([0, 12, 0, 0])),
            Self.block(0, littleEndian(UInt32(1)) + Self.record([0, 16, 0, 0])),
            Self.block(
                0, littleEndian(UInt32(1)) + Self.record([0, 129 * 8, 0, 0]) + [UInt8](repeating: 0, count: 1032)),
            Self.block(0, littleEndian(UInt32(1)) + Self.record([0, 0, 0, 8]) + [UInt8](repeating: 0, count: 8)),
            Self.block(0, littleEndian(UInt32(1)) + littleEndian(UInt64.max) + [UInt8](repeating: 0, count: 24)),
            Self.block(2, littleEndian(many)), Self.block(3, littleEndian(many)),
            Self.block(3, littleEndian(UInt32(1)) + littleEndian(many)),
            Self.block(5, littleEndian(UInt32(1)) + littleEndian(UInt32(3)) + [65, 66]),
        ]
        for (index, partition) in damaged.enumerated() {
            let error = #expect(throws: OfflineModelError.self, "damage \(index)") { try description(partition) }
            #expect(error?.code == 500_002)
            #expect(error?.description.hasPrefix("partition MODEL_INOUT_INFO: ") == true)
        }
    }

    @Test func skipsUnknownBlocksOnlyWhenLoading() throws {
        let bytes = try OfflineModelWriter.write(TestModels.small)
        let range = try #require(try container(bytes).range(of: .inOutInfo))
        let parts = try container(bytes).partitions
        let table: ContainerBuilder.Table = parts.map { part in
            let content = Array(bytes[part.range])
            return (part.type, part.range == range ? content + Self.block(7, [1, 2, 3]) : content)
        }
        let later = ContainerBuilder(table).bytes
        #expect(try parse(later).description == parse(bytes).description)
        let error = #expect(throws: OfflineModelError.self) { try describe(later) }
        #expect(error?.code == 500_002)
        #expect(error?.description.contains("unknown type 7") == true)
    }
}
