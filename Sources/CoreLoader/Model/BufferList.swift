// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph
import SaturatingArithmetic

/// The buffers of one execution: what the caller passed, checked, in the form that the kernels take.
///
/// A buffer may be up to 32 bytes shorter than its tensor, as on the original; such a one is replaced by a copy, so that
/// nothing beyond it is touched.
final class BufferList: @unchecked Sendable {
    // One user at a time: the turn of a workspace, or a queued task.
    let inputs: Side
    let outputs: Side
    /// Inputs that share bytes with an output: the kernels get copies of them.
    private var sharedInputs: [Int] = []
    /// The buffers of a queued execution, whose memory may be the library's.
    private var kept: [DataBuffer] = []
    /// Two outputs that share bytes.
    private var sharedOutputs: (Int, Int)?

    init(inputs: Int, outputs: Int) {
        self.inputs = Side(capacity: inputs, isOutput: false)
        self.outputs = Side(capacity: outputs, isOutput: true)
    }

    /// Inputs or outputs.
    @safe final class Side {
        private let isOutput: Bool
        private let slots: UnsafeMutableBufferPointer<Slot>
        private let pointers: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>
        /// Buffers that the caller passed; only the first `slots.count` are kept.
        private(set) var count = 0
        /// Whether the dataset that the buffers come from had a gear set.
        var isGearSet = false
        /// Whether some buffer of the dataset has a tensor description.
        var isDescribed = false
        /// Whether some buffer has no address.
        private(set) var lacksAddress = false
        private var shortOnes: [Short] = []
        /// Every execution looks at this, which costs less than looking at the list.
        private var hasShortOnes = false
        /// Whether some buffer is another one than in the execution before.
        fileprivate var isChanged = true

        struct Slot {
            var address: UInt = 0
            var byteCount = 0
            /// Bytes that this execution reads or writes.
            var usedBytes = 0
            /// Memory of the program's own, which it may take away any time.
            var isForeign = false
            /// Where so many bytes were found good last, and when.
            var checkedAddress: UInt = 0
            var checkedBytes = -1
            var checkedAt: UInt64 = 0
        }

        @safe private struct Short {
            let index: Int
            let copy: UnsafeMutableRawBufferPointer
            let original: UInt
            let bytes: Int
        }

        fileprivate init(capacity: Int, isOutput: Bool) {
            self.isOutput = isOutput
            unsafe slots = .allocate(capacity: capacity)
            unsafe slots.initialize(repeating: Slot())
            unsafe pointers = .allocate(capacity: capacity)
            // Never followed: replaced by the buffers' addresses before each execution.
            unsafe pointers.initialize(repeating: UnsafeMutableRawPointer(bitPattern: 1).unsafelyUnwrapped)
        }

        deinit {
            dropCopies()
            unsafe slots.deallocate()
            unsafe pointers.deallocate()
        }

        /// The addresses for the kernels, valid until the next execution.
        var addresses: UnsafeBufferPointer<UnsafeMutableRawPointer> { unsafe UnsafeBufferPointer(pointers) }

        func removeAll() {
            count = 0
            lacksAddress = false
        }

        /// The next buffer that the caller passed.
        @inline(__always)
        func append(address: UInt, byteCount: Int) {
            if address == 0 { lacksAddress = true }
            if unsafe count < slots.count {
                unsafe slots[count].address = address
                unsafe slots[count].byteCount = byteCount
            }
            count += 1
        }

        /// - `needed`: exact bytes of each tensor.
        @inline(__always)
        fileprivate func check(_ needed: [Int], _ model: LoadedModel, exactCount: Bool = true) throws(Failure) {
            if exactCount { try checkCount(needed.count, model) }
            if hasShortOnes { dropCopies() }
            let epoch = MemoryRegistry.shared.epoch
            for index in 0..<needed.count {
                let slot = unsafe slots[index]
                if slot.byteCount < needed[index] || needed[index] == 0 {
                    try prepareShort(index, needed: needed[index], model)
                    continue
                }
                try verifyOnce(index, slot, bytes: needed[index], epoch, model)
                unsafe slots[index].usedBytes = needed[index]
                if let pointer = unsafe UnsafeMutableRawPointer(bitPattern: slot.address) {
                    unsafe pointers[index] = pointer
                }
            }
        }

        /// Verifies a buffer unless so many bytes were good there before and nothing has been freed since.
        @inline(__always)
        private func verifyOnce(
            _ index: Int, _ slot: Slot, bytes: Int, _ epoch: UInt64, _ model: LoadedModel
        ) throws(Failure) {
            if slot.address == slot.checkedAddress && bytes <= slot.checkedBytes && slot.checkedAt == epoch { return }
            isChanged = true
            try verify(index, bytes: bytes, model)
            unsafe slots[index].checkedAddress = slot.address
            unsafe slots[index].checkedBytes = bytes
            unsafe slots[index].checkedAt = epoch
        }

