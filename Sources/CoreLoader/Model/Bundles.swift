// SPDX-License-Identifier: Apache-2.0

import OfflineModel

/// Where the models of a bundle file lie in its bytes, and how much memory their common variables take.
struct BundleLayout: Sendable {
    let models: [Range<Int>]
    let variableBytes: Int

    /// Throws 100000 for bytes that are no bundle.
    init(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        if bytes.count >= 4, unsafe bytes.loadUnaligned(as: UInt32.self).littleEndian == ModelBytes.packageMagic {
            throw Failure(
                ErrorCode.apiNotSupport,
                .coded(
                    "EH0006", title: "Not_Supported", text: "The file is a ZIP package (OM2), which is never a bundle.")
            )
        }
        let container: Container
        do throws(OfflineModelError) {
            container = try unsafe OfflineModelFile.container(of: bytes)
        } catch {
            throw .argument("model", value: "\(bytes.count) bytes", reason: "\(error)")
        }
        guard container.isBundle else {
            throw .argument(
                "model", value: "a file of model type \(container.header.modelType)",
                reason: "a bundle has the model type 5")
        }
        models = container.partitions.filter { $0.type == .bundledModel }.map(\.range)
        guard let range = container.partitions.first(where: { $0.type.rawValue == 25 })?.range, range.count >= 8 else {
            variableBytes = 0
            return
        }
        let size = unsafe bytes.loadUnaligned(fromByteOffset: range.lowerBound, as: Int64.self).littleEndian
        guard size >= 0 else {
            throw .argument("model", value: "\(size)", reason: "the size of the bundle's variables is negative")
        }
        variableBytes = Int(clamping: size)
    }
}

/// A bundle: several complete models in one file, loaded under one id.
final class Bundle: Sendable {
    let id: UInt32
    let layout: BundleLayout
    /// A copy of the bytes, so that models can be loaded at any time.
    private let content: FileContent
    /// Whether the bundle was only initialised: its models are loaded one by one, and their ids not told again.
    let isInitializedOnly: Bool
    private let members: Protected<[Member]>

    private enum Member: Equatable {
        case absent, loading
        case loaded(UInt32)
    }

    fileprivate init(id: UInt32, layout: BundleLayout, content: FileContent, isInitializedOnly: Bool) {
        self.id = id
        self.layout = layout
        self.content = content
        self.isInitializedOnly = isInitializedOnly
        members = Protected(Array(repeating: .absent, count: layout.models.count))
    }

    /// The id of each loaded model.
    var modelIDs: [UInt32?] {
        members.withLock { members in
            members.map { if case .loaded(let id) = $0 { id } else { nil } }
        }
    }

    /// Loads the model at `index`.
    func load(
        _ index: Int, _ load: (UnsafeRawBufferPointer) throws(Failure) -> LoadedModel
    ) throws(Failure) -> UInt32 {
        guard layout.models.indices.contains(index) else { throw .index(index, count: layout.models.count) }
        let isFree = members.withLock { members in
            guard members[index] == .absent else { return false }
            members[index] = .loading
            return true
        }
        guard isFree else {
            throw .argument("index", value: "\(index)", reason: "it is loaded already, or by another thread now")
        }
        do throws(Failure) {
            // Safe: the layout was read from these bytes.
            let model = try unsafe load(UnsafeRawBufferPointer(rebasing: content.bytes[layout.models[index]]))
            members.withLock { $0[index] = .loaded(model.id) }
            return model.id
        } catch {
            members.withLock { $0[index] = .absent }
            throw error
        }
    }

    func unload(_ modelID: UInt32) throws(Failure) {
        guard let index = modelIDs.firstIndex(of: modelID) else {
            throw .argument("modelId", value: "\(modelID)", reason: "it does not belong to bundle \(id)")
        }
        try ModelEngine.unload(modelID)
        members.withLock { $0[index] = .absent }
    }

