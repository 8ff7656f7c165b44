// SPDX-License-Identifier: Apache-2.0

import CAscendCL
import Glibc

/// Offline models, through the C functions: described, loaded with memory of the caller, asked about, executed.
struct ModelTarget: Target {
    private let device: Device

    init() { device = Device() }

    func read(_ bytes: [UInt8]) { device.read(bytes) }

    func mutated(_ bytes: [UInt8], limit: Int, _ random: inout Random) -> [UInt8] {
        ContainerMutator.mutated(bytes, words: Words.all, limit: limit, &random)
    }
}

/// The library with one device, and what programs do with a model on it.
struct Device {
    /// What the documentation has for files that cannot be read, described or loaded.
    private static let refusals: Set<aclError> = [
        100_000, 145_000, 145_004, 145_006, 161_001, 200_000, 245_000, 500_002, 545_002, 545_003, 545_004,
    ]
    /// More memory is not allocated: an execution takes time in proportion to it.
    private static let executionLimit = 1 << 18

    init() {
        precondition(unsafe aclInit(nil) == 0)
        precondition(aclrtSetDevice(0) == 0)
    }

    /// Ends the program for a code that is not a documented refusal, or comes without a sentence.
    private static func succeeded(_ code: aclError, _ what: String, _ allowed: Set<aclError> = refusals) -> Bool {
        if code == 0 { return true }
        guard allowed.contains(code) else { fatalError("\(what) returned \(code)") }
        guard unsafe aclGetRecentErrMsg() != nil else { fatalError("\(what) returned \(code) without a sentence") }
        return false
    }

    func read(_ model: [UInt8]) {
        // A copy of its own, so that the sanitizer sees reads beyond the end.
        let bytes = unsafe UnsafeMutableRawBufferPointer.allocate(byteCount: max(model.count, 1), alignment: 1)
        defer { unsafe bytes.deallocate() }
        unsafe bytes.copyBytes(from: model)
        let (start, size) = unsafe (UnsafeRawPointer(bytes.baseAddress), model.count)

        let description = aclmdlCreateDesc()
        defer { aclmdlDestroyDesc(description) }
        if unsafe Self.succeeded(aclmdlGetDescFromMem(description, start, size), "aclmdlGetDescFromMem") {
            Self.ask(description)
        }
        var bundle: UInt32 = 0
        if unsafe Self.succeeded(aclmdlBundleLoadFromMem(start, size, &bundle), "aclmdlBundleLoadFromMem") {
            _ = Self.succeeded(aclmdlBundleUnload(bundle), "aclmdlBundleUnload")
        }
        let (workspace, weights) = (Area(), Area())
        guard
            unsafe Self.succeeded(
                aclmdlQuerySizeFromMem(start, size, &workspace.size, &weights.size), "aclmdlQuerySizeFromMem")
        else { return }
        var id: UInt32 = 0
        if workspace.size + weights.size > Self.executionLimit {
            // What cannot be executed here may still be loaded: the memory is not touched.
            if unsafe Self.succeeded(aclmdlLoadFromMem(start, size, &id), "aclmdlLoadFromMem") {
                _ = Self.succeeded(aclmdlUnload(id), "aclmdlUnload")
            }
            return
        }
        let code = unsafe aclmdlLoadFromMemWithMem(
            start, size, &id, workspace.allocate(), workspace.size, weights.allocate(), weights.size)
        guard Self.succeeded(code, "aclmdlLoadFromMemWithMem") else { return }
        guard Self.succeeded(aclmdlGetDesc(description, id), "aclmdlGetDesc") else { return }
        Self.ask(description)
        Self.askAipp(id, inputs: aclmdlGetNumInputs(description))
        Self.execute(id, description, hasLoops: Self.mayLoop(model))
        _ = Self.succeeded(aclmdlUnload(id), "aclmdlUnload")
    }

    /// Memory of the caller, of exactly the size that was asked for.
    private final class Area {
        var size = 0
        private var memory: UnsafeMutableRawPointer?

