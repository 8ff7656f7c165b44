// SPDX-License-Identifier: Apache-2.0

import Executable
import OfflineModel
import SaturatingArithmetic

/// Loading, finding and unloading models.
enum ModelEngine {
    static let models = ModelTable<LoadedModel>(firstID: 1)
    private static let areas = CallerAreas()
    private static let libraryWeights = ModelCache<LibraryWeightsKey, LibraryMemory>(recentLimit: 0)
    /// How often each device has lost its memory.
    private static let resets = Protected<[Int32: Int]>([:])

    private struct LibraryWeightsKey: Hashable {
        let digest: ContentDigest
        let device: Int32
        let reset: Int
    }

    /// Memory as a caller passes it to a load; address 0 leaves it to the library, whatever the size.
    struct CallerMemory {
        var address: UInt = 0
        var byteCount: UInt = 0
    }

    static func checkInitialized() throws(Failure) {
        guard Initialization.shared.isInitialized else { throw .engineNotInitialized }
    }

    /// The loaded model with this id; throws 145003.
    static func find(_ id: UInt32) throws(Failure) -> LoadedModel {
        guard let model = models[id] else { throw .unknownModel(id) }
        return model
    }

    // MARK: Loading

    /// Loads a model; on a failure nothing is left behind but the id, which is used up as on the original.
    /// - `bytes`: read during the call only.
    /// - `source`: the model's file, for a load from one, and where weights in files of their own are.
    /// - `withoutGraph`: whether a configuration asks to drop the graph after loading, as happens here anyway.
    static func load(
        _ bytes: UnsafeRawBufferPointer, work: CallerMemory, weight: CallerMemory,
        source: ExternalSource = ExternalSource(), withoutGraph: Bool = false
    ) throws(Failure) -> LoadedModel {
        try checkInitialized()
        try EngineMemory.begin()
        followDeviceResets()
        let id = models.takeID()
        var ready = try unsafe ReadyModel.find(bytes)
        if withoutGraph, ready.isDynamicShape {
            throw .argument(
                "handle", value: "a load configuration", reason: "a model of unknown shape cannot do without its graph")
        }
        if let folder = source.folder, ready.external == nil {
            throw .engine(
                ErrorCode.geFailure,
                "A path of external weights (\(folder)) is set, but the model has no external weights.")
        }
        let external = try ready.external.map { listed throws(Failure) in
            try ExternalWeights(reading: listed, from: source)
        }
        if let external { ready = try unsafe ReadyModel.find(bytes, external: external) }
        let prepared = try ready.prepared.get()
        let device = try Context.current().device
        // As on the original, a model of unknown shape does without an area that is too small for its weights.
        let isIgnored = prepared.isDynamic && weight.byteCount < UInt(clamping: prepared.weightBytes)
        let weightRange = try callerRange(
            isIgnored ? CallerMemory() : weight, needed: prepared.weightBytes, argument: "weight_ptr", isWritten: false,
            device: device,
            tooSmall: { size in
                .userMemory(
                    ErrorCode.geParamInvalid,
                    "The weights of model '\(ready.facts.modelName)' take \(prepared.weightBytes) bytes, but weight_size "
                        + "is \(size).")
            })
        let workRange = try callerRange(
            work, needed: prepared.workspaceBytes, argument: "work_ptr", isWritten: true, device: device,
            tooSmall: { size in
                .engine(
                    ErrorCode.geParamInvalid,
                    "The workspace of model '\(ready.facts.modelName)' takes \(prepared.workspaceBytes) bytes, but "
                        + "work_size is \(size).")
            })
        if let weightRange, let workRange, weightRange.overlaps(workRange) {
            throw .userMemory(
                ErrorCode.geParamInvalid, "The weight memory (\(weightRange)) and the workspace (\(workRange)) overlap."
            )
        }
        let workspace = try shareWorkspace(workRange, prepared, device)
        let weights = try unsafe shareWeights(weightRange, ready, prepared, device, bytes, external)
        let dump = try ModelDump.shared.session.flatMap { session throws(Failure) -> DumpedModel? in
            if prepared.isDynamic {
                Notice.sayOnce(
                    "model '\(ready.facts.modelName)' has shapes that are known at run time; it is not dumped")
                return nil
            }
            return try unsafe dumped(session, bytes, ready, source, device, id, external)
        }
        let model = try LoadedModel(
            id: id, ready: ready, runnable: prepared, device: device, weights: weights, workspace: workspace, dump: dump
        )
        try EngineMemory.check()
        models.insert(model, id: id)
        return model
    }

