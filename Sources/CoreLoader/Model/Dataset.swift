// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph
import OfflineModel
import SaturatingArithmetic

/// `aclmdlDataset`: the buffers of one execution's inputs or outputs, in order.
final class Dataset: Sendable {
    static let table = HandleTable<Dataset>(.dataset)

    private let state = Protected(State())

    private struct State {
        var entries: [Entry] = []
        var gear: Gear?
    }

    @safe
    private struct Entry {
        let handle: Handle
        let buffer: DataBuffer
        var description: TensorDescriptionObject?
        /// The same buffer, for executions: looking at it counts no references.
        let reference: Unmanaged<DataBuffer>

        init(handle: Handle, buffer: DataBuffer) {
            self.handle = handle
            self.buffer = buffer
            unsafe reference = .passUnretained(buffer)
        }
    }

    func append(_ buffer: DataBuffer, handle: Handle) {
        state.withLock { $0.entries.append(Entry(handle: handle, buffer: buffer)) }
    }

    var count: Int { state.withLock { $0.entries.count } }

    /// The handle under which the buffer was added; nil when there is none at `index`.
    func handle(at index: Int) -> Handle? {
        state.withLock { $0.entries.indices.contains(index) ? $0.entries[index].handle : nil }
    }

    func buffer(at index: Int) -> DataBuffer? {
        state.withLock { $0.entries.indices.contains(index) ? $0.entries[index].buffer : nil }
    }

    func description(at index: Int) -> TensorDescriptionObject? {
        state.withLock { $0.entries.indices.contains(index) ? $0.entries[index].description : nil }
    }

    /// Replaces the description of a buffer; false when there is no such buffer. The old one's handle dies.
    func setDescription(_ description: TensorDescriptionObject?, at index: Int) -> Bool {
        let old: TensorDescriptionObject?? = state.withLock { state in
            guard state.entries.indices.contains(index) else { return .none }
            let old = state.entries[index].description
            state.entries[index].description = description
            return .some(old)
        }
        guard let old else { return false }
        old?.withdraw()
        return true
    }

    /// The descriptions belong to the dataset; their handles die with it.
    func withdrawDescriptions() {
        let descriptions = state.withLock { $0.entries.compactMap(\.description) }
        for description in descriptions { description.withdraw() }
    }

    var gear: Gear? {
        get { state.withLock { $0.gear } }
        set { state.withLock { $0.gear = newValue } }
    }

    /// Lists the buffers for an execution; throws when one has been destroyed meanwhile.
    @inline(__always)
    func list(into side: BufferList.Side) throws(Failure) {
        try state.withLock { state throws(Failure) in
            side.removeAll()
            side.isGearSet = state.gear != nil
            side.isDescribed = false
            for index in state.entries.indices {
                // Safe: the entry keeps the buffer.
                let isDestroyed = unsafe state.entries[index].reference._withUnsafeGuaranteedRef { buffer in
                    side.append(address: buffer.address, byteCount: Int(clamping: buffer.size))
                    return buffer.isDestroyed
                }
                guard !isDestroyed else {
                    throw .null("dataBuffer (entry \(index) of the dataset is destroyed)")
                }
                if state.entries[index].description != nil { side.isDescribed = true }
            }
        }
    }

    /// The handles of the descriptions, which go with the dataset.
    var descriptionHandles: [Handle] { state.withLock { $0.entries.compactMap { $0.description?.handle } } }

    var buffers: [DataBuffer] { state.withLock { $0.entries.map(\.buffer) } }

