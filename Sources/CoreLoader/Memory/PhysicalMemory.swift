// SPDX-License-Identifier: Apache-2.0

import CAscendCL
import Files
import Glibc

/// Memory without an address: a file in memory, to be mapped where the program wants it.
final class PhysicalMemory: Sendable {
    static let table = HandleTable<PhysicalMemory>(.physicalMemory)

    let file: Int32
    let bytes: Int
    let properties: Properties

    struct Properties: Sendable, Equatable {
        var attribute: UInt32
        var locationType: UInt32
        var locationID: UInt32
    }

    /// Takes over `file`.
    init(file: Int32, bytes: Int, properties: Properties) {
        self.file = file
        self.bytes = bytes
        self.properties = properties
    }

    deinit { close(file) }

    /// Throws 207001 when the system has none.
    static func allocate(bytes: Int, properties: Properties) throws(Failure) -> Handle {
        let file = unsafe "npu-memory".withCString { unsafe pyaclmdlCreateMemoryFile($0) }
        guard file >= 0 else { throw exhausted(bytes) }
        let memory = PhysicalMemory(file: file, bytes: bytes, properties: properties)
        guard withoutFileSizeSignal({ ftruncate(file, bytes) }) == 0, let handle = table.insert(memory) else {
            throw exhausted(bytes)
        }
        return handle
    }

    private static func exhausted(_ bytes: Int) -> Failure {
        Failure(ErrorCode.rtMemoryAllocation, .resources("No memory file of \(bytes) bytes: \(systemError())"))
    }

    /// Throws 107000 for anything but a live handle.
    static func find(_ handle: Handle) throws(Failure) -> PhysicalMemory {
        guard let memory = table.find(handle) else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "handle", value: hexadecimal(handle.bits),
                    expected: "live physical memory; this is \(table.describe(handle))", layer: .runtime))
        }
        return memory
    }

    /// What another process, or this one, can import.
    var shareableNumber: UInt64 { UInt64(UInt32(bitPattern: getpid())) << 32 | UInt64(UInt32(bitPattern: file)) }

    /// Opens the memory behind a number of `shareableNumber`; throws 107000 when there is none.
    static func imported(_ number: UInt64, device: Int32) throws(Failure) -> Handle {
        let path = "/proc/\(number >> 32)/fd/\(number & 0xffff_ffff)"
        let file = unsafe open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard file >= 0 else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "shareableHandle", value: "\(number)",
                    expected: "a number of an export in a live process",
                    layer: .runtime))
        }
        var information = stat()
        let isReadable = unsafe fstat(file, &information) == 0 && information.st_mode & S_IFMT == S_IFREG
        // Owns the file from here on.
        let memory = PhysicalMemory(
            file: file, bytes: information.st_size,
            properties: Properties(attribute: 5, locationType: 1, locationID: UInt32(device)))
        guard isReadable, memory.bytes > 0, let handle = table.insert(memory) else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .invalid(
                    argument: "shareableHandle", value: "\(number)", reason: "nothing is exported under it",
                    layer: .runtime))
        }
        return handle
    }
}