        func allocate() -> UnsafeMutableRawPointer? {
            if size > 0 { unsafe memory = .allocate(byteCount: size, alignment: 1) }
            unsafe memory?.initializeMemory(as: UInt8.self, repeating: 0, count: size)
            return unsafe memory
        }

        deinit { unsafe memory?.deallocate() }
    }

    // MARK: Questions

    private static func ask(_ description: OpaquePointer?) {
        let any: Set<aclError> = refusals.union([100_021, 300_000, 500_000])
        var dims = aclmdlIODims()
        var range = aclmdlIODimsRange()
        for index in 0..<min(aclmdlGetNumInputs(description), 64) {
            _ = succeeded(unsafe aclmdlGetInputDims(description, index, &dims), "aclmdlGetInputDims", any)
            _ = succeeded(unsafe aclmdlGetInputDimsV2(description, index, &dims), "aclmdlGetInputDimsV2", any)
            _ = succeeded(unsafe aclmdlGetInputDimsRange(description, index, &range), "aclmdlGetInputDimsRange", any)
            _ = aclmdlGetInputSizeByIndex(description, index)
            _ = unsafe aclmdlGetInputNameByIndex(description, index)
            _ = (aclmdlGetInputFormat(description, index), aclmdlGetInputDataType(description, index))
        }
        for index in 0..<min(aclmdlGetNumOutputs(description), 64) {
            _ = succeeded(unsafe aclmdlGetOutputDims(description, index, &dims), "aclmdlGetOutputDims", any)
            _ = unsafe aclmdlGetCurOutputDims(description, index, &dims)
            _ = aclmdlGetOutputSizeByIndex(description, index)
            _ = unsafe aclmdlGetOutputNameByIndex(description, index)
            _ = (aclmdlGetOutputFormat(description, index), aclmdlGetOutputDataType(description, index))
        }
        var batch = aclmdlBatch()
        _ = succeeded(unsafe aclmdlGetDynamicBatch(description, &batch), "aclmdlGetDynamicBatch", any)
        var sizes = aclmdlHW()
        _ = succeeded(unsafe aclmdlGetDynamicHW(description, -1, &sizes), "aclmdlGetDynamicHW", any)
        var count = 0
        if succeeded(unsafe aclmdlGetInputDynamicGearCount(description, -1, &count), "aclmdlGetInputDynamicGearCount"),
            count < 1 << 12
        {
            var gears = [aclmdlIODims](repeating: aclmdlIODims(), count: count + 1)
            _ = succeeded(
                unsafe aclmdlGetInputDynamicDims(description, -1, &gears, count), "aclmdlGetInputDynamicDims", any)
        }
    }

    private static func askAipp(_ model: UInt32, inputs: Int) {
        for index in 0..<min(inputs, 64) {
            var type = ACL_DATA_WITHOUT_AIPP
            var attached = 0
            _ = unsafe aclmdlGetAippType(model, index, &type, &attached)
            var info = unsafe aclAippInfo()
            _ = unsafe aclmdlGetFirstAippInfo(model, index, &info)
        }
    }

    // MARK: Executing

    /// Whether the model may have a loop, which may have no end.
    private static func mayLoop(_ model: [UInt8]) -> Bool {
        ["Loop", "While"].contains { name in
            let name = Array(name.utf8)
            return model.indices.dropLast(name.count).contains { model[$0..<$0 + name.count].elementsEqual(name) }
        }
    }

    /// The size that stands for one that an execution chooses.
    private static let chosen: Int64 = 2
    /// Bytes for outputs whose size is not known before.
    private static let unknownOutput = 4096

