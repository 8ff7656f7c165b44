// SPDX-License-Identifier: Apache-2.0

/// The dump switches: initialised, set from a file, finalised; or set for as long as the process is initialised.
final class ModelDump: Sendable {
    static let shared = ModelDump()

    private let state = Protected(State())

    private struct State: Sendable {
        var isInitialized = false
        /// What `aclmdlSetDump` asked for; models loaded from then on obey it.
        var session: DumpSession?
        /// What the configuration of `aclInit` asked for.
        var initSession: DumpSession?
    }

    /// What models that are loaded now take part in; nil for nothing.
    ///
    /// A program that takes dumps with a callback need not set anything and then gets every operator's output.
    var session: DumpSession? {
        let (session, takesEverything) = state.withLock { state in
            (state.session ?? state.initSession, state.isInitialized)
        }
        if let session { return session }
        guard takesEverything, DumpCallback.isRegistered else { return nil }
        return state.withLock { state in
            if state.session == nil, state.isInitialized {
                state.session = DumpSession(.everything, writesFiles: false)
            }
            return state.session
        }
    }

    /// Throws 100001 before `aclInit`, 100002 for the second time, 100044 when `aclInit` has set a dump.
    func initialize() throws(Failure) {
        try requireInit()
        let failure: Failure? = state.withLock { state in
            if state.isInitialized { return Self.order(ErrorCode.repeatInitialize, "The dump is initialised already") }
            if state.initSession != nil {
                return Self.order(ErrorCode.dumpAlreadyRun, "The configuration of aclInit has set a dump already")
            }
            state.isInitialized = true
            return nil
        }
        if let failure { throw failure }
    }

    /// Reads the settings of the file at `path`, in place of earlier ones.
    func set(path: String?) throws(Failure) {
        try requireInit()
        try requireDump()
        guard let path else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "dumpCfgPath")) }
        guard let root = try Configuration.root(ofFile: path) else { return }
        let settings = try DumpSettings.read(root, file: path)
        for notice in ConfigurationNotices.list(root, file: path) { Notice.sayOnce(notice) }
        state.withLock { $0.session = settings.map { DumpSession($0, writesFiles: true) } }
    }

    /// From now on nothing is dumped, also by models that are loaded.
    func finalize() throws(Failure) {
        try requireInit()
        try requireDump()
        state.withLock { state in
            state.session?.close()
            state.session = nil
            state.isInitialized = false
        }
    }

    /// What the configuration of `aclInit` says, once the process is initialised.
    func begin(_ settings: DumpSettings?) {
        state.withLock { $0.initSession = settings.map { DumpSession($0, writesFiles: true) } }
    }

    /// `aclFinalize`.
    func end() {
        state.withLock { state in
            state.session?.close()
            state.initSession?.close()
            state = State()
        }
    }

    private func requireInit() throws(Failure) {
        guard Initialization.shared.isInitialized else {
            throw Self.order(ErrorCode.uninitialize, "aclInit has not been called")
        }
    }

    private func requireDump() throws(Failure) {
        guard state.withLock({ $0.isInitialized }) else {
            throw Self.order(ErrorCode.dumpNotRun, "aclmdlInitDump has not been called")
        }
    }

    private static func order(_ code: Int32, _ reason: String) -> Failure {
        Failure(
            code,
            .coded("EP0008", title: "Invalid_Argument_API_Call_Sequence", text: "\(reason).", solution: nil))
    }
}