    private static func dumped(
        _ session: DumpSession, _ bytes: UnsafeRawBufferPointer, _ ready: ReadyModel, _ source: ExternalSource,
        _ device: Device, _ id: UInt32, _ external: ExternalWeights?
    ) throws(Failure) -> DumpedModel? {
        try unsafe ModelBytes.reading(bytes) { () throws(Failure) in
            try unsafe DumpedModel(
                session, bytes, facts: ready.facts, fileName: source.modelPath.map(stem), device: device, id: id,
                external: external)
        }
    }

    /// The last part of a path without its suffix.
    private static func stem(_ path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        return String(name.lastIndex(of: ".").map { name[..<$0] } ?? name)
    }

    /// The part of the caller's memory that the model uses; nil if the library manages it or nothing is needed.
    private static func callerRange(
        _ memory: CallerMemory, needed: Int, argument: String, isWritten: Bool, device: Device,
        tooSmall: (UInt) -> Failure
    ) throws(Failure) -> AddressRange? {
        guard memory.address != 0 else { return nil }
        guard memory.byteCount >= UInt(clamping: needed) else { throw tooSmall(memory.byteCount) }
        guard needed > 0 else { return nil }
        guard let range = AddressRange(start: memory.address, byteCount: needed) else {
            throw .userMemory(
                ErrorCode.geParamInvalid,
                "\(argument) is \(hexadecimal(memory.address)): \(needed) bytes there leave the address space.")
        }
        if let problem = AddressProbe.problemInside(range, writing: isWritten) {
            throw areaRefusal(argument, range, problem)
        }
        if let other = MemoryRegistry.shared.otherDevice(at: range.start, than: device.id) {
            throw areaRefusal(
                argument, range, "memory of device \(other), and the model is loaded on device \(device.id)")
        }
        return range
    }

    private static func areaRefusal(_ argument: String, _ range: AddressRange, _ problem: String) -> Failure {
        .userMemory(
            ErrorCode.geParamInvalid,
            "\(argument) is \(hexadecimal(range.start)): the model needs \(range.byteCount) bytes of usable memory there, but "
                + "this is \(problem).")
    }

    private static func shareWorkspace(
        _ range: AddressRange?, _ prepared: RunnableModel, _ device: Device
    ) throws(Failure) -> WorkspaceShare {
        if let range { return WorkspaceShare(try areas.shareWorkspace(at: range), in: areas) }
        guard prepared.workspaceBytes > 0 else { return WorkspaceShare(nil) }
        return WorkspaceShare(try LibraryMemory(bytes: prepared.workspaceBytes, on: device, purpose: "workspace"))
    }

    private static func shareWeights(
        _ range: AddressRange?, _ ready: ReadyModel, _ prepared: RunnableModel, _ device: Device,
        _ bytes: UnsafeRawBufferPointer, _ external: ExternalWeights?
    ) throws(Failure) -> WeightShare {
        guard prepared.weightBytes > 0 else { return WeightShare() }
        if let range {
            let area = try areas.shareWeights(at: range, model: ready.digest) { () throws(Failure) in
                if let problem = AddressProbe.problemInside(range, writing: true) {
                    throw areaRefusal("weight_ptr", range, problem)
                }
                try MemoryGuard.use(range, writing: true, { areaRefusal("weight_ptr", range, $0) }) {
                    () throws(Failure) in
                    try unsafe pack(
                        ready, prepared, bytes, external, into: UnsafeMutableRawPointer(bitPattern: range.start))
                }
            }
            return WeightShare(area, in: areas)
        }
        while true {
            let key = LibraryWeightsKey(
                digest: ready.digest, device: device.id, reset: resets.withLock { $0[device.id, default: 0] })
            let memory = try libraryWeights.value(for: key) { () throws(Failure) in
                let memory = try LibraryMemory(bytes: prepared.weightBytes, on: device, purpose: "weights")
                try unsafe pack(ready, prepared, bytes, external, into: memory.pointer)
                return memory
            }
            // What was made while the device was being reset has gone with the rest: it must not be found again.
            if !memory.isLost { return WeightShare(memory) }
            resets.withLock { $0[device.id, default: 0] += 1 }
        }
    }

