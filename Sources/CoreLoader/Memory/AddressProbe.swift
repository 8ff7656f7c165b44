// SPDX-License-Identifier: Apache-2.0

import CAscendCL
import Glibc

/// Asks the registry and the kernel about addresses, so that a wrong one is refused, not followed.
///
/// Best effort: where the kernel gives no answer the address counts as good, and another thread may unmap it any time.
/// What is read or written afterwards is watched by a `MemoryGuard`.
enum AddressProbe {
    private static let pageBytes: UInt = 4096

    /// What is wrong with the range, in words; nil when all of it is mapped and its ends can be used.
    static func problem(with range: AddressRange, writing: Bool = false) -> String? {
        guard range.byteCount > 0 else { return nil }
        let start = range.start & ~(pageBytes - 1)
        // Safe: flushes nothing of anonymous memory and reports ENOMEM for pages that are not mapped.
        if unsafe msync(UnsafeMutableRawPointer(bitPattern: start), Int(clamping: range.end - start), MS_ASYNC) != 0,
            errno == ENOMEM
        {
            return "not mapped (\(range))"
        }
        for address in [range.start, range.end - 1] {
            if pyaclmdlCanTransfer(address, 0) == 0 { return "memory that may not be read (\(hexadecimal(address)))" }
            if writing, pyaclmdlCanTransfer(address, 1) == 0 {
                return "memory that may not be written (\(hexadecimal(address)))"
            }
        }
        return nil
    }

    /// What the registry and the kernel know to be wrong with an area that executions will use: of every page, which
    /// costs tens of microseconds, if it is the program's own.
    static func problemInside(_ range: AddressRange, writing: Bool) -> String? {
        switch MemoryRegistry.shared.verdict(at: range.start, bytes: range.byteCount) {
        case .unusable(let problem): problem
        // A program may have protected it.
        case .usable: problem(with: range, writing: writing)
        case .unknown:
            problem(with: range, writing: writing)
                ?? MemoryFault(in: range, writing: writing)?.problem(writing: writing)
        }
    }

    /// What the registry and the kernel know to be wrong with memory that will be read.
    static func problemReading(_ range: AddressRange) -> String? {
        MemoryRegistry.shared.problem(at: range.start, bytes: range.byteCount) ?? problem(with: range)
    }
}
