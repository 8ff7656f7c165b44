// SPDX-License-Identifier: Apache-2.0

import Executable

/// The buffers of one execution: what the caller passed, checked, in the form that the kernels take.
///
/// A buffer may be up to 32 bytes shorter than its tensor, as on the original; such a one is replaced by a copy, so that
/// nothing beyond it is touched.
final class BufferList: @unchecked Sendable {
    // One user at a time: the turn of a workspace, or a queued task.
    let inputs: Side
    let outputs: Side

    init(inputs: Int, outputs: Int) {
        self.inputs = Side(capacity: inputs)
        self.outputs = Side(capacity: outputs)
    }

    /// Inputs or outputs.
    @safe final class Side {
        private let slots: UnsafeMutableBufferPointer<Slot>
        private let pointers: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>
        /// Buffers that the caller passed; only the first `slots.count` are kept.
        private(set) var count = 0
        /// Whether the dataset that the buffers come from had a gear set.
        var isGearSet = false
        private var shortOnes: [Short] = []

        struct Slot {
            var address: UInt = 0
            var byteCount = 0
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

        fileprivate init(capacity: Int) {
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

        func removeAll() { count = 0 }

        /// The next buffer that the caller passed.
        @inline(__always)
        func append(address: UInt, byteCount: Int) {
            if unsafe count < slots.count {
                unsafe slots[count].address = address
                unsafe slots[count].byteCount = byteCount
            }
            count += 1
        }

        /// - `needed`: exact bytes of each tensor.
        @inline(__always)
        fileprivate func check(_ needed: [Int], _ model: LoadedModel, isOutput: Bool) throws(Failure) {
            try checkCount(needed.count, model, isOutput: isOutput)
            if !shortOnes.isEmpty { dropCopies() }
            let epoch = MemoryRegistry.shared.epoch
            for index in 0..<needed.count {
                let slot = unsafe slots[index]
                if slot.byteCount < needed[index] || needed[index] == 0 {
                    try prepareShort(index, needed: needed[index], model, isOutput: isOutput)
                    continue
                }
                try verifyOnce(index, slot, bytes: needed[index], epoch, model, isOutput: isOutput)
                if let pointer = unsafe UnsafeMutableRawPointer(bitPattern: slot.address) {
                    unsafe pointers[index] = pointer
                }
            }
        }

        /// Verifies a buffer unless so many bytes were good there before and nothing has been freed since.
        @inline(__always)
        private func verifyOnce(
            _ index: Int, _ slot: Slot, bytes: Int, _ epoch: UInt64, _ model: LoadedModel, isOutput: Bool
        ) throws(Failure) {
            if slot.address == slot.checkedAddress && bytes <= slot.checkedBytes && slot.checkedAt == epoch { return }
            try verify(index, bytes: bytes, model, isOutput: isOutput)
            unsafe slots[index].checkedAddress = slot.address
            unsafe slots[index].checkedBytes = bytes
            unsafe slots[index].checkedAt = epoch
        }

        @inline(__always)
        fileprivate func checkCount(_ needed: Int, _ model: LoadedModel, isOutput: Bool) throws(Failure) {
            guard count == needed else {
                throw .userMemory(
                    ErrorCode.geFailure,
                    "Model \(model.id) has \(needed) \(isOutput ? "outputs" : "inputs"), but the dataset holds "
                        + "\(count) buffers.")
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
                index, slot, bytes: gears.selectorBytes, MemoryRegistry.shared.epoch, model, isOutput: false)
            guard let selector = unsafe UnsafeRawPointer(bitPattern: slot.address) else { return 0 }
            // Safe: so many bytes were found to be readable there.
            guard let gear = unsafe gears.index(at: selector) else {
                throw .engine(
                    ErrorCode.geDynamicBatchSizeInvalid,
                    "The gear input (input \(index)) of model \(model.id) holds \(unsafe gears.values(at: selector)), which is "
                        + "not one of its gears \(gears.gears). Choose one with aclmdlSetDynamicBatchSize, "
                        + "aclmdlSetDynamicHWSize or aclmdlSetInputDynamicDims before each execution.")
            }
            return gear
        }

        /// Refuses what cannot be read or written as far as anybody can know.
        private func verify(_ index: Int, bytes: Int, _ model: LoadedModel, isOutput: Bool) throws(Failure) {
            let address = unsafe slots[index].address
            let what = "the buffer of \(isOutput ? "output" : "input") \(index)"
            guard address != 0 else { throw .null("data of \(what)") }
            guard let range = AddressRange(start: address, byteCount: bytes) else {
                throw .argument(
                    what, value: hexadecimal(address), reason: "\(bytes) bytes there leave the address space")
            }
            if let other = model.overlapsOwnMemory(range, writing: isOutput) {
                throw .argument(what, value: "\(range)", reason: "it overlaps \(other)")
            }
            switch MemoryRegistry.shared.verdict(at: address, bytes: bytes) {
            case .usable: break
            case .unusable(let problem):
                throw .argument(what, value: hexadecimal(address), reason: "this is \(problem)")
            case .unknown:
                // The program's own memory; only the kernel knows whether it is there.
                if let problem = AddressProbe.problem(with: range) {
                    throw .argument(what, value: hexadecimal(address), reason: "this is \(problem)")
                }
                if isOutput { try AddressProbe.checkWritable(range, argument: what) }
            }
        }

        /// A buffer shorter than its tensor: a copy of the right size stands in for it, if it is not too short.
        private func prepareShort(_ index: Int, needed: Int, _ model: LoadedModel, isOutput: Bool) throws(Failure) {
            let slot = unsafe slots[index]
            // The original compares with the padded size, rounded up to 32 and 32 more, less a tolerance of 64.
            guard slot.byteCount + 64 >= (needed + 31) / 32 * 32 + 32 else {
                throw .userMemory(
                    ErrorCode.geFailure,
                    "\(isOutput ? "Output" : "Input") \(index) of model \(model.id) takes \(needed) bytes, but its buffer "
                        + "has \(slot.byteCount).")
            }
            if slot.byteCount > 0 { try verify(index, bytes: slot.byteCount, model, isOutput: isOutput) }
            // Safe: `copy` has `needed` bytes, at least as many as are copied; the original was verified.
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(needed, 1), alignment: 64)
            unsafe copy.initializeMemory(as: UInt8.self, repeating: 0)
            let bytes = min(slot.byteCount, needed)
            if !isOutput, let source = unsafe UnsafeRawPointer(bitPattern: slot.address), let target = copy.baseAddress
            {
                unsafe target.copyMemory(from: source, byteCount: bytes)
            }
            if let base = copy.baseAddress { unsafe pointers[index] = base }
            shortOnes.append(unsafe Short(index: index, copy: copy, original: slot.address, bytes: bytes))
        }

