// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph
import OfflineModel

/// A loaded model that is executed a second way, with the chosen tensors kept apart, so that they can be dumped.
///
/// It uses memory of its own besides the model's, whose sizes stay as they were reported.
final class DumpedModel: @unchecked Sendable {
    let session: DumpSession
    /// Below the folder of the dump: device, model and id.
    fileprivate let folders: [String]
    /// One per gear, or the only one.
    private let gears: [DumpedGear]

    // Used only in the workspace's turn of the loaded model.
    private var steps = 0

    /// Nil if the session wants nothing of this model.
    /// - bytes: the model, read during the call only.
    init?(
        _ session: DumpSession, _ bytes: UnsafeRawBufferPointer, facts: ModelFacts, fileName: String?, device: Device,
        id: UInt32, external: ExternalWeights?
    ) throws(Failure) {
        guard let (name, filters) = session.settings.filters(modelName: facts.modelName, fileName: fileName) else {
            return nil
        }
        self.session = session
        folders = ["\(device.id)", DumpFolder.safe(name), "\(id)"]
        do {
            let file = try unsafe OfflineModelFile(parsing: bytes)
            let model = try external?.resolved(file.model, partition: file.weights.count) ?? file.model
            let partition = unsafe UnsafeRawBufferPointer(rebasing: bytes[file.weights])
            let joined = try unsafe external?.joined(to: partition)
            let part = unsafe joined.map { unsafe UnsafeRawBufferPointer($0.bytes) } ?? partition
            var gears: [DumpedGear] = []
            for model in try GearGraphs.staticModels(of: model) {
                let selection = try DumpSelection(model.graph, filters: filters, mode: session.settings.mode)
                gears.append(try unsafe DumpedGear(model, selection, weights: part))
            }
            if gears.allSatisfy({ $0.selection.tensors.isEmpty }) { return nil }
            self.gears = gears
        } catch let failure as Failure {
            throw failure
        } catch {
            throw .engine(
                ErrorCode.geFailure, error, "Model '\(facts.modelName)' cannot be prepared for a dump: \(error).")
        }
    }

    /// Whether the next execution is dumped, and its number. In the workspace's turn.
    func nextStep() -> Int? {
        guard session.isOpen else { return nil }
        defer { steps += 1 }
        return session.settings.includes(step: steps) ? steps : nil
    }

    /// Executes in the workspace's turn; what is to be dumped comes back in memory of its own.
    func execute(
        step: Int, gear: Int, inputs: UnsafeBufferPointer<UnsafeMutableRawPointer>,
        outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>, while goesOn: () -> Bool
    ) throws -> DumpedExecution {
        let execution = try DumpedExecution(self, gears[gear], step: step)
        try unsafe gears[gear].execute(inputs: inputs, outputs: outputs, while: goesOn) { unsafe execution.tensor($0) }
        return execution
    }
}

/// The tensors of one execution, on their way to files.
@safe
final class DumpedExecution: @unchecked Sendable {
    private let model: DumpedModel
    private let gear: DumpedGear
    private let step: Int
    private let memory: OwnMemory
    private let offsets: [Int]

    fileprivate init(_ model: DumpedModel, _ gear: DumpedGear, step: Int) throws(Failure) {
        self.model = model
        self.gear = gear
        self.step = step
        var total = 0
        offsets = gear.descs.map { desc in
            defer { total += ((desc.byteCount ?? 0) + 64) / 64 * 64 }
            return total
        }
        memory = try OwnMemory(bytes: total, purpose: "the tensors of a dump")
    }

    fileprivate func tensor(_ index: Int) -> UnsafeMutableRawBufferPointer {
        let start = offsets[index]
        return unsafe UnsafeMutableRawBufferPointer(
            rebasing: memory.bytes[start..<start + (gear.descs[index].byteCount ?? 0)])
    }

    /// Writes the files; after the execution, so that a callback may use the model again.
    func write() throws(Failure) {
        for one in gear.selection.operators {
            switch model.session.settings.content {
            case .tensor:
                if !one.inputs.isEmpty { try write(one, inputs: one.inputs, outputs: []) }
                if !one.outputs.isEmpty { try write(one, inputs: [], outputs: one.outputs) }
            case .statistics(let items): try writeStatistics(one, items)
            }
        }
    }

    private func write(
        _ one: DumpSelection.Operator, inputs: [DumpSelection.Slot], outputs: [DumpSelection.Slot]
    ) throws(Failure) {
        let time = model.session.nextTime()
        let file = DumpFile(
            operatorName: one.name, time: time, inputs: inputs.map(desc), outputs: outputs.map(desc))
        var bytes: [UInt8]
        do throws(OfflineModelError) {
            bytes = try file.head()
        } catch {
            throw DumpFolder.cannotWrite(one.name, "\(error)")
        }
        let size = (inputs + outputs).reduce(bytes.count) { unsafe $0 + tensor($1.tensor).count }
        try EngineMemory.require(size)
        bytes.reserveCapacity(size)
        for slot in inputs + outputs { unsafe bytes.append(contentsOf: tensor(slot.tensor)) }
        try write(bytes, one, time, suffix: "")
    }

    private func writeStatistics(_ one: DumpSelection.Operator, _ items: [DumpStatistics.Item]) throws(Failure) {
        var table = DumpStatistics(items: items)
        for (isOutput, slots) in [(false, one.inputs), (true, one.outputs)] {
            for slot in slots {
                unsafe table.append(
                    isOutput: isOutput, index: slot.index, desc(slot), UnsafeRawBufferPointer(tensor(slot.tensor)))
            }
        }
        try write(Array(table.text.utf8), one, model.session.nextTime(), suffix: ".csv")
    }

    private func write(
        _ bytes: [UInt8], _ one: DumpSelection.Operator, _ time: UInt64, suffix: String
    ) throws(Failure) {
        // One stream does all the work of a model here.
        let name = "\(DumpFolder.safe(one.type)).\(DumpFolder.safe(one.name)).\(one.task).0.\(time)\(suffix)"
        try model.session.write(bytes, folders: model.folders + ["\(step)"], name: name)
    }

    private func desc(_ slot: DumpSelection.Slot) -> TensorDesc {
        var desc = slot.desc
        desc.dataType = gear.descs[slot.tensor].dataType
        desc.shape = gear.descs[slot.tensor].shape
        return desc
    }
}
