// SPDX-License-Identifier: Apache-2.0

import CAscendCL
import Executable
import OfflineModel
import SaturatingArithmetic

/// Executing a model on the buffers of two datasets, with the checks in the original's order.
enum ModelExecution {
    /// Executes on the calling thread and returns when the outputs are written.
    @inline(__always)
    static func run(_ id: UInt32, _ input: Dataset, _ output: Dataset) throws(Failure) {
        let model: LoadedModel
        do throws(Failure) {
            try ModelEngine.checkInitialized()
            model = try ModelEngine.find(id)
            try model.enter(.sync)
            try ModelEngine.checkDevice(of: model, Context.current())
        } catch {
            // On the original a missing buffer is looked at first.
            if output.hasBufferWithoutAddress { try allocateOutputs(id, output) }
            throw error
        }
        var isDescribed = false
        var outputs: BufferList?
        let gear: Int
        do throws(Failure) {
            gear = try model.execute { buffers throws(Failure) in
                try input.list(into: buffers.inputs)
                isDescribed = buffers.inputs.isDescribed
                if isDescribed { try input.checkDescriptions(of: model, as: .input) }
                try output.list(into: buffers.outputs)
                if buffers.outputs.isDescribed { try output.checkDescriptions(of: model, as: .output) }
                if model.isDynamic {
                    try describe(buffers, of: model, input, output)
                    outputs = buffers
                } else if buffers.outputs.lacksAddress {
                    try allocateOutputs(id, output)
                    try output.list(into: buffers.outputs)
                }
            }
        } catch {
            announce(error)
            throw error
        }
        if isDescribed || model.isDynamic {
            try output.describeOutputs(of: model, gear: gear, outputs?.outputDescs ?? [])
        }
    }

    /// What an execution of a model of unknown shape has to know besides where the buffers are.
    private static func describe(
        _ buffers: BufferList, of model: LoadedModel, _ input: Dataset, _ output: Dataset
    ) throws(Failure) {
        guard case .dynamic(let dynamic) = model.runnable else { return }
        buffers.inputDescs = try input.inputDescs(for: dynamic, model.ready.facts, id: model.id)
        buffers.supply = { [unowned buffers] sizes throws(Failure) in
            try output.allocateMissing(sizes)
            try output.list(into: buffers.outputs)
        }
    }

    /// Tells the exception callbacks of a task that failed; an execution that was refused is none. As the original's,
    /// a synchronous execution is one task, here of the default stream.
    private static func announce(_ failure: Failure) {
        guard failure.code == ErrorCode.rtAicpuException || failure.code == ErrorCode.rtModelExecute,
            let context = try? Context.current(), let stream = try? context.defaultStream()
        else { return }
        TaskFailure(
            task: 0, stream: UInt32(stream.id), thread: UInt32(truncatingIfNeeded: pyaclmdlThreadNumber()),
            device: UInt32(context.device.id), code: failure.code
        ).announce()
    }

    /// Puts an execution at the end of a stream; the addresses are those of this moment.
    static func enqueue(
        _ id: UInt32, _ input: Dataset, _ output: Dataset, on handle: Handle, mode: LoadedModel.Mode,
        isWaitedFor: Bool = false
    ) throws(Failure) -> Stream {
        try ModelEngine.checkInitialized()
        let model = try ModelEngine.find(id)
        try model.enter(mode)
        try ModelEngine.checkDevice(of: model, Context.current())
        let stream = try Stream.findOwn(handle)
        if isWaitedFor { try stream.refuseWaitingOnItself() }
        let buffers = BufferList(inputs: model.runnable.inputCount, outputs: model.runnable.outputCount)
        try input.list(into: buffers.inputs)
        if buffers.inputs.isDescribed { try input.checkDescriptions(of: model, as: .input) }
        try output.list(into: buffers.outputs)
        if buffers.outputs.isDescribed { try output.checkDescriptions(of: model, as: .output) }
        buffers.keep(input, output)
        if case .dynamic(let dynamic) = model.runnable {
            buffers.inputDescs = try input.inputDescs(for: dynamic, model.ready.facts, id: id)
            buffers.finish = { buffers throws(Failure) in
                try output.describeOutputs(of: model, gear: 0, buffers.outputDescs)
            }
        }
        let gear = try model.enqueue(buffers, on: stream)
        if buffers.inputs.isDescribed, !model.isDynamic { try output.describeOutputs(of: model, gear: gear) }
        return stream
    }

    /// `aclmdlExecuteV2` on a stream: waits for the stream, whose failure wins; 507046 when that takes too long.
    static func runOnStream(
        _ id: UInt32, _ input: Dataset, _ output: Dataset, _ handle: Handle, milliseconds: Int32
    ) throws(Failure) {
        if output.hasBufferWithoutAddress { try allocateOutputs(id, output) }
        let stream = try enqueue(id, input, output, on: handle, mode: .sync, isWaitedFor: true)
        switch try stream.waitForAllAndListen(until: Deadline(milliseconds: Int64(milliseconds))) {
        case .done(let error):
            guard error == ErrorCode.success else {
                throw Failure(error, .inner("E19999", text: "The execution of model \(id) on its stream failed."))
            }
        case .timedOut:
            throw Failure(
                ErrorCode.rtStreamSyncTimeout,
                .timeout("Model \(id) was not finished within \(milliseconds) ms; it goes on on its stream"))
        }
    }

    /// Output buffers without an address get device memory, which belongs to the caller from then on.
    private static func allocateOutputs(_ id: UInt32, _ output: Dataset) throws(Failure) {
        let outputs = ModelEngine.models[id]?.ready.facts.description.outputs ?? []
        guard outputs.count >= output.count else {
            throw .argument(
                "output", value: "a dataset of \(output.count) buffers, some without an address",
                reason: ModelEngine.models[id] == nil
                    ? "no model with the id \(id) is loaded" : "model \(id) has \(outputs.count) outputs")
        }
        try output.allocateMissing(outputs.map(\.size))
    }
}
