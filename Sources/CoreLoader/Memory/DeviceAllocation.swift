// SPDX-License-Identifier: Apache-2.0

/// The documented sizes and rules of allocating device and pinned host memory.
enum DeviceAllocation {
    /// How much more than requested is reserved.
    enum Rounding {
        /// Up to a multiple of 32, plus 32.
        case padded
        /// Up to a multiple of 32.
        case plain
    }

    /// Policies for pages of 1 GiB are not padded.
    static func rounding(ofPolicy policy: UInt32) -> Rounding {
        let kind = policy & 0xff
        return kind == 6 || kind == 7 ? .plain : .padded
    }

    /// Policies that ask for small pages only.
    static func prefersHugePages(policy: UInt32) -> Bool {
        let kind = policy & 0xff
        return kind != 2 && kind != 5
    }

    /// Bytes really reserved; nil when that is more than the address space.
    static func reservedBytes(_ requested: UInt, _ rounding: Rounding) -> Int? {
        let padding: UInt = rounding == .padded ? 63 : 31
        let (sum, overflow) = requested.addingReportingOverflow(padding)
        guard !overflow, sum <= UInt(Int.max) else { return nil }
        return Int(sum / 32 * 32)
    }

    /// Allocates on the device of the calling thread's context. Throws 100000 for sizes that wrap, 107002 without a
    /// context, 207001 when memory is used up.
    static func allocate(
        _ size: UInt, kind: MemoryKind, rounding: Rounding, prefersHugePages: Bool = true
    ) throws(Failure) -> UInt {
        guard size > 0 else {
            throw Failure(
                ErrorCode.invalidParam, .invalid(argument: "size", value: "0", reason: "it must be greater than 0"))
        }
        guard !size.addingReportingOverflow(64).overflow else {
            throw Failure(
                ErrorCode.invalidParam,
                .invalid(argument: "size", value: "\(size)", reason: "it is greater than the address space"))
        }
        let device = try Context.current().device
        guard let reserved = reservedBytes(size, rounding), reserved < 1 << 47 else {
            throw Failure(
                ErrorCode.rtMemoryAllocation, .resources("\(size) bytes are more than a process can have"))
        }
        let request = MemoryRequest(
            requestedBytes: Int(size), reservedBytes: reserved, kind: kind, device: device.id,
            prefersHugePages: prefersHugePages)
        return try MemoryRegistry.shared.allocate(request, capacity: device.capacity)
    }
}
