// SPDX-License-Identifier: Apache-2.0

/// A byte range of the process, compared as numbers and never dereferenced.
struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    let start: UInt
    let byteCount: Int

    /// Nil when the range would wrap around the address space.
    init?(start: UInt, byteCount: Int) {
        guard byteCount >= 0, !start.addingReportingOverflow(UInt(byteCount)).overflow else { return nil }
        self.start = start
        self.byteCount = byteCount
    }

    static func empty(at start: UInt) -> AddressRange { AddressRange(start) }

    private init(_ start: UInt) {
        self.start = start
        byteCount = 0
    }

    var end: UInt { start + UInt(byteCount) }

    func overlaps(_ other: AddressRange) -> Bool {
        byteCount > 0 && other.byteCount > 0 && start < other.end && other.start < end
    }

    var description: String { "\(byteCount) bytes at 0x\(String(start, radix: 16))" }
}
