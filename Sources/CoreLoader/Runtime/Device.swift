// SPDX-License-Identifier: Apache-2.0

/// One emulated device: its reference count and its primary context, shared by all threads of the process.
final class Device: Sendable {
    /// The number under which the program knows it.
    let id: Int32
    private let state = Protected(State())

    private struct State {
        var references = 0
        var primary: Context?
        /// Live explicit contexts; they keep the device on their own account.
        var contexts = 0
    }

    private init(id: Int32) { self.id = id }

    static let all: [Device] = {
        ForkSupport.register()
        return (0..<HostProfile.current.deviceCount).map { Device(id: $0) }
    }()

    /// Runs before a device loses its last user: who works on the device is waited for here, or throws to keep it.
    static let settleHooks = Protected<[SettleHook]>([])

    /// A structure, because the compiler cannot keep functions with typed errors in an array.
    struct SettleHook: Sendable {
        let settle: @Sendable (Device) throws(Failure) -> Void
    }

    /// Runs when a device loses its last user, before its memory is released: who holds something that lives on the
    /// device drops it here.
    static let releaseHooks = Protected<[@Sendable (Device) -> Void]>([])

    /// The number before `ASCEND_RT_VISIBLE_DEVICES`.
    var realNumber: Int32 { HostProfile.current.visibleDevices?[Int(id)] ?? id }

    /// Bytes of memory that the device has.
    var capacity: UInt64 { HostProfile.current.deviceMemory }

    /// The device with number `id`; throws `code` when there is none.
    static func find(_ id: Int32, code: Int32 = ErrorCode.rtInvalidDeviceid) throws(Failure) -> Device {
        guard all.indices.contains(Int(id)) else {
            throw Failure(
                code,
                .unexpected(
                    argument: "deviceId", value: "\(id)",
                    expected: (all.isEmpty ? "a visible device, but there is none" : "0 to \(all.count - 1)")
                        + "; \(HostProfile.current.moreDevices)",
                    layer: .runtime))
        }
        return all[Int(id)]
    }

    /// `aclrtSetDevice`: one more reference; the thread works in the primary context from now on.
    static func set(_ id: Int32) throws(Failure) {
        let device = try find(id)
        DeviceCallbacks.shared.notify(id, .setBefore)
        let context = try device.retainPrimary()
        let thread = ThreadState.current
        thread.explicitContext = nil
        thread.deviceContext = context
        DeviceCallbacks.shared.notify(id, .setAfter)
    }

    private func retainPrimary() throws(Failure) -> Context {
        let existing = state.withLock { state -> Context? in
            if state.primary != nil { state.references += 1 }
            return state.primary
        }
        if let existing { return existing }
        // Made outside the lock, because stream callbacks of the program may come back to this device.
        let candidate = try Context.make(on: self, isPrimary: true)
        let primary = state.withLock { state -> Context in
            state.references += 1
            if let other = state.primary { return other }
            state.primary = candidate
            return candidate
        }
        if primary === candidate { candidate.announce() } else { candidate.tearDown() }
        return primary
    }

    /// `aclrtResetDevice`, or with `force` `aclrtResetDeviceForce`.
    static func reset(_ id: Int32, force: Bool) throws(Failure) {
        let device = try find(id)
        try device.state.withLock { $0.primary }?.refuseWaitingOnItself()
        DeviceCallbacks.shared.notify(id, .resetBefore)
        try device.release(all: force)
        DeviceCallbacks.shared.notify(id, .resetAfter)
    }

    private func release(all: Bool) throws(Failure) {
        var step = try releaseStep(all: all, settled: nil)
        while case .settle(let last) = step {
            try last.settle("Device \(id) cannot be reset")
            for hook in Self.settleHooks.withLock({ $0 }) { try hook.settle(self) }
            step = try releaseStep(all: all, settled: last)
        }
        guard case .end(let ended) = step else { return }
        LeakReport.sayAtEnd(of: ended, all ? "aclrtResetDeviceForce" : "aclrtResetDevice")
        ended.tearDown()
        let thread = ThreadState.current
        if thread.deviceContext === ended { thread.deviceContext = nil }
        releaseMemoryIfUnused()
    }

    private enum ReleaseStep {
        /// Nothing has changed: the work of this context has to be done first, so that a reset that fails ends nothing.
        case settle(Context)
        /// The last reference is gone, and nobody has this primary context any more.
        case end(Context)
        case goOn
    }

    /// Gives up one reference or all, the last one only when `settled` is the primary context.
    private func releaseStep(all: Bool, settled: Context?) throws(Failure) -> ReleaseStep {
        try state.withLock { state throws(Failure) in
            guard state.references > 0 else {
                throw Failure(
                    ErrorCode.rtContextReleaseError,
                    .wrongOrder("Device \(id) has not been set, or has been reset already"))
            }
            let rest = all ? 0 : state.references - 1
            if rest == 0, let primary = state.primary, primary !== settled { return .settle(primary) }
            state.references = rest
            guard rest == 0, let primary = state.primary.take() else { return .goOn }
            return .end(primary)
        }
    }

    /// Whether something else than `context`, which is about to end, keeps the device.
    func isKept(besides context: Context) -> Bool {
        state.withLock { $0.references > 0 || $0.contexts > (context.isPrimary ? 0 : 1) }
    }

    var isActive: Bool { state.withLock { $0.references > 0 } }

    /// A new explicit context, current on the calling thread.
    func makeContext() throws(Failure) -> Context {
        let context = try Context.make(on: self, isPrimary: false)
        state.withLock { $0.contexts += 1 }
        context.announce()
        context.makeCurrent()
        return context
    }

    func contextDestroyed() {
        state.withLock { $0.contexts -= 1 }
        releaseMemoryIfUnused()
    }

    private func releaseMemoryIfUnused() {
        guard state.withLock({ $0.references == 0 && $0.contexts == 0 }) else { return }
        for hook in Self.releaseHooks.withLock({ $0 }) { hook(self) }
        LibraryMemory.releaseAll(of: id)
    }
}
