// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// Device memory that the library manages itself: workspaces and weights of loads that pass no pointer.
///
/// Accounted for like every other device memory. When its device loses its last user the memory is gone with the rest.
final class LibraryMemory: Sendable {
    let address: UInt
    let byteCount: Int
    private let serial: UInt64

    private static let live = Protected(Live())

    private struct Live {
        var nextSerial: UInt64 = 0
        /// Allocations whose memory is still theirs; the serial tells a later one at the same address apart.
        var owners: [UInt: (serial: UInt64, device: Int32)] = [:]
    }

    /// Throws 245000 when the device has no room.
    init(bytes: Int, on device: Device, purpose: String) throws(Failure) {
        let request = MemoryRequest(requestedBytes: bytes, reservedBytes: bytes, kind: .device, device: device.id)
        do throws(Failure) {
            // In one go, so that a device that is reset meanwhile takes the memory and the knowledge of it together.
            (address, serial) = try Self.live.withLock { live throws(Failure) in
                let address = try MemoryRegistry.shared.allocate(request, capacity: device.capacity)
                live.nextSerial += 1
                live.owners[address] = (live.nextSerial, device.id)
                return (address, live.nextSerial)
            }
        } catch {
            throw .engine(
                ErrorCode.geMemoryAllocation,
                "Device \(device.id) has no room for \(bytes) bytes of \(purpose) (code \(error.code)).")
        }
        byteCount = bytes
    }

    /// Where the library's own memory starts.
    static var addresses: Set<UInt> { live.withLock { Set($0.owners.keys) } }

    /// Takes over a block that was just allocated.
    init(adopting address: UInt, bytes: Int, on device: Device) {
        self.address = address
        byteCount = bytes
        serial = Self.live.withLock { live in
            live.nextSerial += 1
            live.owners[address] = (live.nextSerial, device.id)
            return live.nextSerial
        }
    }

    /// Leaves the memory to the caller, who frees it with `aclrtFree`.
    func abandon() {
        Self.live.withLock { live in
            if live.owners[address]?.serial == serial { live.owners[address] = nil }
        }
    }

    deinit {
        let isMine = Self.live.withLock { live in
            guard live.owners[address]?.serial == serial else { return false }
            live.owners[address] = nil
            return true
        }
        if isMine { MemoryRegistry.shared.releaseLibraryMemory(at: address) }
    }

    /// Whether a reset of the device has taken the memory.
    var isLost: Bool { Self.live.withLock { $0.owners[address]?.serial != serial } }

    /// Releases all memory of a device.
    static func releaseAll(of device: Int32) {
        live.withLock { live in
            live.owners = live.owners.filter { $0.value.device != device }
            MemoryRegistry.shared.releaseAll(of: device)
        }
    }

    var pointer: UnsafeMutableRawPointer? { unsafe UnsafeMutableRawPointer(bitPattern: address) }
}

extension MemoryRegistry {
    /// Frees a block that nobody outside the library can have freed, short of a program that guesses addresses.
    fileprivate func releaseLibraryMemory(at address: UInt) {
        do throws(Failure) {
            try free(address, kinds: [.device], argument: "devPtr")
        } catch {
            ErrorMessages.append(error.message.rendered(function: "aclmdlUnload"))
        }
    }
}