        @inline(__always)
        fileprivate func checkCount(_ needed: Int, _ model: LoadedModel) throws(Failure) {
            guard count == needed else {
                throw .userMemory(
                    ErrorCode.geFailure,
                    "Model \(model.id) has \(needed) \(isOutput ? "outputs" : "inputs"), but the dataset holds "
                        + "\(count) buffers.")
            }
        }

        /// Unlike in models of known shape no byte may be missing. E13031.
        fileprivate func checkRoom(_ needed: [Int], _ descs: [TensorDesc], _ model: LoadedModel) throws(Failure) {
            for index in 0..<needed.count where unsafe slots[index].byteCount < needed[index] {
                throw .outputTooSmall(
                    "Output \(index) of model \(model.id) has become \(descs[index].shape), \(needed[index]) bytes, but "
                        + "its buffer has \(unsafe slots[index].byteCount).")
            }
        }

        /// The gear that the buffer of the selector input names; the number of buffers has been checked.
        fileprivate func gear(_ gears: GearTable, _ model: LoadedModel) throws(Failure) -> Int {
            let index = gears.selectorInput
            let slot = unsafe slots[index]
            guard slot.byteCount >= gears.selectorBytes else {
                throw .engine(
                    ErrorCode.geDynamicInputLengthInvalid,
                    "The buffer of the gear input (input \(index)) of model \(model.id) has \(slot.byteCount) bytes; "
                        + "\(gears.selectorBytes) are needed.")
            }
            try verifyOnce(
                index, slot, bytes: gears.selectorBytes, MemoryRegistry.shared.epoch, model)
            guard let selector = unsafe UnsafeRawPointer(bitPattern: slot.address),
                let range = AddressRange(start: slot.address, byteCount: gears.selectorBytes)
            else { return 0 }
            return try MemoryGuard.use(range, writing: false, { refusal(of: index, range, $0) }) {
                () throws(Failure) in
                // Safe: so many bytes were found to be readable there, and they are watched.
                guard let gear = unsafe gears.index(at: selector) else {
                    throw .engine(
                        ErrorCode.geDynamicBatchSizeInvalid,
                        "The gear input (input \(index)) of model \(model.id) holds \(unsafe gears.values(at: selector)), "
                            + "which is not one of its gears \(gears.gears). Choose one with aclmdlSetDynamicBatchSize, "
                            + "aclmdlSetDynamicHWSize or aclmdlSetInputDynamicDims before each execution.")
                }
                return gear
            }
        }

        /// Tells `memoryGuard` where the buffers are, from the range `first` on.
        /// - Returns: whether all of it is the library's own memory.
        @inline(__always)
        fileprivate func declare(to memoryGuard: borrowing MemoryGuard, from first: Int) -> Bool {
            var isTrusted = true
            for index in 0..<min(count, unsafe slots.count) {
                let slot = unsafe slots[index]
                memoryGuard.set(first + index, address: slot.address, byteCount: slot.usedBytes)
                if slot.isForeign { isTrusted = false }
            }
            return isTrusted
        }

        /// What an execution answers whose buffer was taken away; the buffers are then asked about again.
        fileprivate func refusal(of fault: MemoryFault, index: Int) -> Failure {
            let slot = unsafe slots[index]
            for index in unsafe slots.indices { unsafe slots[index].checkedBytes = -1 }
            let range = AddressRange(start: slot.address, byteCount: slot.usedBytes) ?? .none
            return refusal(of: index, range, fault.problem(writing: isOutput))
        }

        private func refusal(of index: Int, _ range: AddressRange, _ problem: String) -> Failure {
            .argument(name(index), value: "\(range)", reason: "this is \(problem)")
        }

        private func name(_ index: Int) -> String { "the buffer of \(isOutput ? "output" : "input") \(index)" }

