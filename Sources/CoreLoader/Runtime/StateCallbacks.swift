// SPDX-License-Identifier: Apache-2.0

/// Functions of the program that it has registered under a name; they run on the thread that causes the event.
final class NamedCallbacks<Callback: Sendable>: Sendable {
    private let entries = Protected<[(name: String, callback: Callback)]>([])

    /// Registers under `name`, or removes that name when `callback` is nil; throws 107000 for a name in use.
    func set(_ name: String, _ callback: Callback?) throws(Failure) {
        try entries.withLock { entries throws(Failure) in
            guard let callback else {
                entries.removeAll { $0.name == name }
                return
            }
            guard !entries.contains(where: { $0.name == name }) else {
                throw Failure(
                    ErrorCode.rtParamInvalid,
                    .unexpected(
                        argument: "regName", value: name, expected: "a name that is not registered yet",
                        layer: .runtime))
            }
            entries.append((name, callback))
        }
    }

    /// A copy, so that callbacks may register and unregister.
    var all: [Callback] { entries.withLock { $0.map(\.callback) } }
}

/// What happens to devices.
enum DeviceCallbacks {
    enum Event: UInt32, Sendable {
        case setBefore = 0
        case setAfter
        case resetBefore
        case resetAfter
    }

    static let shared = NamedCallbacks<@Sendable (Int32, Event) -> Void>()
}

extension NamedCallbacks where Callback == @Sendable (Int32, DeviceCallbacks.Event) -> Void {
    func notify(_ device: Int32, _ event: DeviceCallbacks.Event) { for callback in all { callback(device, event) } }
}

/// What happens to streams.
enum StreamCallbacks {
    enum Event: UInt32, Sendable {
        case created = 1
        case destroying
    }

    static let shared = NamedCallbacks<@Sendable (Handle, Event) -> Void>()
}

extension NamedCallbacks where Callback == @Sendable (Handle, StreamCallbacks.Event) -> Void {
    func notify(_ stream: Stream, _ event: StreamCallbacks.Event) {
        for callback in all { callback(stream.handle, event) }
    }
}
