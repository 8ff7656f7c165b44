// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Every allocation of device and pinned host memory, and what was freed.
///
/// Device memory is host memory that is accounted for. An address that the registry does not know is the caller's own
/// memory and accepted; one that is known to be freed or too small is refused.
final class MemoryRegistry: Sendable {
    static let shared = MemoryRegistry()

    private let state = Protected(State())
    /// Grows with every free: what was checked at an epoch holds as long as the epoch lasts.
    private let epochCounter = Atomic<UInt64>(0)

    private struct State {
        var regions: [MemoryRegion] = []
        var freed: [Int: FIFO<Place>] = [:]
        var registrations: [Registration] = []
        var extents: [Extent] = []
        var usage: [Int32: DeviceUsage] = [:]
    }

    private struct Place {
        let region: Int
        let block: Int
    }

    /// Freed blocks of one size that wait before the oldest is used again, so that a use after free is noticed.
    private static let quarantine = 8

    /// Bytes of device memory in use on one device.
    struct DeviceUsage: Sendable, Equatable {
        var bytes: UInt64 = 0
        var peakBytes: UInt64 = 0
        var blocks = 0
    }

    /// Host memory of the program's own that it has registered.
    struct Registration: Sendable {
        let base: UInt
        let bytes: Int
        let isMapped: Bool

        func contains(_ address: UInt) -> Bool { address >= base && address - base < UInt(bytes) }
    }

    /// Memory outside the regions that this library has mapped: reservations, physical and imported memory.
    struct Extent: Sendable, Equatable {
        let base: UInt
        let bytes: Int
        let device: Int32
        /// Reserved address space without memory, or memory without access, cannot be used.
        var isAccessible: Bool

        func contains(_ address: UInt) -> Bool { address >= base && address - base < UInt(bytes) }
    }

    /// What `location(of:)` knows about an address.
    enum Location: Equatable, Sendable {
        case unknown
        case live(MemoryKind, device: Int32)
        case registered
        case freed
        /// Address space of this library outside every block.
        case neverAllocated
    }

    var epoch: UInt64 { epochCounter.load(ordering: .acquiring) }

    // MARK: Allocating

    /// Allocates; the address is a multiple of 512. Throws 207001 when the device's memory is used up.
    /// - `capacity`: bytes that the device has; nil for memory that is not counted.
    func allocate(_ request: MemoryRequest, capacity: UInt64?) throws(Failure) -> UInt {
        let slotBytes = Self.slotBytes(for: request)
        return try state.withLock { state throws(Failure) in
            let used = state.usage[request.device, default: DeviceUsage()].bytes
            if let capacity, request.kind.isDevice, UInt64(request.reservedBytes) > capacity - min(capacity, used) {
                throw Failure(
                    ErrorCode.rtMemoryAllocation,
                    .resources(
                        "\(request.requestedBytes) bytes do not fit: device \(request.device) has \(capacity) bytes, "
                            + "of which \(used) are in use"))
            }
            guard let place = Self.place(request, slotBytes: slotBytes, &state) else {
                throw Failure(
                    ErrorCode.rtMemoryAllocation,
                    .resources("The system has no address space for \(request.requestedBytes) bytes"))
            }
            if request.kind.isDevice { state.usage[request.device, default: DeviceUsage()].add(request.reservedBytes) }
            if request.prefersHugePages { state.regions[place.region].adviseHugePages(place.block) }
            return state.regions[place.region].blocks[place.block].base
        }
    }

    private static func place(_ request: MemoryRequest, slotBytes: Int, _ state: inout State) -> Place? {
        if state.freed[slotBytes]?.count ?? 0 > quarantine, let place = state.freed[slotBytes]?.removeFirst() {
            state.regions[place.region].reuse(place.block, for: request)
            return place
        }
        for region in state.regions.indices {
            if let block = state.regions[region].append(request, slotBytes: slotBytes) {
                return Place(region: region, block: block)
            }
        }
        if var region = MemoryRegion(atLeast: slotBytes + Int(MemoryRegion.hugePageBytes)),
            let block = region.append(request, slotBytes: slotBytes)
        {
            state.regions.append(region)
            return Place(region: state.regions.count - 1, block: block)
        }
        // No address space left: do without the quarantine.
        guard let place = state.freed[slotBytes]?.removeFirst() else { return nil }
        state.regions[place.region].reuse(place.block, for: request)
        return place
    }

    /// Eight sizes for each power of two, so that freed places fit later requests. Device memory gets pages of its own,
    /// which can be shared with other processes whatever its size.
    static func slotBytes(for request: MemoryRequest) -> Int {
        let bytes = request.reservedBytes
        let unit = request.kind.isDevice ? Int(MemoryRegion.pageBytes) : 512
        guard bytes > unit else { return unit }
        let magnitude = Int.bitWidth - (bytes - 1).leadingZeroBitCount
        let step = max(unit, 1 << (magnitude - 4))
        return (bytes + step - 1) / step * step
    }