    private static func pack(
        _ ready: ReadyModel, _ prepared: RunnableModel, _ bytes: UnsafeRawBufferPointer, _ external: ExternalWeights?,
        into area: UnsafeMutableRawPointer?
    ) throws(Failure) {
        try unsafe ModelBytes.reading(bytes) { () throws(Failure) in
            try unsafe packWatched(ready, prepared, bytes, external, into: area)
        }
    }

    private static func packWatched(
        _ ready: ReadyModel, _ prepared: RunnableModel, _ bytes: UnsafeRawBufferPointer, _ external: ExternalWeights?,
        into area: UnsafeMutableRawPointer?
    ) throws(Failure) {
        let partition = unsafe UnsafeRawBufferPointer(rebasing: bytes[ready.weights])
        let joined = try external.map { external throws(Failure) in try unsafe external.joined(to: partition) }
        do {
            // Safe: the area has `weightBytes` bytes and nobody else uses it; equal digests mean equal lengths, so the
            // weights lie within `bytes` as they did when the model was prepared.
            try unsafe prepared.packWeights(
                joined.map { unsafe UnsafeRawBufferPointer($0.bytes) } ?? partition,
                into: UnsafeMutableRawBufferPointer(start: area, count: prepared.weightBytes))
        } catch {
            throw .engine(
                ErrorCode.geFailure, error,
                "The weights of model '\(ready.facts.modelName)' cannot be arranged: \(error).")
        }
    }

    // MARK: Sizes

    /// What a load needs; for a model that cannot run here, what the file states.
    static func sizes(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> ModelSizes {
        try checkInitialized()
        try EngineMemory.begin()
        let ready = try unsafe ReadyModel.find(bytes, entry: .querySize)
        switch ready.prepared {
        case .success(.fixed(let prepared)):
            return ModelSizes(workspace: prepared.workspaceBytes, weights: prepared.weightBytes)
        case .success(.dynamic), .failure: return ready.statedSizes
        }
    }

    /// The checks of a load with queues, which a CPU then has to refuse.
    static func refuseQueues(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        let ready = try unsafe ReadyModel.find(bytes, entry: .loadWithQueue)
        guard !ready.isDynamicShape else {
            throw .engine(ErrorCode.geFailure, "A model of unknown shape cannot be loaded with queues.")
        }
        _ = try Context.current()
        throw Failure(
            ErrorCode.rtFeatureNotSupport,
            .unsupported("Models that take their inputs from queues are run by the NPU's scheduler, which a CPU lacks"))
    }

    // MARK: Unloading

    /// Waits for executions, then gives back everything that the model holds; needs no context, as on the original.
    static func unload(_ id: UInt32) throws(Failure) {
        let model = try find(id)
        // A context that has been destroyed counts as none.
        if let context = (try? Context.currentOrNil()) ?? nil { try checkDevice(of: model, context) }
        try model.waitForQueued()
        model.endLoops()
        guard try model.close(after: { models.remove(id) != nil }) else { throw .unknownModel(id) }
    }

    /// A context of the model's device will do, as on the original; throws 107004 for another device.
    @inline(__always)
    static func checkDevice(of model: LoadedModel, _ context: Context) throws(Failure) {
        guard context.device !== model.device else { return }
        throw Failure(
            ErrorCode.rtModelContext,
            .wrongContext(
                object: "model",
                detail: "Model \(model.id) was loaded on device \(model.device.id), the current context is on device "
                    + "\(context.device.id)"))
    }

    // MARK: Devices

    private static let deviceHook: Void = {
        let hook = Device.SettleHook { device throws(Failure) in
            for model in models.all where model.device === device { try model.waitForExecution() }
        }
        Device.settleHooks.withLock { $0.append(hook) }
        Device.releaseHooks.withLock { $0.append { device in releaseModels(of: device) } }
    }()

    private static func followDeviceResets() { deviceHook }

    /// The device's memory goes: its models keep their ids until they are unloaded, but cannot execute any more.
    private static func releaseModels(of device: Device) {
        resets.withLock { $0[device.id, default: 0] += 1 }
        for model in models.all where model.device === device { model.loseDevice() }
    }
}
