// SPDX-License-Identifier: Apache-2.0

public import GEGraph
import SwiftProtobuf

/// An offline model, read and checked: one static model, or the root of a file that holds several.
///
/// Holds values only and keeps no pointer into the bytes it was read from.
public struct OfflineModelFile: Sendable {
    public let container: Container
    /// The graph as the file has it, in topological order. Constants of more than 4096 bytes stay in the weights.
    public let model: Model
    /// What the file states about its inputs and outputs; derived from the graph where it states nothing.
    public let description: ModelDescription
    /// Where WEIGHTS_DATA lies in the file's bytes; empty if there is none.
    public let weights: Range<Int>

    /// Reads a model. `bytes` is only read, and only during the call.
    ///
    /// Files for Kirin phones, encrypted files and bundles are refused as `unsupportedKind`.
    public init(parsing bytes: UnsafeRawBufferPointer) throws(OfflineModelError) {
        let bytes = unsafe CheckedBytes(bytes)
        let container = try Container(bytes)
        try OfflineModelFile.checkKind(container)
        self.container = container
        weights = container.range(of: .weights) ?? 0..<0
        let (model, sources) = try OfflineModelFile.model(bytes, container)
        self.model = model
        if let range = container.range(of: .inOutInfo), !range.isEmpty {
            description = try ModelDescription(partition: bytes.part(range), strict: false)
        } else {
            description = try ModelDescription(of: model, outputSources: sources, isDynamic: container.isDynamicShape)
        }
        if let range = container.range(of: .tasks), !range.isEmpty {
            try OfflineModelFile.checkTasks(bytes.part(range))
        }
        try OfflineModelError.checkMemory()
    }

    /// Nothing in the schedule is needed, but GE's loader refuses one that it cannot read.
    private static func checkTasks(_ bytes: CheckedBytes) throws(OfflineModelError) {
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        do {
            _ = try bytes.withData { try IRModelTaskDef(serializedBytes: $0, options: options) }
        } catch {
            throw .malformedTasks("it is not a readable \(IRModelTaskDef.protoMessageName): \(error)")
        }
    }

    /// Reads the header and the partition tables only.
    public static func container(of bytes: UnsafeRawBufferPointer) throws(OfflineModelError) -> Container {
        try unsafe Container(CheckedBytes(bytes))
    }

    /// Reads the description of inputs and outputs, and of the graph only what it takes to derive a missing one.
    public static func description(of bytes: UnsafeRawBufferPointer) throws(OfflineModelError) -> ModelDescription {
        let bytes = unsafe CheckedBytes(bytes)
        let container = try Container(bytes)
        try checkKind(container)
        if let range = container.range(of: .inOutInfo), !range.isEmpty {
            return try ModelDescription(partition: bytes.part(range), strict: true)
        }
        let (model, sources) = try model(bytes, container)
        return try ModelDescription(of: model, outputSources: sources, isDynamic: container.isDynamicShape)
    }

    private static func model(
        _ bytes: CheckedBytes, _ container: Container
    ) throws(OfflineModelError) -> (model: Model, outputSources: [OutputSource]) {
        guard let range = container.range(of: .modelDef) else {
            throw .malformedGraph("the file has no such partition")
        }
        return try ModelReader(bytes.part(range)).model(
            weights: bytes.part(container.range(of: .weights) ?? 0..<0), isComplete: container.kind != .flow)
    }

    private static func checkKind(_ container: Container) throws(OfflineModelError) {
        let header = container.header
        if header.isEncrypted {
            throw .unsupportedKind("the model is encrypted (header byte 80 is not 0), expected a plain one")
        }
        switch (container.kind, header.modelType) {
        case (.bundle, _):
            throw .unsupportedKind(
                "the file is a bundle of \(header.modelCount) models, which has a load function of its own")
        case (.single, 3): throw .unsupportedKind(kirinText("model type 3, a graph that was not compiled yet"))
        case (_, 4): throw .unsupportedKind(kirinText("model type 4, a compiled graph"))
        case (.flow, _), (_, 0...2): return
        default:
            throw .unsupportedKind(
                "the header states model type \(header.modelType), expected 0 to 3, or 5 for a bundle")
        }
    }

    static func kirinText(_ what: String) -> String {
        "the file is \(what) of Huawei's HiAI DDK for Kirin phones, expected a model for Ascend"
    }
}

extension CheckedBytes {
    /// The part in a partition's range, which the container reader has checked.
    fileprivate func part(_ range: Range<Int>) throws(OfflineModelError) -> CheckedBytes {
        guard let part = slice(range) else {
            throw .partitionBeyondEnd(
                type: .modelDef, offset: range.lowerBound, size: UInt64(clamping: range.count), available: count)
        }
        return part
    }
}
