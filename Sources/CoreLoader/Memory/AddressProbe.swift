// SPDX-License-Identifier: Apache-2.0

import CAscendCL
import Glibc

/// Asks the kernel about addresses that the memory registry does not know, so that a wrong one is refused, not followed.
///
/// Best effort: where the kernel gives no answer the address counts as good, and another thread may unmap it any time.
enum AddressProbe {
    private static let pageBytes: UInt = 4096

    /// What is wrong with the range, in words; nil when all of it is mapped and its ends can be read.
    static func problem(with range: AddressRange) -> String? {
        guard range.byteCount > 0 else { return nil }
        let start = range.start & ~(pageBytes - 1)
        // Safe: flushes nothing of anonymous memory and reports ENOMEM for pages that are not mapped.
        if unsafe msync(UnsafeMutableRawPointer(bitPattern: start), Int(clamping: range.end - start), MS_ASYNC) != 0,
            errno == ENOMEM
        {
            return "not mapped (\(range))"
        }
        for address in [range.start, range.end - 1] where !canTransfer(address, writing: false) {
            return "memory that may not be read (\(hexadecimal(address)))"
        }
        return nil
    }

    /// Throws 145000 unless the ends of the range can be written; their bytes stay as they are.
    static func checkWritable(_ range: AddressRange, argument: String) throws(Failure) {
        for address in [range.start, range.end - 1] where !canTransfer(address, writing: true) {
            throw .userMemory(
                ErrorCode.geParamInvalid,
                "\(argument) lies in memory that may not be written (\(hexadecimal(address))).")
        }
    }

    private static func canTransfer(_ address: UInt, writing: Bool) -> Bool {
        pyaclmdlCanTransfer(address, writing ? 1 : 0) != 0
    }
}
