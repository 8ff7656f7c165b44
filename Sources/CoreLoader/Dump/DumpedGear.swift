// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph

/// One gear of a dumped model, or the whole of a model without gears: prepared once more with the chosen tensors as
/// further outputs, in memory of its own.
final class DumpedGear: @unchecked Sendable {
    let selection: DumpSelection
    /// Type and shape of each chosen tensor.
    let descs: [TensorDesc]
    private let prepared: PreparedModel
    private let weights: OwnMemory
    private let workspace: OwnMemory
    private let addresses: OwnMemory

    // Used only in the workspace's turn of the loaded model.
    private let instance: ModelInstance

    /// - model: of static shape.
    /// - bytes: the weights partition, read during the call only.
    init(_ model: Model, _ selection: DumpSelection, weights bytes: UnsafeRawBufferPointer) throws {
        self.selection = selection
        var model = model
        model.graph = Observation.exposing(selection.tensors, in: model.graph)
        prepared = try unsafe PreparedModel(model, weights: bytes, threads: ExecutionThreads.count)
        weights = try OwnMemory(bytes: prepared.weightBytes, purpose: "the weights of a dumped model")
        workspace = try OwnMemory(bytes: prepared.workspaceBytes, purpose: "the activations of a dumped model")
        // Safe: the areas have the sizes that the prepared model states and live as long as the instance.
        if prepared.weightBytes > 0 { try unsafe prepared.packWeights(bytes, into: weights.bytes) }
        instance = try unsafe ModelInstance(
            prepared, weights: UnsafeRawPointer(weights.bytes.baseAddress), workspace: workspace.bytes.baseAddress)
        descs = prepared.outputDescs().suffix(selection.tensors.count)
        addresses = try OwnMemory(
            bytes: unsafe prepared.outputBytes.count * MemoryLayout<UnsafeMutableRawPointer>.stride,
            purpose: "the outputs of a dumped model")
    }

    /// Executes in the workspace's turn of the loaded model.
    /// - goesOn: asked between the steps; false ends the execution with `ExecutableError.stopped`.
    /// - tensor: where each chosen tensor goes.
    func execute(
        inputs: UnsafeBufferPointer<UnsafeMutableRawPointer>, outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>,
        while goesOn: () -> Bool, tensor: (Int) -> UnsafeMutableRawBufferPointer
    ) throws {
        let own = prepared.outputBytes.count - selection.tensors.count
        // Safe: the memory holds one address for each output, and each address covers its tensor.
        let list = unsafe addresses.bytes.bindMemory(to: UnsafeMutableRawPointer.self)
        for index in 0..<own { unsafe list[index] = unsafe outputs[index] }
        for index in selection.tensors.indices {
            if let base = unsafe tensor(index).baseAddress { unsafe list[own + index] = unsafe base }
        }
        try unsafe instance.execute(inputs: inputs, outputs: UnsafeBufferPointer(list), while: goesOn)
    }
}
