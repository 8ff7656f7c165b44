// SPDX-License-Identifier: Apache-2.0

import OfflineModel
import Testing

struct ContainerTests {
    private static let graph: (type: PartitionType, bytes: [UInt8]) = (.modelDef, [1, 2, 3])
    private static let weights: (type: PartitionType, bytes: [UInt8]) = (.weights, [UInt8](repeating: 7, count: 40))

    @Test(arguments: [true, false])
    func readsBothWidthsOfTables(_ isWide: Bool) throws {
        var builder = ContainerBuilder([Self.graph, Self.weights])
        builder.isWide = isWide
        let container = try container(builder.bytes)
        let start = 256 + (isWide ? 8 + 2 * 24 : 4 + 2 * 12)
        #expect(container.kind == .single)
        #expect(container.header.name == "name")
        #expect(container.header.platformVersion == "1.11.z.0")
        #expect(container.header.hasWideTables == isWide)
        #expect(container.range(of: .modelDef) == start..<start + 3)
        #expect(container.range(of: .weights) == start + 3..<start + 43)
        #expect(container.range(of: .tasks) == nil)
    }

    @Test func readsTheOldHeader() throws {
        var builder = ContainerBuilder([Self.graph])
        builder.version = 0x1000_0000
        builder.isWide = false
        let container = try container(builder.bytes)
        #expect(container.header.modelCount == 1)
        #expect(container.header.platformVersion == "1.11.z.0")
        #expect(container.kind == .single)
    }

    @Test func takesTheFirstOfEqualPartitions() throws {
        let container = try container(ContainerBuilder([Self.graph, (.modelDef, [9])]).bytes)
        #expect(container.range(of: .modelDef)?.count == 3)
    }

    @Test func readsSeveralModels() throws {
        let two = try container(ContainerBuilder([Self.graph], [Self.graph, Self.weights]).bytes)
        #expect(two.kind == .dynamic)
        #expect(two.subModels.map { $0.map(\.type) } == [[.modelDef, .weights]])
        var builder = ContainerBuilder([Self.graph])
        builder.isUnknownShape = true
        #expect(try container(builder.bytes).isDynamicShape)
    }

    @Test func recognisesFlowsAndBundles() throws {
        var flow = ContainerBuilder([Self.graph, (.flowModel, [1]), (.flowSubModel, [2])])
        flow.modelType = 3
        #expect(try container(flow.bytes).kind == .flow)
        var bundle = ContainerBuilder([(.bundledModel, [1]), (.bundledModel, [2])])
        bundle.modelType = 5
        #expect(try container(bundle.bytes).isBundle)
        let error = #expect(throws: OfflineModelError.self) { try parse(bundle.bytes) }
        #expect(error?.code == 500_002)
        #expect(error?.description.contains("bundle") == true)
    }

    @Test func refusesEncryptedFiles() throws {
        var builder = ContainerBuilder([Self.graph])
        builder.isEncrypted = true
        #expect(try container(builder.bytes).header.isEncrypted)
        let error = #expect(throws: OfflineModelError.self) { try parse(builder.bytes) }
        #expect(error?.code == 500_002)
        #expect(error?.description.contains("encrypted") == true)
    }

    @Test func refusesUnknownKinds() {
        for type: UInt8 in [4, 6, 255] {
            var builder = ContainerBuilder([Self.graph])
            builder.modelType = type
            let error = #expect(throws: OfflineModelError.self) { try parse(builder.bytes) }
            #expect(error?.code == 500_002)
            #expect(error?.description.contains("model type \(type)") == true)
        }
    }

    @Test func reportsEachDefectWithItsCode() {
        let good = ContainerBuilder([Self.graph, Self.weights]).bytes
        var noTable = ContainerBuilder()
        noTable.trailing = [UInt8](repeating: 0, count: 8)
        let nine = ContainerBuilder([(type: PartitionType, bytes: [UInt8])](repeating: Self.graph, count: 9))
        var tableOnly = ContainerBuilder()
        tableOnly.trailing = littleEndian(UInt64(1)) + [UInt8](repeating: 0, count: 24)
        var afterLast = ContainerBuilder([Self.graph], [Self.graph])
        afterLast.trailing = [0]
        let defects: [(bytes: [UInt8], codes: [Int32])] = [
            ([], [145_006, 145_006, 145_006, 145_006]),
            (Array(good.prefix(3)), [145_006, 145_006, 145_006, 145_006]),
            (Array(good.prefix(4)), [100_000, 145_000, 145_000, 145_000]),
            (Array(good.prefix(255)), [100_000, 145_000, 145_000, 145_000]),
            (good.replacing(at: 0, with: UInt32(0x444F_4D4A)), [145_000, 145_000, 145_000, 145_000]),
            (good + [0], [145_000, 145_000, 145_000, 145_000]),
            (noTable.bytes, [145_006, 145_006, 145_006, 145_006]),
            (ContainerBuilder([]).bytes, [145_006, 145_006, 145_006, 145_006]),
            (nine.bytes, [145_000, 145_000, 145_000, 145_000]),
            (tableOnly.bytes, [145_006, 145_006, 145_006, 145_006]),
            (good.replacing(at: 256, with: UInt32(0)), [145_000, 145_000, 145_000, 145_000]),
            (good.replacing(at: 256, with: UInt32(5)), [145_006, 145_006, 145_006, 145_006]),
            (good.replacing(at: 256 + 24, with: UInt64(44)), [145_006, 145_006, 145_006, 145_006]),
            (good.replacing(at: 256 + 24, with: UInt64.max), [145_006, 145_006, 145_006, 145_006]),
            (afterLast.bytes, [500_002, 500_002, 500_002, 500_002]),
        ]
        for (index, defect) in defects.enumerated() {
            let error = #expect(throws: OfflineModelError.self, "defect \(index)") { try container(defect.bytes) }
            let entries: [OfflineModelError.EntryPoint] = [.load, .querySize, .describe, .loadWithQueue]
            #expect(
                entries.map { error?.code(for: $0) } == defect.codes, "defect \(index): \(error?.description ?? "")")
            #expect(error?.code == defect.codes[0])
        }
    }

    @Test func acceptsBytesAfterTheLastPartitionOfAStaticModel() throws {
        var builder = ContainerBuilder([Self.graph])
        builder.trailing = [1, 2, 3]
        #expect(try container(builder.bytes).partitions.count == 1)
    }
}