    /// Frees the block that starts at `address`. Throws 107000 for everything that is not the start of a live block of
    /// one of `kinds`.
    func free(_ address: UInt, kinds: [MemoryKind], argument: String) throws(Failure) {
        try state.withLock { state throws(Failure) in
            guard let place = Self.find(address, state), state.regions[place.region].blocks[place.block].isLive,
                state.regions[place.region].blocks[place.block].base == address,
                kinds.contains(state.regions[place.region].blocks[place.block].kind)
            else {
                throw Failure(
                    ErrorCode.rtParamInvalid,
                    .unexpected(
                        argument: argument, value: hexadecimal(address),
                        expected: "the start of a live block of \(kinds[0].name); this address is "
                            + Self.describe(address, state), layer: .runtime))
            }
            Self.release(place, &state)
        }
        epochCounter.add(1, ordering: .releasing)
    }

    private static func release(_ place: Place, _ state: inout State) {
        let block = state.regions[place.region].blocks[place.block]
        state.regions[place.region].markFreed(place.block)
        state.regions[place.region].discard(place.block)
        state.freed[block.slotBytes, default: FIFO()].append(place)
        if block.kind.isDevice { state.usage[block.device]?.remove(block.reservedBytes) }
    }

    /// Frees what a device still holds, when its last user goes.
    func releaseAll(of device: Int32) {
        state.withLock { state in
            for region in state.regions.indices {
                for block in state.regions[region].blocks.indices {
                    let candidate = state.regions[region].blocks[block]
                    guard candidate.isLive, candidate.kind.isDevice, candidate.device == device else { continue }
                    Self.release(Place(region: region, block: block), &state)
                }
            }
        }
        epochCounter.add(1, ordering: .releasing)
    }

    // MARK: Looking up

    private static func find(_ address: UInt, _ state: State) -> Place? {
        for region in state.regions.indices where state.regions[region].contains(address) {
            guard let block = state.regions[region].block(at: address) else { return nil }
            return Place(region: region, block: block)
        }
        return nil
    }

    /// The allocation that holds `address`, if it is live.
    func liveBlock(at address: UInt) -> MemoryBlock? {
        state.withLock { state in
            guard let place = Self.find(address, state) else { return nil }
            let block = state.regions[place.region].blocks[place.block]
            return block.isLive ? block : nil
        }
    }

    func location(of address: UInt) -> Location {
        state.withLock { state in
            if let place = Self.find(address, state) {
                let block = state.regions[place.region].blocks[place.block]
                return block.isLive ? .live(block.kind, device: block.device) : .freed
            }
            if state.regions.contains(where: { $0.contains(address) }) { return .neverAllocated }
            if let extent = state.extents.last(where: { $0.contains(address) }) {
                return extent.isAccessible ? .live(.device, device: extent.device) : .neverAllocated
            }
            return state.registrations.contains { $0.contains(address) } ? .registered : .unknown
        }
    }

    /// The device of live device memory at `address`, if it is another one than `device`; nil for everything else.
    func otherDevice(at address: UInt, than device: Int32) -> Int32? {
        guard case .live(let kind, let owner) = location(of: address), kind.isDevice, owner != device else {
            return nil
        }
        return owner
    }

    var liveBlocks: [MemoryBlock] { state.withLock { $0.regions.flatMap { $0.blocks.filter(\.isLive) } } }

    func usage(of device: Int32) -> DeviceUsage { state.withLock { $0.usage[device, default: DeviceUsage()] } }

    /// What the registry can say about using a range.
    enum Verdict: Equatable, Sendable {
        /// It lies in a live block.
        case usable
        /// Not memory of this library.
        case unknown
        /// Why it cannot be used.
        case unusable(String)
    }

    func verdict(at address: UInt, bytes: Int) -> Verdict {
        state.withLock { state in
            guard let region = state.regions.firstIndex(where: { $0.contains(address) }) else {
                return Self.extentVerdict(address, bytes, state)
            }
            guard let index = state.regions[region].block(at: address) else {
                return .unusable(Self.describe(address, state))
            }
            let block = state.regions[region].blocks[index]
            // The padding counts: programs written for the original may lean on it.
            if block.isLive, bytes >= 0, Int(address - block.base) <= block.reservedBytes,
                bytes <= block.reservedBytes - Int(address - block.base)
            {
                return .usable
            }
            return .unusable("\(bytes) bytes at " + Self.describe(address, state))
        }
    }