        /// Refuses what cannot be read or written as far as anybody can know.
        private func verify(_ index: Int, bytes: Int, _ model: LoadedModel) throws(Failure) {
            let address = unsafe slots[index].address
            let what = name(index)
            unsafe slots[index].isForeign = false
            guard address != 0 else { throw .null("data of \(what)") }
            guard let range = AddressRange(start: address, byteCount: bytes) else {
                throw .argument(
                    what, value: hexadecimal(address), reason: "\(bytes) bytes there leave the address space")
            }
            if let other = model.overlapsOwnMemory(range, writing: isOutput) {
                throw .argument(what, value: "\(range)", reason: "it overlaps \(other)")
            }
            switch MemoryRegistry.shared.verdict(at: address, bytes: bytes) {
            case .usable:
                if let other = MemoryRegistry.shared.otherDevice(at: address, than: model.device.id) {
                    throw .argument(
                        what, value: hexadecimal(address),
                        reason:
                            "this is memory of device \(other), and model \(model.id) is on device \(model.device.id)")
                }
            case .unusable(let problem):
                throw .argument(what, value: hexadecimal(address), reason: "this is \(problem)")
            case .unknown:
                // The program's own memory; only the kernel knows whether it is there.
                if let problem = AddressProbe.problem(with: range, writing: isOutput) {
                    throw .argument(what, value: hexadecimal(address), reason: "this is \(problem)")
                }
                unsafe slots[index].isForeign = true
            }
        }

        /// A buffer shorter than its tensor: a copy of the right size stands in for it, if it is not too short.
        private func prepareShort(_ index: Int, needed: Int, _ model: LoadedModel) throws(Failure) {
            let slot = unsafe slots[index]
            // The original compares with the padded size, rounded up to 32 and 32 more, less a tolerance of 64.
            guard slot.byteCount + 64 >= (needed + 31) / 32 * 32 + 32 else {
                throw .userMemory(
                    ErrorCode.geFailure,
                    "\(isOutput ? "Output" : "Input") \(index) of model \(model.id) takes \(needed) bytes, but its buffer "
                        + "has \(slot.byteCount).")
            }
            let bytes = min(slot.byteCount, needed)
            unsafe slots[index].usedBytes = bytes
            isChanged = true
            if slot.byteCount > 0 { try verify(index, bytes: slot.byteCount, model) }
            try standIn(index, needed: needed)
        }

        /// The bytes that a buffer of this execution uses.
        fileprivate func usedRange(_ index: Int) -> AddressRange {
            let slot = unsafe slots[index]
            return AddressRange(start: slot.address, byteCount: slot.usedBytes) ?? .none
        }

        /// Puts a copy of `needed` bytes in the place of a buffer.
        fileprivate func standIn(_ index: Int, needed: Int) throws(Failure) {
            let slot = unsafe slots[index]
            try EngineMemory.require(needed)
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(needed, 1), alignment: 64)
            unsafe copy.initializeMemory(as: UInt8.self, repeating: 0)
            if let base = copy.baseAddress { unsafe pointers[index] = base }
            hasShortOnes = true
            shortOnes.append(unsafe Short(index: index, copy: copy, original: slot.address, bytes: slot.usedBytes))
        }

        /// Fills the copies that stand in for short buffers.
        @inline(__always)
        fileprivate func copyIn() {
            guard hasShortOnes else { return }
            for short in shortOnes {
                guard let source = unsafe UnsafeRawPointer(bitPattern: short.original),
                    let target = unsafe short.copy.baseAddress
                else { continue }
                // Safe: `copy` has at least as many bytes as are copied; the original was verified and is watched.
                unsafe target.copyMemory(from: source, byteCount: short.bytes)
            }
        }

        /// Hands the results in copies over to the short buffers.
        @inline(__always)
        fileprivate func copyBack() {
            guard hasShortOnes else { return }
            for short in shortOnes {
                guard let target = unsafe UnsafeMutableRawPointer(bitPattern: short.original),
                    let source = unsafe short.copy.baseAddress
                else { continue }
                unsafe target.copyMemory(from: source, byteCount: short.bytes)
            }
            dropCopies()
        }