    /// Refuses descriptions that contradict the model: another type, or other dimensions or formats where both are known.
    func checkDescriptions(of model: LoadedModel, as direction: ModelFacts.Direction) throws(Failure) {
        let facts = model.ready.facts
        let descriptions = state.withLock { $0.entries.map(\.description) }
        for (index, (description, tensor)) in zip(descriptions, facts.tensors(direction)).enumerated() {
            // What an execution of another model or gear has said of its outputs is replaced by this one.
            guard let description, direction == .input || !description.isOfExecution else { continue }
            let given = description.value
            guard given.dataType < 0 || given.dataType == facts.dataType(of: tensor), given.fits(tensor.format),
                model.shapes(direction, index).contains(where: given.fits)
            else {
                throw .argument(
                    "the tensor description of \(direction) \(index)",
                    value:
                        "data type \(given.dataType), formats \(given.originFormat) and \(given.storageFormat), dims \(given.originShape)",
                    reason: "\(direction) \(index) of model \(model.id) has data type \(facts.dataType(of: tensor)), "
                        + "format \(tensor.format.rawValue) and dims \(tensor.dims)")
            }
        }
    }

    /// Type and shape of each input of a model of unknown shape: as the buffers are described, or else as the model says.
    func inputDescs(for model: DynamicModel, _ facts: ModelFacts, id: UInt32) throws(Failure) -> [TensorDesc] {
        let descriptions = state.withLock { $0.entries.map(\.description) }
        guard descriptions.count >= model.inputs.count else {
            throw .argument(
                "input", value: "a dataset of \(descriptions.count) buffers",
                reason: "model \(id) has \(model.inputs.count) inputs")
        }
        var descs: [TensorDesc] = []
        for (index, stated) in model.inputs.enumerated() {
            var desc = stated
            if let given = descriptions[index]?.value, !given.hasUnknownRank {
                desc.shape = given.originShape.map { Int($0) }
            }
            // A file may describe fewer inputs than its graph has.
            let ranges = index < facts.description.inputs.count ? facts.description.inputs[index].range : []
            let isInRange = zip(desc.shape, ranges).allSatisfy { size, range in
                size >= range.lower && (range.upper < 0 || size <= range.upper)
            }
            guard desc.isStatic, desc.isWithinLimits, isInRange else {
                throw .argument(
                    "the shape of input \(index)", value: "\(desc.shape)",
                    reason: "model \(id) states it as \(stated.shape)"
                        + (ranges.isEmpty ? "" : " in the range \(ranges.map { [$0.lower, $0.upper] })")
                        + "; set it with aclmdlSetDatasetTensorDesc before the execution")
            }
            descs.append(desc)
        }
        return descs
    }

    /// Whether the caller leaves it to the library to allocate some buffer.
    var hasBufferWithoutAddress: Bool { state.withLock { $0.entries.contains { $0.buffer.address == 0 } } }

    /// Allocates device memory for each buffer without an address; the caller's as soon as it asks for the address.
    func allocateMissing(_ sizes: [Int]) throws(Failure) {
        for (buffer, size) in zip(buffers, sizes) where buffer.address == 0 && size > 0 {
            let device = try Context.current().device
            let address = try DeviceAllocation.allocate(UInt(clamping: size), kind: .device, rounding: .padded)
            buffer.adopt(LibraryMemory(adopting: address, bytes: size, on: device))
        }
    }

    /// After an execution with described inputs, what the outputs became.
    /// - gear: the gear that was executed, in a model that has gears.
    /// - descs: what the outputs have become, in a model of unknown shape.
    func describeOutputs(of model: LoadedModel, gear: Int, _ descs: [TensorDesc] = []) throws(Failure) {
        let facts = model.ready.facts
        var shapes = descs.map(\.shape)
        if case .fixed(let prepared) = model.runnable, prepared.gears != nil {
            shapes = prepared.outputDescs(gear: gear).map(\.shape)
        }
        for (index, tensor) in facts.description.outputs.enumerated() {
            let dims = shapes.indices.contains(index) ? shapes[index] : tensor.dims
            let description = TensorDescription(
                dataType: facts.dataType(of: tensor), shape: dims.map(Int64.init), format: tensor.format.rawValue)
            let object = try TensorDescriptionObject.make(description, isOfExecution: true)
            guard setDescription(object, at: index) else { return }
        }
    }

}
