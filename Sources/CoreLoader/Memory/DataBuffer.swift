// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// `aclDataBuffer`: the address and the size of memory that the caller owns. Either may be anything.
final class DataBuffer: Sendable {
    static let table = HandleTable<DataBuffer>(.dataBuffer)

    private let addressBits: Atomic<UInt>
    private let sizeBits: Atomic<UInt>
    /// The registry's epoch at which the range was found usable, plus one; 0 when it has to be looked up.
    private let checkedEpoch = Atomic<UInt64>(0)
    private let checkedBytes = Atomic<Int>(0)
    private let destroyed = Atomic<Bool>(false)

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

    func update(address: UInt, size: UInt) {
        checkedEpoch.store(0, ordering: .relaxed)
        addressBits.store(address, ordering: .relaxed)
        sizeBits.store(size, ordering: .relaxed)
    }

    /// What is wrong with using the first `bytes` bytes; nil when nothing is, as far as the registry can know.
    ///
    /// Costs nothing as long as no memory is freed between two calls.
    func problem(usingFirst bytes: Int) -> String? {
        let epoch = MemoryRegistry.shared.epoch &+ 1
        if checkedEpoch.load(ordering: .relaxed) == epoch, checkedBytes.load(ordering: .relaxed) >= bytes { return nil }
        if let problem = MemoryRegistry.shared.problem(at: address, bytes: bytes) { return problem }
        checkedBytes.store(bytes, ordering: .relaxed)
        checkedEpoch.store(epoch, ordering: .relaxed)
        return nil
    }
}