    private static func execute(_ model: UInt32, _ description: OpaquePointer?, hasLoops: Bool) {
        let shapes = (0..<min(aclmdlGetNumInputs(description), 1024)).map { chosenShape(description, $0) }
        let inputs = Buffers(aclmdlGetNumInputs(description)) { index in
            guard let shape = shapes[index] else { return aclmdlGetInputSizeByIndex(description, index) }
            let elements = shape.reduce(Int64(1)) { $0.multipliedReportingOverflow(by: $1).partialValue }
            return Int(clamping: elements) * aclDataTypeSize(aclmdlGetInputDataType(description, index))
        }
        let outputs = Buffers(aclmdlGetNumOutputs(description)) { index in
            let size = aclmdlGetOutputSizeByIndex(description, index)
            return size == 0 ? unknownOutput : size
        }
        guard inputs.fit(executionLimit), outputs.fit(executionLimit) else { return }
        var index = 0
        if unsafe aclmdlGetInputIndexByName(description, ACL_DYNAMIC_TENSOR_NAME, &index) == 0 {
            var batch = aclmdlBatch()
            if unsafe aclmdlGetDynamicBatch(description, &batch) == 0, batch.batchCount > 0 {
                _ = aclmdlSetDynamicBatchSize(model, inputs.set, index, batch.batch.0)
            }
            var sizes = aclmdlHW()
            if unsafe aclmdlGetDynamicHW(description, -1, &sizes) == 0, sizes.hwCount > 0 {
                _ = aclmdlSetDynamicHWSize(model, inputs.set, index, sizes.hw.0.0, sizes.hw.0.1)
            }
        }
        for (index, shape) in shapes.enumerated() {
            guard let shape else { continue }
            let tensor = unsafe aclCreateTensorDesc(
                aclmdlGetInputDataType(description, index), Int32(clamping: shape.count), shape, ACL_FORMAT_ND)
            _ = aclmdlSetDatasetTensorDesc(inputs.set, tensor, index)
        }
        // Twice, as nothing of the first execution may disturb the second.
        for _ in 0..<2 {
            if hasLoops {
                executeForAWhile(model, inputs.set, outputs.set)
            } else {
                _ = aclmdlExecute(model, inputs.set, outputs.set)
            }
        }
    }

    /// The shape of an input, with a size for each that the model leaves open; nil where it leaves none.
    private static func chosenShape(_ description: OpaquePointer?, _ index: Int) -> [Int64]? {
        var dims = aclmdlIODims()
        guard unsafe aclmdlGetInputDims(description, index, &dims) == 0 else { return nil }
        let shape = unsafe withUnsafeBytes(of: dims.dims) {
            Array(unsafe $0.bindMemory(to: Int64.self).prefix(dims.dimCount))
        }
        guard shape.contains(where: { $0 < 0 }) else { return nil }
        return shape.map { $0 < 0 ? chosen : min($0, 1 << 10) }
    }

    private static func executeForAWhile(_ model: UInt32, _ inputs: OpaquePointer?, _ outputs: OpaquePointer?) {
        var stream: aclrtStream?
        guard unsafe aclrtCreateStream(&stream) == 0 else { return }
        _ = aclmdlExecuteAsync(model, inputs, outputs, stream)
        if aclrtSynchronizeStreamWithTimeout(stream, 1000) != 0 { _ = aclrtStreamAbort(stream) }
        _ = aclrtSynchronizeStream(stream)
        _ = aclrtDestroyStream(stream)
    }

    /// A dataset with a buffer of exactly the stated size for each tensor.
    private final class Buffers {
        let set = aclmdlCreateDataset()
        private let sizes: [Int]
        private var memory: [UnsafeMutableRawPointer] = []
        private var buffers: [OpaquePointer?] = []

        init(_ count: Int, size: (Int) -> Int) { sizes = (0..<min(count, 1024)).map(size) }

        /// Makes the buffers, unless they take more than `limit` bytes.
        func fit(_ limit: Int) -> Bool {
            guard sizes.allSatisfy({ $0 <= limit }), sizes.reduce(0, +) <= limit else { return false }
            for size in sizes {
                let area = unsafe UnsafeMutableRawPointer.allocate(byteCount: max(size, 1), alignment: 1)
                unsafe area.initializeMemory(as: UInt8.self, repeating: 1, count: size)
                unsafe memory.append(area)
                buffers.append(unsafe aclCreateDataBuffer(area, size))
                aclmdlAddDatasetBuffer(set, buffers.last ?? nil)
            }
            return true
        }

        deinit {
            aclmdlDestroyDataset(set)
            for buffer in buffers { aclDestroyDataBuffer(buffer) }
            for area in unsafe memory { unsafe area.deallocate() }
        }
    }
}