        /// Hands the results in copies over to the short buffers.
        @inline(__always)
        fileprivate func copyBack() {
            guard !shortOnes.isEmpty else { return }
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
        }
    }

    /// Counts, sizes and addresses, in the original's order.
    /// - Returns: the gear to execute; 0 for a model without gears.
    @inline(__always)
    func check(_ model: LoadedModel) throws(Failure) -> Int {
        guard model.prepared.gears == nil else { return try checkGear(model) }
        try inputs.check(model.prepared.inputBytes, model, isOutput: false)
        try outputs.check(model.prepared.outputBytes, model, isOutput: true)
        return 0
    }

    /// The same for a model with gears. Where a gear was set, the original does not look at the sizes and reads and
    /// writes beyond the buffers; here the sizes of that gear count. Otherwise, as there, those of the largest do.
    private func checkGear(_ model: LoadedModel) throws(Failure) -> Int {
        let prepared = model.prepared
        guard let gears = prepared.gears else { return 0 }
        try inputs.checkCount(prepared.inputBytes.count, model, isOutput: false)
        try outputs.checkCount(prepared.outputBytes.count, model, isOutput: true)
        let gear = try inputs.gear(gears, model)
        let isSet = inputs.isGearSet
        try inputs.check(isSet ? prepared.inputBytes(gear: gear) : prepared.inputBytes, model, isOutput: false)
        try outputs.check(isSet ? prepared.outputBytes(gear: gear) : prepared.outputBytes, model, isOutput: true)
        return gear
    }

    @inline(__always)
    func copyBack() { outputs.copyBack() }
}
