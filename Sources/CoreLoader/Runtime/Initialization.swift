// SPDX-License-Identifier: Apache-2.0

/// `aclInit` and `aclFinalize`: a reference count and what the configuration said.
final class Initialization: Sendable {
    static let shared = Initialization()

    private let state = Protected(State())

    struct State: Sendable {
        var count: UInt64 = 0
        var isFinalized = false
        var defaultDevice: Int32?
    }

    var isInitialized: Bool { state.withLock { $0.count > 0 } }
    /// The device that threads without a context get, from the configuration.
    var defaultDevice: Int32? { state.withLock { $0.defaultDevice } }
    func resetAfterFork() { state.resetAfterFork() }
}
