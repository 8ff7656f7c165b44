// SPDX-License-Identifier: Apache-2.0

/// The dump switches: initialised, set from a file, finalised.
final class ModelDump: Sendable {
    static let shared = ModelDump()

    private let state = Protected(State())

    private struct State: Sendable {
        var isInitialized = false
        /// The section `dump` of the file that was set; models loaded from then on obey it.
        var settings: JSONValue?
    }

    /// What the program wants dumped; nil for nothing.
    var settings: JSONValue? { state.withLock { $0.settings } }

    /// Throws 100001 before `aclInit`, 100002 for the second time.
    func initialize() throws(Failure) {
        try requireInit()
        let isFirst = state.withLock { state -> Bool in
            defer { state.isInitialized = true }
            return !state.isInitialized
        }
        guard isFirst else { throw Self.order(ErrorCode.repeatInitialize, "The dump is initialised already") }
    }

    /// Reads the settings of the file at `path`.
    func set(path: String?) throws(Failure) {
        try requireInit()
        try requireDump()
        guard let path else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "dumpCfgPath")) }
        let text = try Configuration(path: path).text
        guard !text.isEmpty else { return }
        guard let section = JSONValue(text)?["dump"], case .object = section else {
            throw Failure(ErrorCode.invalidDumpConfig, .badFile(path, reason: "it has no object \"dump\""))
        }
        state.withLock { $0.settings = section }
    }

    func finalize() throws(Failure) {
        try requireInit()
        try requireDump()
        state.withLock { $0 = State() }
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

    func resetAfterFork() { state.resetAfterFork() }
}
