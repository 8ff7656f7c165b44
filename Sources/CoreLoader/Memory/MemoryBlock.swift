// SPDX-License-Identifier: Apache-2.0

/// What a piece of registered memory is for.
enum MemoryKind: Sendable {
    case device
    /// Device memory for image processing (`acldvppMalloc`).
    case dvpp
    /// Pinned host memory.
    case host
    /// Memory with one address on host and device.
    case managed

    var isDevice: Bool { self == .device || self == .dvpp }

    var name: String {
        switch self {
        case .device: "device memory"
        case .dvpp: "device memory for image processing"
        case .host: "pinned host memory"
        case .managed: "managed memory"
        }
    }
}

/// One allocation; after it is freed, its address stays known until the place is used again.
struct MemoryBlock: Sendable {
    let base: UInt
    /// Bytes up to the next block, at least `reservedBytes`.
    let slotBytes: Int
    var requestedBytes: Int
    /// Requested bytes with the documented rounding and padding.
    var reservedBytes: Int
    var kind: MemoryKind
    /// The device that was current; what it means for host memory is up to the caller.
    var device: Int32
    var isLive: Bool
    /// Its pages belong to a file that other processes may map.
    var isShared = false

    var end: UInt { base + UInt(slotBytes) }
}

/// What a request for memory says.
struct MemoryRequest: Sendable {
    var requestedBytes: Int
    var reservedBytes: Int
    var kind: MemoryKind
    var device: Int32
    /// Large pages where the system has them.
    var prefersHugePages = true
}
