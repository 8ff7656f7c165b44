// SPDX-License-Identifier: Apache-2.0

public import GEGraph
import SaturatingArithmetic
import SwiftProtobuf

/// Writes offline models that this library, GE's parser and viewers of the format read.
public struct OfflineModelWriter {
    /// The attribute of the model by which a file of ours is known; its value names the version that wrote it.
    public static let producerAttribute = "pyaclmdl_producer"

    /// The bytes of a model; one whose inputs or outputs have dimensions of −1 says that it is of unknown shape.
    ///
    /// - `model`: valid graphs whose constants are inline; they are moved to WEIGHTS_DATA. The model's attributes are
    ///   written as they are; sizes and counts that GE's loader asks for are added where they are missing.
    /// - `description`: what the file states about inputs and outputs; derived from the graph if nil.
    /// - `platformVersion`: the text of the header's field, at most 19 bytes.
    /// - Throws: `malformedGraph` and `malformedWeights` for a model that cannot be written, naming the node.
    public static func write(
        _ model: Model, description: ModelDescription? = nil, platformVersion: String = "1.11.z.0"
    ) throws(OfflineModelError) -> [UInt8] {
        var graphs = GraphWriter()
        var definition = IRModelDef()
        definition.name = model.name
        definition.version = 2
        definition.customVersion = platformVersion
        definition.graph = [try graphs.write(model.graph)]
        for graph in model.subgraphs { definition.graph.append(try graphs.write(graph)) }

        let memory = featureMapBytes(model)
        let weights = graphs.weights.byteCount
        var schedule = IRModelTaskDef()
        schedule.memorySize = UInt64(clamping: memory)
        schedule.weightSize = UInt64(clamping: weights)
        schedule.streamNum = 1
        let tasks = try serialized(schedule)
        var attributes = model.attributes
        attributes["memory_size"] = attributes["memory_size"] ?? .int(Int64(memory))
        attributes["weight_size"] = .int(Int64(weights))
        for (name, value) in [("stream_num", 1), ("event_num", 0)] where attributes[name] == nil {
            attributes[name] = .int(Int64(value))
        }
        attributes["om_info_list"] = .ints([Int64(weights), 0, 0, Int64(tasks.count), 0])
        attributes[producerAttribute] = attributes[producerAttribute] ?? .string("PyAclMdl")
        definition.attr = try IRAttrEntry.entries(attributes, where: "the model")

        let isDynamic = model.graph.nodes.contains { node in
            let descs =
                node.type == "NetOutput" ? node.inputs.compactMap { $0.map { model.graph.desc(of: $0) } } : node.outputs
            return (node.type == "NetOutput" || Graph.dataTypes.contains(node.type))
                && descs.contains { !$0.isStatic }
                && node.attributes["_mbatch_origin_input_dims"] == nil && node.attributes["_dynamic_output_dims"] == nil
        }
        let stated: ModelDescription
        if let description {
            stated = description
        } else {
            stated = try ModelDescription(of: model, outputSources: [], isDynamic: isDynamic)
        }
        let inOutInfo = stated.partitionBytes
        let modelDef = try serialized(definition)
        guard modelDef.count <= Int32.max else {
            throw .malformedGraph("the graph takes \(modelDef.count) bytes, expected at most \(Int32.max)")
        }
        let sizes: [(type: PartitionType, size: Int)] = [
            (.inOutInfo, inOutInfo.count), (.modelDef, modelDef.count), (.weights, weights), (.tasks, tasks.count),
        ]
        var writer = ByteWriter()
        writer.header(name: model.name, platformVersion: platformVersion, sizes.map(\.size), isDynamic: isDynamic)
        writer.table(sizes)
        writer.append(inOutInfo)
        writer.append(modelDef)
        graphs.weights.append(to: &writer)
        writer.append(tasks)
        return writer.bytes
    }

    /// Bytes of all tensors that nodes produce: the memory that a plan without any reuse takes. Only one of several
    /// sub-graphs (branches, gears) runs at a time.
    private static func featureMapBytes(_ model: Model) -> Int {
        let (sum, overflow) = featureMapBytes(model.graph).addingReportingOverflow(
            model.subgraphs.map { featureMapBytes($0) }.max() ?? 0)
        return overflow ? Int.max : sum
    }

    private static func featureMapBytes(_ graph: Graph) -> Int {
        var total = 0
        for node in graph.nodes where node.constant == nil && !["NetOutput", "FileConstant"].contains(node.type) {
            for desc in node.outputs {
                let (padded, overflow) = (desc.byteCount ?? 0).addingReportingOverflow(511 + 32)
                let (sum, sumOverflow) = total.addingReportingOverflow(overflow ? 0 : padded / 512 * 512)
                if !sumOverflow { total = sum }
            }
        }
        return total
    }

    private static func serialized(_ message: some Message) throws(OfflineModelError) -> [UInt8] {
        do {
            return try message.serializedBytes()
        } catch {
            throw .malformedGraph("it cannot be written: \(error)")
        }
    }
}

extension ByteWriter {
    private static let tableHeadBytes = 8
    private static let tableEntryBytes = 24

    fileprivate mutating func header(name: String, platformVersion: String, _ sizes: [Int], isDynamic: Bool) {
        let body = ByteWriter.tableHeadBytes + ByteWriter.tableEntryBytes * sizes.count + sizes.reduce(0, +)
        reserve(ModelHeader.byteCount + body)
        append(ModelHeader.magic)
        append(UInt32(clamping: ModelHeader.byteCount))
        append(ModelHeader.presentVersion)
        pad(to: 84)  // checksum, 32-bit length, encryption, model type 0, mode 0: all zero
        append(name, field: 32)
        pad(to: 152)  // operators, user info
        append(UInt32(2))  // version of the IR
        append(UInt32(1))  // number of models
        append(platformVersion, field: 20)
        append(UInt32(1))  // platform type
        append(UInt64(clamping: body))
        pad(to: 193)
        append(isDynamic ? [1] : [0])
        pad(to: ModelHeader.byteCount)
    }

    fileprivate mutating func table(_ partitions: [(type: PartitionType, size: Int)]) {
        append(UInt64(clamping: partitions.count))
        var offset = 0
        for (type, size) in partitions {
            append(UInt64(type.rawValue))
            append(UInt64(clamping: offset))
            append(UInt64(clamping: size))
            offset += size
        }
    }
}
