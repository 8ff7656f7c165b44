// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Reserved address ranges and the physical memory mapped into them.
final class AddressSpace: Sendable {
    static let shared = AddressSpace()
    /// Sizes and places are multiples of it.
    static let granularity = 2 << 20

    private let state = Protected(State())

    private struct State {
        var reservations: [MemoryRegistry.Extent] = []
        var mappings: [Mapping] = []
    }

    private struct Mapping {
        var extent: MemoryRegistry.Extent
        let handle: Handle
        /// Keeps the memory alive when its handle is freed first.
        let memory: PhysicalMemory
    }

    /// Reserves addresses without memory; throws 207001 when the system has none.
    func reserve(bytes: Int, expected: UInt) throws(Failure) -> UInt {
        let size = (bytes + Self.granularity - 1) / Self.granularity * Self.granularity
        let place = unsafe mmap(
            UnsafeMutableRawPointer(bitPattern: expected), size + Self.granularity, PROT_NONE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        let start = UInt(bitPattern: place)
        guard start != UInt.max else {
            throw Failure(ErrorCode.rtMemoryAllocation, .resources("No address space for \(bytes) bytes"))
        }
        // Gives back what lies before and after the aligned part.
        let alignment = UInt(Self.granularity)
        let base = (start + alignment - 1) / alignment * alignment
        if base > start { unsafe _ = munmap(place, Int(base - start)) }
        let end = base + UInt(size)
        let surplus = Int(start + UInt(size) + alignment - end)
        if surplus > 0 { unsafe _ = munmap(UnsafeMutableRawPointer(bitPattern: end), surplus) }
        let extent = MemoryRegistry.Extent(base: base, bytes: size, device: 0, isAccessible: false)
        state.withLock { $0.reservations.append(extent) }
        MemoryRegistry.shared.add(extent)
        return base
    }

    /// Throws 107000 when nothing is reserved at `address`, or memory is still mapped there.
    func release(_ address: UInt) throws(Failure) {
        let extent = try state.withLock { state throws(Failure) -> MemoryRegistry.Extent in
            guard let index = state.reservations.firstIndex(where: { $0.base == address }) else {
                throw Self.bad("virPtr", address, "the start of a reservation")
            }
            guard !state.mappings.contains(where: { state.reservations[index].contains($0.extent.base) }) else {
                throw Self.bad("virPtr", address, "a reservation without mapped memory: call aclrtUnmapMem first")
            }
            return state.reservations.remove(at: index)
        }
        MemoryRegistry.shared.remove(extent)
        // Safe: the reservation is this library's own and nothing is mapped into it.
        unsafe _ = munmap(UnsafeMutableRawPointer(bitPattern: address), extent.bytes)
    }

    /// Maps physical memory; throws 107000 for places outside a reservation, in use, or too small.
    func map(_ address: UInt, bytes: Int, handle: Handle, isAccessible: Bool) throws(Failure) {
        let memory = try PhysicalMemory.find(handle)
        guard bytes <= memory.bytes, address % 4096 == 0 else {
            throw Self.bad("size", UInt(bytes), "at most the \(memory.bytes) bytes of the memory, at a whole page")
        }
        let extent = MemoryRegistry.Extent(
            base: address, bytes: bytes, device: Int32(bitPattern: memory.properties.locationID),
            isAccessible: isAccessible)
        try state.withLock { state throws(Failure) in
            guard
                let reservation = state.reservations.first(where: { $0.contains(address) }),
                UInt(bytes) <= UInt(reservation.bytes) - (address - reservation.base)
            else { throw Self.bad("virPtr", address, "a place inside a reservation, with room for \(bytes) bytes") }
            let end = address + UInt(bytes)
            let overlaps = state.mappings.contains { other in
                address < other.extent.base + UInt(other.extent.bytes) && other.extent.base < end
            }
            guard !overlaps else { throw Self.bad("virPtr", address, "a place where nothing is mapped yet") }
            let access = isAccessible ? PROT_READ | PROT_WRITE : PROT_NONE
            // Safe: replaces a part of this library's own reservation.
            let place = unsafe mmap(
                UnsafeMutableRawPointer(bitPattern: address), bytes, access, MAP_SHARED | MAP_FIXED, memory.file, 0)
            guard UInt(bitPattern: place) == address else {
                throw Failure(ErrorCode.rtMemoryAllocation, .resources("Mapping failed: \(systemError())"))
            }
            state.mappings.append(Mapping(extent: extent, handle: handle, memory: memory))
        }
        MemoryRegistry.shared.add(extent)
    }

    func unmap(_ address: UInt) throws(Failure) {
        let mapping = try state.withLock { state throws(Failure) -> Mapping in
            guard let index = state.mappings.firstIndex(where: { $0.extent.base == address }) else {
                throw Self.bad("virPtr", address, "the start of mapped memory")
            }
            return state.mappings.remove(at: index)
        }
        MemoryRegistry.shared.remove(mapping.extent)
        // Safe: turns this library's own range into a reservation again.
        unsafe _ = mmap(
            UnsafeMutableRawPointer(bitPattern: address), mapping.extent.bytes, PROT_NONE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0)
    }

    /// Bits: 1 reading, 2 writing.
    func setAccess(_ address: UInt, bytes: Int, flags: UInt32) throws(Failure) {
        try state.withLock { state throws(Failure) in
            guard let index = state.mappings.firstIndex(where: { $0.extent.contains(address) }),
                UInt(bytes) <= UInt(state.mappings[index].extent.bytes) - (address - state.mappings[index].extent.base)
            else { throw Self.bad("virPtr", address, "mapped memory of at least \(bytes) bytes") }
            let protection = (flags & 1 != 0 ? PROT_READ : PROT_NONE) | (flags & 2 != 0 ? PROT_WRITE : PROT_NONE)
            // Safe: the range is this library's own mapping.
            guard unsafe mprotect(UnsafeMutableRawPointer(bitPattern: address), bytes, protection) == 0 else {
                throw Failure(ErrorCode.rtParamInvalid, .inner("EE9999", text: "mprotect failed: \(systemError())."))
            }
            let old = state.mappings[index].extent
            state.mappings[index].extent.isAccessible = flags & 2 != 0
            MemoryRegistry.shared.remove(old)
            MemoryRegistry.shared.add(state.mappings[index].extent)
        }
    }

    /// The memory mapped at `address`, and whether it may be used.
    func mapping(at address: UInt) throws(Failure) -> (handle: Handle, memory: PhysicalMemory, isAccessible: Bool) {
        try state.withLock { state throws(Failure) in
            guard let mapping = state.mappings.first(where: { $0.extent.contains(address) }) else {
                throw Self.bad("virPtr", address, "an address in mapped memory")
            }
            return (mapping.handle, mapping.memory, mapping.extent.isAccessible)
        }
    }

    private static func bad(_ argument: String, _ value: UInt, _ expected: String) -> Failure {
        Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(argument: argument, value: hexadecimal(value), expected: expected, layer: .runtime))
    }
}
