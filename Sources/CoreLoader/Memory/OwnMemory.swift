// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Memory that the library needs for itself; on no device's account.
@safe
final class OwnMemory: @unchecked Sendable {
    // The pointer is constant; who uses the bytes sees to it that nobody else does.
    /// Zero at first, aligned to a page; valid while `self` lives.
    let bytes: UnsafeMutableRawBufferPointer

    /// Throws 245000 when there is no memory.
    /// - bytes: may be 0.
    init(bytes count: Int, purpose: String) throws(Failure) {
        guard count > 0 else {
            unsafe bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            return
        }
        let memory = unsafe mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            throw .engine(ErrorCode.geMemoryAllocation, "There is no memory for \(count) bytes of \(purpose).")
        }
        unsafe bytes = UnsafeMutableRawBufferPointer(start: memory, count: count)
    }

    deinit {
        guard let memory = unsafe bytes.baseAddress else { return }
        unsafe munmap(memory, bytes.count)
    }
}