    private static func extentVerdict(_ address: UInt, _ bytes: Int, _ state: State) -> Verdict {
        // Later ones lie inside earlier ones: mapped pieces of a reservation.
        guard let extent = state.extents.last(where: { $0.contains(address) }) else { return .unknown }
        guard extent.isAccessible else { return .unusable("reserved address space without usable memory") }
        guard bytes >= 0, UInt(bytes) <= UInt(extent.bytes) - (address - extent.base) else {
            return .unusable("\(bytes) bytes at " + describe(address, state))
        }
        return .usable
    }

    /// What is wrong with using `bytes` bytes at `address`; nil when nothing is, as far as the registry can know.
    func problem(at address: UInt, bytes: Int) -> String? {
        guard case .unusable(let problem) = verdict(at: address, bytes: bytes) else { return nil }
        return problem
    }

    /// Throws `code` when the registry knows that the range is freed or too small.
    func check(
        _ address: UInt, bytes: Int, argument: String, code: Int32 = ErrorCode.rtParamInvalid
    ) throws(Failure) {
        guard let problem = problem(at: address, bytes: bytes) else { return }
        throw Failure(
            code,
            .unexpected(
                argument: argument, value: hexadecimal(address), expected: "usable memory, but this is \(problem)",
                layer: .runtime))
    }

    /// What the address is, in words: "512 bytes into a freed block of 4096 bytes on device 0".
    func describe(_ address: UInt) -> String { state.withLock { Self.describe(address, $0) } }

    private static func describe(_ address: UInt, _ state: State) -> String {
        guard let region = state.regions.first(where: { $0.contains(address) }) else {
            if let own = state.registrations.first(where: { $0.contains(address) }) {
                return offset(address - own.base) + "registered host memory of \(own.bytes) bytes"
            }
            if let extent = state.extents.last(where: { $0.contains(address) }) {
                return offset(address - extent.base) + "a mapped range of \(extent.bytes) bytes"
            }
            return "memory that this library did not allocate"
        }
        guard let index = region.block(at: address) else { return "an address that was never allocated" }
        let block = region.blocks[index]
        let place = block.kind.isDevice ? " on device \(block.device)" : ""
        return offset(address - block.base)
            + "a \(block.isLive ? "block" : "freed block") of \(block.requestedBytes) bytes of \(block.kind.name)\(place)"
    }

    private static func offset(_ bytes: UInt) -> String { bytes == 0 ? "" : "\(bytes) bytes into " }

    // MARK: Registered host memory

    /// Notes memory of the program's own as pinned; false when part of it is registered already.
    func register(_ base: UInt, bytes: Int, isMapped: Bool) -> Bool {
        state.withLock { state in
            let overlaps = state.registrations.contains { other in
                base < other.base + UInt(other.bytes) && other.base < base + UInt(bytes)
            }
            guard !overlaps else { return false }
            state.registrations.append(Registration(base: base, bytes: bytes, isMapped: isMapped))
            return true
        }
    }

    /// False when nothing is registered at `base`.
    func unregister(_ base: UInt) -> Bool {
        state.withLock { state in
            guard let index = state.registrations.firstIndex(where: { $0.base == base }) else { return false }
            state.registrations.remove(at: index)
            return true
        }
    }

    /// The registration that holds `address`.
    func registration(at address: UInt) -> Registration? {
        state.withLock { state in state.registrations.first { $0.contains(address) } }
    }

    var registeredMemory: [Registration] { state.withLock { $0.registrations } }

    // MARK: Mapped ranges

    func add(_ extent: Extent) { state.withLock { $0.extents.append(extent) } }

    func remove(_ extent: Extent) {
        state.withLock { state in
            if let index = state.extents.lastIndex(of: extent) { state.extents.remove(at: index) }
        }
        epochCounter.add(1, ordering: .releasing)
    }

    /// Replaces the pages of the live block at `address` by those of `file`; false when the system refuses.
    func share(_ address: UInt, file: Int32, bytes: Int) -> Bool {
        state.withLock { state in
            guard let place = Self.find(address, state), state.regions[place.region].blocks[place.block].isLive else {
                return false
            }
            return state.regions[place.region].share(place.block, file: file, bytes: bytes)
        }
    }
}

extension MemoryRegistry.DeviceUsage {
    fileprivate mutating func add(_ count: Int) {
        bytes += UInt64(count)
        peakBytes = max(peakBytes, bytes)
        blocks += 1
    }

    fileprivate mutating func remove(_ count: Int) {
        bytes -= UInt64(count)
        blocks -= 1
    }
}

/// An address as programs print it.
func hexadecimal(_ address: UInt) -> String { "0x" + String(address, radix: 16) }
