// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// `aclInit` and `aclFinalize`: a reference count, the configuration, and the functions that want to know.
final class Initialization: Sendable {
    static let shared = Initialization()

    /// Held during whole calls, so that one waits for another; callbacks may come back in.
    private let turns = Turn()
    private let state = Protected(State())
    /// Whether the count is above 0.
    private let initialized = Atomic<Bool>(false)

    typealias InitCallback = @Sendable (_ configuration: [UInt8]) -> Int32
    typealias FinalizeCallback = @Sendable () -> Int32

    /// A function that was registered, told apart by its address.
    struct Registered<Callback: Sendable>: Sendable {
        let type: UInt32
        let function: UInt
        let callback: Callback
    }

    private struct State: Sendable {
        var count: UInt64 = 0
        var isFinalized = false
        var configuration = Configuration()
        /// The text of the first configuration of the process; later ones have to be equal.
        var firstText: [UInt8]?
        var initCallbacks: [Registered<InitCallback>] = []
        var finalizeCallbacks: [Registered<FinalizeCallback>] = []
    }

    /// Types of callbacks in the order in which they are called.
    private static let initOrder: [UInt32] = [0, 1, 6, otherType]
    private static let finalizeOrder: [UInt32] = [3, 0, 6, otherType]
    private static let otherType: UInt32 = 0xffff

    /// Asked by every execution, hence without the lock.
    var isInitialized: Bool { initialized.load(ordering: .acquiring) }

    /// The device that threads without a context get, from the configuration.
    var defaultDevice: Int32? { state.withLock { $0.count > 0 ? $0.configuration.defaultDevice : nil } }

    /// `aclInit`. Throws 100002 when it is initialised already, which counts nevertheless.
    /// - `path`: the configuration file; nil or empty for none.
    func initialize(path: String?) throws(Failure) {
        try turns.takeOrGiveUp()
        defer { turns.give() }
        let isRepeated = state.withLock { state -> Bool in
            if state.count > 0 { state.count += 1 }
            return state.count > 0
        }
        guard !isRepeated else {
            throw Failure(
                ErrorCode.repeatInitialize,
                .wrongOrder("The process is initialised already; the call has been counted"))
        }
        // With the first look, every setting is checked.
        _ = HostProfile.current
        let configuration: Configuration
        if let path, !path.isEmpty {
            configuration = try Configuration(path: path)
        } else {
            configuration = Configuration()
        }
        if let first = state.withLock({ $0.firstText }), first != configuration.text {
            throw Failure(
                ErrorCode.invalidParam,
                .invalid(
                    argument: "configPath", value: path ?? "(none)",
                    reason: "an earlier aclInit of this process used another configuration"))
        }
        ErrorMessages.setProcessWide(configuration.hasProcessWideMessages)
        try callInitCallbacks(configuration)
        ModelDump.shared.begin(configuration.dump)
        for notice in configuration.notices { Notice.sayOnce(notice) }
        state.withLock { state in
            state.configuration = configuration
            state.firstText = state.firstText ?? configuration.text
            state.count = 1
            initialized.store(true, ordering: .releasing)
            state.isFinalized = false
        }
    }

    private func callInitCallbacks(_ configuration: Configuration) throws(Failure) {
        for type in Self.initOrder {
            // The operator executor is only told of a configuration file.
            if type == 1 && configuration.text.isEmpty { continue }
            for registered in state.withLock({ $0.initCallbacks }) where registered.type == type {
                let code = registered.callback(configuration.text)
                guard code == ErrorCode.success else {
                    throw Failure(code, .inner("EH9999", text: "An initialisation callback of type \(type) failed."))
                }
            }
        }
    }

    /// `aclFinalize`: undoes any number of `aclInit`. Throws 100037 when that has happened already.
    func finalize() throws(Failure) {
        try turns.takeOrGiveUp()
        defer { turns.give() }
        guard !state.withLock({ $0.isFinalized }) else {
            throw Failure(ErrorCode.repeatFinalize, .wrongOrder("The process is finalised already"))
        }
        try tearDown()
    }

    /// `aclFinalizeReference`: undoes one `aclInit`; the last one tears down.
    /// - Returns: the remaining count, and the failure if there is one.
    func finalizeReference() -> (count: UInt64, failure: Failure?) {
        do throws(Failure) { try turns.takeOrGiveUp() } catch { return (state.withLock { $0.count }, error) }
        defer { turns.give() }
        let count = state.withLock { $0.count }
        guard count > 0 else {
            return (0, Failure(ErrorCode.repeatFinalize, .wrongOrder("The process is not initialised")))
        }
        guard count == 1 else {
            state.withLock { $0.count = count - 1 }
            return (count - 1, nil)
        }
        do throws(Failure) {
            try tearDown()
            return (0, nil)
        } catch {
            return (1, error)
        }
    }

    private func tearDown() throws(Failure) {
        for type in Self.finalizeOrder {
            for registered in state.withLock({ $0.finalizeCallbacks }) where registered.type == type {
                let code = registered.callback()
                guard code == ErrorCode.success else {
                    throw Failure(code, .inner("EH9999", text: "A finalisation callback of type \(type) failed."))
                }
            }
        }
        ModelDump.shared.end()
        LeakReport.sayAtFinalize()
        state.withLock { state in
            state.isFinalized = true
            state.count = 0
            initialized.store(false, ordering: .releasing)
        }
    }

    // MARK: Callbacks

    /// Registers a function; called at once when the process is initialised already.
    func registerInit(_ registered: Registered<InitCallback>) throws(Failure) {
        try turns.takeOrGiveUp()
        defer { turns.give() }
        let text = try state.withLock { state throws(Failure) -> [UInt8]? in
            try Self.add(registered, to: &state.initCallbacks)
            return state.count > 0 ? state.configuration.text : nil
        }
        if let text { _ = registered.callback(text) }
    }

    func registerFinalize(_ registered: Registered<FinalizeCallback>) throws(Failure) {
        try state.withLock { state throws(Failure) in try Self.add(registered, to: &state.finalizeCallbacks) }
    }

    func unregisterInit(type: UInt32, function: UInt) throws(Failure) {
        try state.withLock { state throws(Failure) in try Self.remove(type, function, from: &state.initCallbacks) }
    }

    func unregisterFinalize(type: UInt32, function: UInt) throws(Failure) {
        try state.withLock { state throws(Failure) in try Self.remove(type, function, from: &state.finalizeCallbacks) }
    }

    private static func add<Callback>(
        _ registered: Registered<Callback>, to list: inout [Registered<Callback>]
    ) throws(Failure) {
        guard registered.type == otherType || !list.contains(where: { $0.type == registered.type }) else {
            throw Failure(
                ErrorCode.internalError,
                .wrongOrder("A callback of type \(registered.type) has been registered already"))
        }
        list.append(registered)
    }

    private static func remove<Callback>(
        _ type: UInt32, _ function: UInt, from list: inout [Registered<Callback>]
    ) throws(Failure) {
        guard let index = list.firstIndex(where: { $0.type == type && $0.function == function }) else {
            throw Failure(ErrorCode.internalError, .wrongOrder("No such callback of type \(type) is registered"))
        }
        list.remove(at: index)
    }
}
