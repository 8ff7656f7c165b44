// SPDX-License-Identifier: Apache-2.0

public import GEGraph
import SystemMemory

/// A tensor of an execution: what it is, and where its elements lie, dense and row-major.
@unsafe
public struct BoundTensor {
    /// Type and shape, both known.
    public var desc: TensorDesc
    public var address: UnsafeMutableRawPointer
    /// Keeps the memory at `address`; nil for memory of the caller's.
    var owner: AnyObject?

    public init(_ desc: TensorDesc, _ address: UnsafeMutableRawPointer) {
        unsafe self.desc = desc
        unsafe self.address = address
    }

    init(_ desc: TensorDesc, in memory: OwnedMemory) {
        unsafe self.init(desc, memory.start)
        unsafe owner = memory
    }

    public var byteCount: Int { unsafe desc.byteCount ?? 0 }

    /// The elements as a constant of their own.
    func copied() -> Constant {
        unsafe Constant(desc, .inline(Array(UnsafeRawBufferPointer(start: address, count: byteCount))))
    }

    /// The first element, of a tensor of truth values or of integers.
    func firstInteger() -> Int? {
        guard unsafe byteCount > 0 else { return nil }
        return unsafe BoundTensor(TensorDesc(desc.dataType, [1]), address).copied().ints?.first
    }
}

/// Memory of the library's own, aligned to a cache line.
@safe
final class OwnedMemory {
    let start: UnsafeMutableRawPointer
    let byteCount: Int

    init(_ byteCount: Int) throws(MemoryExhausted) {
        try SystemMemory.require(byteCount)
        self.byteCount = byteCount
        unsafe start = .allocate(byteCount: max(byteCount, 1), alignment: Alignment.bytes)
    }

    deinit { unsafe start.deallocate() }
}
