// SPDX-License-Identifier: Apache-2.0

/// `aclmdlConfigHandle`: how `aclmdlLoadWithConfig` is to load.
final class LoadConfiguration: Sendable {
    static let table = HandleTable<LoadConfiguration>(.loadConfig)

    private let state = Protected(Values())

    struct Values: Sendable {
        var priority: Int32 = 0
        /// 1 to 6 (`ACL_MDL_LOAD_FROM_…`); nil until set.
        var loadType: Int?
        var path: String?
        var weightPath: String?
        /// Memory for weights in files of their own, in the order in which it was registered.
        var externalWeights: [ExternalSource.Registered] = []
        var memory = ModelEngine.CallerMemory()
        var weight = ModelEngine.CallerMemory()
        var workspace = ModelEngine.CallerMemory()
        var inputQueues: QueueList?
        var outputQueues: QueueList?
        var isWithoutGraph = false
    }

    struct QueueList: Sendable {
        var address: UInt = 0
        var count = 0
    }

    var values: Values { state.withLock { $0 } }
    func change(_ body: (inout Values) -> Void) { state.withLock { body(&$0) } }

    @safe static func find(_ pointer: OpaquePointer?, _ argument: String) throws(Failure) -> LoadConfiguration {
        let handle = Handle(pointer)
        guard let object = table.find(handle) else { throw .handle(handle, argument, in: table) }
        return object
    }
}

/// `aclmdlExecConfigHandle`: limits for `aclmdlExecuteV2`.
final class ExecuteConfiguration: Sendable {
    static let table = HandleTable<ExecuteConfiguration>(.executeConfig)

    private let state = Protected(Values())

    struct Values: Sendable {
        /// Milliseconds; −1 for no limit.
        var streamSyncTimeout: Int32 = -1
        var eventSyncTimeout: Int32 = -1
    }

    var streamSyncTimeout: Int32 { state.withLock { $0.streamSyncTimeout } }
    func change(_ body: (inout Values) -> Void) { state.withLock { body(&$0) } }

    @safe static func find(_ pointer: OpaquePointer?, _ argument: String) throws(Failure) -> ExecuteConfiguration {
        let handle = Handle(pointer)
        guard let object = table.find(handle) else { throw .handle(handle, argument, in: table) }
        return object
    }
}