    /// Unloads all models; the last failure is thrown after the others were tried.
    fileprivate func unloadAll() throws(Failure) {
        var failure: Failure?
        for modelID in modelIDs.compactMap({ $0 }) {
            do throws(Failure) {
                try unload(modelID)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}

/// The loaded bundles by id.
enum Bundles {
    private static let table = ModelTable<Bundle>(firstID: 0x8000_0000)

    static func find(_ id: UInt32) throws(Failure) -> Bundle {
        guard let bundle = table[id] else { throw unknown(id) }
        return bundle
    }

    private static func unknown(_ id: UInt32) -> Failure {
        .engine(ErrorCode.invalidBundleModelId, "No bundle with the id \(id) is loaded.")
    }

    /// The models of bundles are unloaded through their bundle.
    static func refuseMember(_ modelID: UInt32) throws(Failure) {
        for bundle in table.all where bundle.modelIDs.contains(modelID) {
            throw .argument(
                "modelId", value: "\(modelID)",
                reason: "it belongs to bundle \(bundle.id), which is unloaded as a whole")
        }
    }

    /// A bundle with an id, no model of it loaded yet.
    /// - `variables`: the caller's memory for variables; null leaves them to the library.
    static func initialize(
        _ content: FileContent, variables: ModelEngine.CallerMemory, isInitializedOnly: Bool = true
    ) throws(Failure) -> Bundle {
        let layout = try unsafe BundleLayout(content.bytes)
        try ModelEngine.checkInitialized()
        if variables.address != 0, variables.byteCount < UInt(clamping: layout.variableBytes) {
            throw .argument(
                "varWeightSize", value: "\(variables.byteCount)",
                reason: "the variables of the bundle take \(layout.variableBytes) bytes")
        }
        let bundle = Bundle(
            id: table.takeID(), layout: layout, content: content, isInitializedOnly: isInitializedOnly)
        table.insert(bundle, id: bundle.id)
        return bundle
    }

    /// A bundle with all its models loaded; nothing stays when one fails.
    static func load(_ content: FileContent) throws(Failure) -> Bundle {
        let bundle = try initialize(content, variables: ModelEngine.CallerMemory(), isInitializedOnly: false)
        do throws(Failure) {
            for index in bundle.layout.models.indices {
                _ = try unsafe bundle.load(index) { bytes throws(Failure) in
                    try unsafe ModelEngine.load(
                        bytes, work: ModelEngine.CallerMemory(), weight: ModelEngine.CallerMemory())
                }
            }
        } catch {
            try unload(bundle.id)
            throw error
        }
        return bundle
    }

    /// Unloads the models and the bundle; a failure keeps the bundle.
    static func unload(_ id: UInt32) throws(Failure) {
        try find(id).unloadAll()
        guard table.remove(id) != nil else { throw unknown(id) }
    }

    static var all: [Bundle] { table.all }
}

/// A live `aclmdlBundleQueryInfo`.
final class BundleQuery: Sendable {
    static let table = HandleTable<BundleQuery>(.bundleQuery)

    private let state = Protected(State())

    struct State: Sendable {
        var variableBytes = 0
        var sizes: [ModelSizes] = []
    }

    var result: State { state.withLock { $0 } }

    /// Asks for the sizes of all models of a bundle.
    func fill(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        let layout = try unsafe BundleLayout(bytes)
        let sizes = try layout.models.map { part throws(Failure) in
            try unsafe ModelEngine.sizes(UnsafeRawBufferPointer(rebasing: bytes[part]))
        }
        state.withLock { $0 = State(variableBytes: layout.variableBytes, sizes: sizes) }
    }

    @safe static func find(_ pointer: OpaquePointer?) throws(Failure) -> BundleQuery {
        let handle = Handle(pointer)
        guard let object = table.find(handle) else { throw .handle(handle, "queryInfo", in: table) }
        return object
    }
}
