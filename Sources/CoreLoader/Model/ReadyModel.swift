// SPDX-License-Identifier: Apache-2.0

import CAscendCL
import Executable
import GEGraph
import OfflineModel
import SaturatingArithmetic
import Settings

/// A model read from its bytes and prepared, shared by all loads of the same bytes; keeps nothing of the bytes.
final class ReadyModel: Sendable {
    let digest: ContentDigest
    let facts: ModelFacts
    /// Where the weights lie in the model's bytes.
    let weights: Range<Int>
    let isDynamicShape: Bool
    /// What runs; or why it cannot run here, for a sound model with operators that this library lacks.
    let prepared: Result<RunnableModel, Failure>
    /// Weights in files of their own, without their contents; nil if there are none.
    let external: ExternalWeights?
    /// Sizes that the file states for the hardware it was compiled for.
    let statedSizes: ModelSizes

    private static let cache = ModelCache<ContentDigest, ReadyModel>(recentLimit: 4)

    /// The model in `bytes`, from an earlier load or query of the same bytes if there is one.
    ///
    /// `bytes` is read during the call only.
    /// - external: the contents of the weights in files, once they are known.
    static func find(
        _ bytes: UnsafeRawBufferPointer, external: ExternalWeights? = nil,
        entry: OfflineModelError.EntryPoint = .load
    ) throws(Failure) -> ReadyModel {
        var digest = try unsafe ModelBytes.reading(bytes) { unsafe ContentDigest(of: bytes) }
        if let external { digest = try external.digest(of: digest) }
        return try cache.value(for: digest) { () throws(Failure) in
            // Watched as a whole: what was prepared from bytes that went away must not stay in the cache.
            let ready = try unsafe ModelBytes.reading(bytes) { () throws(Failure) in
                try unsafe ReadyModel(parse(bytes, entry), external, digest)
            }
            try EngineMemory.check()
            return ready
        }
    }

    private static func parse(
        _ bytes: UnsafeRawBufferPointer, _ entry: OfflineModelError.EntryPoint
    ) throws(Failure) -> OfflineModelFile {
        do throws(OfflineModelError) {
            return try unsafe OfflineModelFile(parsing: bytes)
        } catch {
            throw .badModel(error, entry: entry, size: bytes.count)
        }
    }

    private init(
        _ file: OfflineModelFile, _ contents: ExternalWeights?, _ digest: ContentDigest
    ) throws(Failure) {
        self.digest = digest
        facts = ModelFacts(description: file.description, model: file.model)
        weights = file.weights
        isDynamicShape = file.container.isDynamicShape
        let external = try ExternalWeights(in: file.model)
        self.external = external.constants.isEmpty ? nil : external
        prepared = try Self.prepare(file, contents ?? external)
        statedSizes = ModelSizes(statedBy: file)
    }

    private static func prepare(
        _ file: OfflineModelFile, _ external: ExternalWeights
    ) throws(Failure) -> Result<RunnableModel, Failure> {
        let threads = ExecutionThreads.count
        do {
            let model = try external.resolved(file.model, partition: file.weights.count)
            return .success(
                try RunnableModel(
                    model, weightBytes: external.byteCount(partition: file.weights.count),
                    isDynamic: file.container.isDynamicShape, threads: threads))
        } catch let failure as Failure {
            throw failure
        } catch let error as GraphError {
            // Not without memory: then another reason may stand behind it.
            try EngineMemory.check()
            return .failure(
                .engine(ErrorCode.geFailure, "Model '\(file.model.name)' cannot be run: \(error.description)."))
        } catch {
            // Anything else, such as memory that has run out, may be different next time and is not remembered.
            throw .engine(ErrorCode.geFailure, error, "Model '\(file.model.name)' cannot be prepared: \(error).")
        }
    }
}

/// Bytes of workspace and weights.
struct ModelSizes: Equatable, Sendable {
    var workspace: Int
    var weights: Int

    init(workspace: Int, weights: Int) {
        self.workspace = workspace
        self.weights = weights
    }

    init(statedBy file: OfflineModelFile) {
        let tables = [file.container.partitions] + file.container.subModels
        weights = tables.reduce(0) { sum, table in
            sum + (table.first { $0.type == .weights }?.range.count ?? 0)
        }
        workspace = file.container.isDynamicShape ? 0 : max(0, file.model.attributes.int("memory_size") ?? 0)
    }
}

/// Threads per execution: `PYACLMDL_NUM_THREADS`, else all processors that the process may use.
enum ExecutionThreads {
    static var count: Int { Settings.threads.value(in: .process) ?? Int(pyaclmdlUsableProcessors()) }
}

extension Failure {
    /// A defect of a model, with the code that AscendCL documents for it at this entry point.
    static func badModel(_ error: OfflineModelError, entry: OfflineModelError.EntryPoint, size: Int) -> Failure {
        switch error {
        case .tooSmall: .model(error.code(for: entry), value: "\(size)", parameter: "modelSize", reason: "\(error)")
        case .badMagic, .lengthMismatch:
            .model(error.code(for: entry), value: "\(size) bytes", parameter: "model", reason: "\(error)")
        default: .engine(error.code(for: entry), "The model cannot be read: \(error).")
        }
    }
}