        private func dropCopies() {
            for short in shortOnes { unsafe short.copy.deallocate() }
            shortOnes.removeAll()
            hasShortOnes = false
        }
    }

    /// Counts, sizes and addresses, in the original's order.
    /// - Returns: the gear to execute; 0 for a model without gears.
    @inline(__always)
    func check(_ prepared: PreparedModel, _ model: LoadedModel) throws(Failure) -> Int {
        guard prepared.gears == nil else { return try checkGear(prepared, model) }
        try inputs.check(prepared.inputBytes, model)
        try outputs.check(prepared.outputBytes, model)
        if inputs.isChanged || outputs.isChanged { findShared(prepared.inputBytes, prepared.outputBytes) }
        try separate(prepared.inputBytes)
        return 0
    }

    // MARK: Models of unknown shape

    /// Type and shape of each input of this execution, and of each output once they are known.
    var inputDescs: [TensorDesc] = []
    var outputDescs: [TensorDesc] = []
    /// Allocates memory of these sizes for output buffers without an address, and lists the outputs anew.
    var supply: (([Int]) throws(Failure) -> Void)?

    /// What is done after a queued execution.
    var finish: ((BufferList) throws(Failure) -> Void)?

    /// Further buffers than the model has inputs are ignored, as on the original.
    func checkInputs(_ bytes: [Int], _ model: LoadedModel) throws(Failure) {
        try inputs.check(bytes, model, exactCount: false)
    }

    /// After `checkInputs`; the sizes are those of this execution.
    func checkOutputs(_ descs: [TensorDesc], _ model: LoadedModel) throws(Failure) {
        let bytes = descs.map { $0.byteCount ?? 0 }
        try outputs.checkCount(bytes.count, model)
        if outputs.lacksAddress { try supply?(bytes) }
        try outputs.checkRoom(bytes, descs, model)
        try outputs.check(bytes, model)
        let inputBytes = inputDescs.map { $0.byteCount ?? 0 }
        findShared(inputBytes, bytes)
        try separate(inputBytes)
    }

    /// Copies results that are not in the output buffers yet into them; while the buffers are watched.
    func store(_ results: [BoundTensor]) {
        let targets = unsafe outputs.addresses
        for index in unsafe results.indices {
            let result = unsafe results[index]
            // Safe: the buffers were found to have room for the results.
            if unsafe result.address != targets[index] {
                unsafe targets[index].copyMemory(from: result.address, byteCount: result.byteCount)
            }
        }
    }

    /// Looks for bytes that outputs share with inputs and with each other.
    private func findShared(_ inputBytes: [Int], _ outputBytes: [Int]) {
        sharedInputs = inputBytes.indices.filter { input in
            outputBytes.indices.contains { inputs.usedRange(input).overlaps(outputs.usedRange($0)) }
        }
        sharedOutputs = nil
        for output in outputBytes.indices {
            if let other = (0..<output).first(where: { outputs.usedRange($0).overlaps(outputs.usedRange(output)) }) {
                sharedOutputs = (other, output)
            }
        }
        inputs.isChanged = false
        outputs.isChanged = false
    }

    /// Kernels may write outputs before they have read all inputs: an input that shares bytes with an output is copied.
    /// Two outputs in one place have no right answer: 100000.
    @inline(__always)
    private func separate(_ inputBytes: [Int]) throws(Failure) {
        if let (first, second) = sharedOutputs {
            throw .argument(
                "the buffer of output \(second)", value: "\(outputs.usedRange(second))",
                reason: "it overlaps that of output \(first) (\(outputs.usedRange(first))): one would destroy the other"
            )
        }
        for input in sharedInputs { try inputs.standIn(input, needed: max(inputBytes[input], 1)) }
    }

    /// The same for a model with gears. Where a gear was set, the original does not look at the sizes and reads and
    /// writes beyond the buffers; here the sizes of that gear count. Otherwise, as there, those of the largest do.
    private func checkGear(_ prepared: PreparedModel, _ model: LoadedModel) throws(Failure) -> Int {
        guard let gears = prepared.gears else { return 0 }
        try inputs.checkCount(prepared.inputBytes.count, model)
        try outputs.checkCount(prepared.outputBytes.count, model)
        let gear = try inputs.gear(gears, model)
        let isSet = inputs.isGearSet
        let inputBytes = isSet ? prepared.inputBytes(gear: gear) : prepared.inputBytes
        let outputBytes = isSet ? prepared.outputBytes(gear: gear) : prepared.outputBytes
        try inputs.check(inputBytes, model)
        try outputs.check(outputBytes, model)
        // Another gear uses more or less of the same buffers.
        findShared(inputBytes, outputBytes)
        try separate(prepared.inputBytes)
        return gear
    }

    /// Keeps the buffers, and with them the memory that the library has given them, until the execution is over.
    func keep(_ input: Dataset, _ output: Dataset) { kept = input.buffers + output.buffers }

    /// Before and after an execution, while the buffers are watched.
    @inline(__always)
    func copyIn() { inputs.copyIn() }
    @inline(__always)
    func copyBack() { outputs.copyBack() }

    /// Tells `memoryGuard` where inputs and outputs are, in this order.
    /// - Returns: whether all of it is the library's own memory.
    @inline(__always)
    func declare(to memoryGuard: borrowing MemoryGuard) -> Bool {
        let areInputsTrusted = inputs.declare(to: memoryGuard, from: 0)
        return outputs.declare(to: memoryGuard, from: inputs.count) && areInputsTrusted
    }

    /// What an execution answers after a fault in a buffer; nil if the range that failed is none of them.
    func refusal(of fault: MemoryFault) -> Failure? {
        if fault.range < inputs.count { return inputs.refusal(of: fault, index: fault.range) }
        let index = fault.range - inputs.count
        return index < outputs.count ? outputs.refusal(of: fault, index: index) : nil
    }
}
