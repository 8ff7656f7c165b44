// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// `aclDataBuffer`: the address and the size of memory that the caller owns. Either may be anything.
final class DataBuffer: Sendable {
    static let table = HandleTable<DataBuffer>(.dataBuffer)

    private let addressBits: Atomic<UInt>
    private let sizeBits: Atomic<UInt>
    private let destroyed = Atomic<Bool>(false)
    /// Memory that the library has allocated for an output, as long as the caller has not asked where it is: nobody
    /// else can free it, so it goes with the buffer.
    private let untaken = Protected<LibraryMemory?>(nil)

    init(address: UInt, size: UInt) {
        addressBits = Atomic(address)
        sizeBits = Atomic(size)
    }

    var address: UInt { addressBits.load(ordering: .relaxed) }
    /// Bytes, as the caller gave them.
    var size: UInt { sizeBits.load(ordering: .relaxed) }

    /// Datasets may still hold the object when its handle is gone.
    var isDestroyed: Bool { destroyed.load(ordering: .relaxed) }
    func markDestroyed() { destroyed.store(true, ordering: .relaxed) }

    /// Points the buffer at memory of the library, which belongs to the caller from `take` on.
    func adopt(_ memory: LibraryMemory) {
        update(address: memory.address, size: UInt(memory.byteCount))
        untaken.withLock { $0 = memory }
    }

    /// The address, for the caller.
    func take() -> UInt {
        let memory = untaken.withLock { $0.take() }
        memory?.abandon()
        return address
    }

    func update(address: UInt, size: UInt) {
        _ = untaken.withLock { $0.take() }
        addressBits.store(address, ordering: .relaxed)
        sizeBits.store(size, ordering: .relaxed)
    }

    /// Hands the first `bytes` bytes to `body`, which writes them. Throws 100000 when they cannot be written.
    func write(
        _ bytes: Int, _ argument: String, _ body: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(Failure) {
        let start = address
        func refusal(_ problem: String) -> Failure {
            .argument(argument, value: hexadecimal(start), reason: "this is \(problem)")
        }
        guard let range = AddressRange(start: start, byteCount: bytes) else {
            throw refusal("\(bytes) bytes that reach past the end of the address space")
        }
        if let problem = MemoryRegistry.shared.problem(at: start, bytes: bytes)
            ?? AddressProbe.problem(with: range, writing: true)
        {
            throw refusal(problem)
        }
        try MemoryGuard.use(range, writing: true, refusal) {
            // Safe: the range was found to be usable and is watched.
            unsafe body(UnsafeMutableRawBufferPointer(start: pointer(to: start), count: bytes))
        }
    }
}
