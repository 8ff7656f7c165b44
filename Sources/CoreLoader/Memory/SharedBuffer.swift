// SPDX-License-Identifier: Apache-2.0

/// `aclrtMbuf`: a piece of host memory that several references share, with a length and some user data, and that can
/// be chained to others.
final class SharedBuffer: Sendable {
    static let table = HandleTable<SharedBuffer>(.sharedBuffer)

    /// Bytes of user data in every buffer.
    static let userDataBytes = 96

    let memory: Memory
    private let chain = Protected<[Handle]>([])

    /// What references share; freed with the last of them.
    final class Memory: Sendable {
        let address: UInt
        let bytes: Int
        let contents = Protected(Contents())

        init(address: UInt, bytes: Int) {
            self.address = address
            self.bytes = bytes
        }

        deinit {
            do throws(Failure) {
                try MemoryRegistry.shared.free(address, kinds: [.host], argument: "buf")
            } catch {
                // Somebody has freed it by its address: there is nothing left to free.
                return
            }
        }
    }

    struct Contents: Sendable {
        /// Bytes in use.
        var length = 0
        var userData = [UInt8](repeating: 0, count: SharedBuffer.userDataBytes)
    }

    init(memory: Memory) { self.memory = memory }

    /// Throws 107000 for anything but a live buffer.
    static func find(_ handle: Handle) throws(Failure) -> SharedBuffer {
        guard let buffer = table.find(handle) else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "buf", value: hexadecimal(handle.bits),
                    expected: "a live buffer; this is \(table.describe(handle))", layer: .runtime))
        }
        return buffer
    }

    static func publish(_ memory: Memory) throws(Failure) -> Handle {
        guard let handle = table.insert(SharedBuffer(memory: memory)) else {
            throw Failure(ErrorCode.rtResourceAllocFail, .resources("There are too many buffers"))
        }
        return handle
    }

    /// A new buffer of `size` bytes of host memory.
    static func allocate(_ size: UInt) throws(Failure) -> Handle {
        guard let reserved = DeviceAllocation.reservedBytes(size, .plain), reserved < 1 << 47 else {
            throw Failure(ErrorCode.rtMemoryAllocation, .resources("There are no \(size) bytes"))
        }
        let request = MemoryRequest(requestedBytes: Int(size), reservedBytes: reserved, kind: .host, device: 0)
        let address = try MemoryRegistry.shared.allocate(request, capacity: nil)
        return try publish(Memory(address: address, bytes: Int(size)))
    }

    /// The chained buffers, without this one.
    var chained: [Handle] { chain.withLock { $0 } }

    func append(_ buffer: Handle) { chain.withLock { $0.append(buffer) } }
}
