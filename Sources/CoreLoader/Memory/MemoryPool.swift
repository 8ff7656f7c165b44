// SPDX-License-Identifier: Apache-2.0

/// A pool whose memory is allocated and freed in the order of streams. Memory that is freed goes back at once.
final class MemoryPool: Sendable {
    static let table = HandleTable<MemoryPool>(.memoryPool)

    let device: Device
    /// Bytes that may be in use at a time; nil for as many as the device has.
    let limit: UInt64?
    private let state = Protected(State())

    private struct State: Sendable {
        var used: UInt64 = 0
        var peak: UInt64 = 0
        /// Switches and the release threshold, by `aclrtMemPoolAttr`.
        var settings: [UInt32: UInt64] = [1: 1, 2: 1, 3: 1, 4: 0]
    }

    /// The pool of every address that came from one.
    private static let owners = Protected<[UInt: MemoryPool]>([:])

    init(device: Device, limit: UInt64?) {
        self.device = device
        self.limit = limit
    }

    /// Throws 107000 for anything but a live pool.
    static func find(_ handle: Handle) throws(Failure) -> MemoryPool {
        guard let pool = table.find(handle) else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "memPool", value: hexadecimal(handle.bits),
                    expected: "a live memory pool; this is \(table.describe(handle))", layer: .runtime))
        }
        return pool
    }

    func allocate(_ size: UInt) throws(Failure) -> UInt {
        guard let reserved = DeviceAllocation.reservedBytes(size, .plain), reserved < 1 << 47 else {
            throw Failure(ErrorCode.rtMemoryAllocation, .resources("\(size) bytes are more than a process can have"))
        }
        let bytes = UInt64(reserved)
        let fits = state.withLock { state -> Bool in
            guard limit.map({ state.used + bytes <= $0 }) ?? true else { return false }
            state.used += bytes
            state.peak = max(state.peak, state.used)
            return true
        }
        guard fits else {
            throw Failure(ErrorCode.rtMemoryAllocation, .resources("The pool has no room for \(size) bytes"))
        }
        do throws(Failure) {
            let request = MemoryRequest(
                requestedBytes: Int(size), reservedBytes: reserved, kind: .device, device: device.id)
            let address = try MemoryRegistry.shared.allocate(request, capacity: device.capacity)
            Self.owners.withLock { $0[address] = self }
            return address
        } catch {
            state.withLock { $0.used -= bytes }
            throw error
        }
    }

    /// Frees memory of a pool or of `aclrtMalloc`.
    static func free(_ address: UInt) throws(Failure) {
        let bytes = MemoryRegistry.shared.liveBlock(at: address)?.reservedBytes ?? 0
        try MemoryRegistry.shared.free(address, kinds: [.device], argument: "ptr")
        let owner = owners.withLock { $0.removeValue(forKey: address) }
        owner?.state.withLock { $0.used -= UInt64(bytes) }
    }

    /// Throws 107000 for an unknown attribute.
    func value(of attribute: UInt32) throws(Failure) -> UInt64 {
        let value = state.withLock { state -> UInt64? in
            switch attribute {
            case 5, 7: state.used
            case 6, 8: state.peak
            default: state.settings[attribute]
            }
        }
        guard let value else { throw Self.unknown(attribute) }
        return value
    }

    /// The counters can only be set back, to 0.
    func set(_ attribute: UInt32, to value: UInt64) throws(Failure) {
        let isKnown = state.withLock { state -> Bool in
            if state.settings[attribute] != nil {
                state.settings[attribute] = value
                return true
            }
            guard attribute == 6 || attribute == 8, value == 0 else { return false }
            state.peak = state.used
            return true
        }
        guard isKnown else { throw Self.unknown(attribute) }
    }

    private static func unknown(_ attribute: UInt32) -> Failure {
        Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(
                argument: "attr", value: "\(attribute)", expected: "1 to 8, counters only with 0", layer: .runtime))
    }
}
