// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A range of address space that only allocations of this library use.
///
/// Pages get memory when they are first touched. Addresses are never given back, so an address in here that belongs to
/// no live block is known to be freed or never allocated, and can be refused without guessing.
struct MemoryRegion {
    let start: UInt
    let end: UInt
    /// Where the next new block goes.
    private var next: UInt
    /// By address, ascending.
    private(set) var blocks: [MemoryBlock] = []

    private static let usualBytes = 64 << 30
    static let pageBytes: UInt = 4096
    static let hugePageBytes: UInt = 2 << 20

    /// Takes address space for at least `bytes`; nil when the system has none.
    init?(atLeast bytes: Int) {
        var size = max(Self.usualBytes, bytes)
        while true {
            let memory = unsafe mmap(
                nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
            // MAP_FAILED is the address -1.
            let address = UInt(bitPattern: memory)
            if address != UInt.max {
                start = address
                end = address + UInt(size)
                next = address
                return
            }
            // Systems that count every page: take no more than needed.
            guard size > bytes else { return nil }
            size = max(bytes, size / 8)
        }
    }

    func contains(_ address: UInt) -> Bool { address >= start && address < end }

    /// Carves a new block of `slotBytes`; its index, or nil when the region is full.
    mutating func append(_ request: MemoryRequest, slotBytes: Int) -> Int? {
        let alignment: UInt =
            slotBytes >= Int(Self.hugePageBytes) ? Self.hugePageBytes : slotBytes >= 4096 ? Self.pageBytes : 512
        let base = (next + alignment - 1) & ~(alignment - 1)
        guard base >= next, base <= end, UInt(slotBytes) <= end - base else { return nil }
        next = base + UInt(slotBytes)
        blocks.append(
            MemoryBlock(
                base: base, slotBytes: slotBytes, requestedBytes: request.requestedBytes,
                reservedBytes: request.reservedBytes, kind: request.kind, device: request.device, isLive: true))
        return blocks.count - 1
    }

    /// Uses the freed block at `index` again.
    mutating func reuse(_ index: Int, for request: MemoryRequest) {
        blocks[index].requestedBytes = request.requestedBytes
        blocks[index].reservedBytes = request.reservedBytes
        blocks[index].kind = request.kind
        blocks[index].device = request.device
        blocks[index].isLive = true
    }

    mutating func markFreed(_ index: Int) { blocks[index].isLive = false }

    /// The block that holds `address`, live or freed.
    func block(at address: UInt) -> Int? {
        var low = 0
        var high = blocks.count
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle].base <= address { low = middle + 1 } else { high = middle }
        }
        guard low > 0, address < blocks[low - 1].end else { return nil }
        return low - 1
    }

    /// Asks for large pages in the part of the block that they fill.
    func adviseHugePages(_ index: Int) {
        let block = blocks[index]
        let bytes = UInt(block.reservedBytes) & ~(Self.hugePageBytes - 1)
        guard bytes > 0, block.base % Self.hugePageBytes == 0 else { return }
        // Safe: the range is this region's own; failing to get large pages is harmless.
        unsafe _ = madvise(UnsafeMutableRawPointer(bitPattern: block.base), Int(bytes), MADV_HUGEPAGE)
    }

    /// Puts the pages of `file` in the place of the block's own; its content is in the file already.
    mutating func share(_ index: Int, file: Int32, bytes: Int) -> Bool {
        let memory = unsafe UnsafeMutableRawPointer(bitPattern: blocks[index].base)
        // Safe: a device block has its pages to itself.
        let mapped = unsafe mmap(memory, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0)
        blocks[index].isShared = UInt(bitPattern: mapped) == blocks[index].base
        return blocks[index].isShared
    }

    /// Gives the memory of a freed block back to the system, its addresses excepted.
    mutating func discard(_ index: Int) {
        let block = blocks[index]
        guard block.slotBytes >= 4096, block.base % Self.pageBytes == 0 else { return }
        let bytes = Int(UInt(block.slotBytes) & ~(Self.pageBytes - 1))
        let memory = unsafe UnsafeMutableRawPointer(bitPattern: block.base)
        if block.isShared {
            // Safe: as below; other processes keep the file's pages, this one gets fresh ones.
            unsafe _ = mmap(
                memory, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0)
            blocks[index].isShared = false
            return
        }
        // Safe: the range is this region's own and nobody may use it any more. A program may have protected it.
        unsafe _ = mprotect(memory, bytes, PROT_READ | PROT_WRITE)
        if block.slotBytes >= 65536 { unsafe _ = madvise(memory, bytes, MADV_DONTNEED) }
    }
}
