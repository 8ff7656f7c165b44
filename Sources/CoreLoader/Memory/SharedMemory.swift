// SPDX-License-Identifier: Apache-2.0

import CAscendCL
import Files
import Glibc

/// Device memory shared between processes under a key (`aclrtIpcMem…`).
///
/// The exporter's pages become those of a file in memory, which importers open through /proc. A key names process,
/// file and size; it is valid as long as the exporter keeps it.
final class SharedMemory: Sendable {
    static let shared = SharedMemory()

    /// Bytes of a key with its terminating zero, as documented.
    static let keyBytes = 65

    private let state = Protected(State())

    private struct State {
        var exports: [String: (file: Int32, address: UInt)] = [:]
        var imports: [String: MemoryRegistry.Extent] = [:]
    }

    /// Makes the live block at `address` shareable; the key is the same every time.
    func export(_ address: UInt, bytes: Int) throws(Failure) -> String {
        guard let block = MemoryRegistry.shared.liveBlock(at: address), block.base == address, block.kind.isDevice,
            bytes <= block.reservedBytes
        else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "devPtr", value: hexadecimal(address),
                    expected: "the start of a device allocation of at least \(bytes) bytes; this is "
                        + MemoryRegistry.shared.describe(address), layer: .runtime))
        }
        return try state.withLock { state throws(Failure) in
            if let known = state.exports.first(where: { $0.value.address == address && block.isShared }) {
                return known.key
            }
            let size = (block.reservedBytes + 4095) / 4096 * 4096
            let file = try Self.file(with: block, bytes: size)
            guard MemoryRegistry.shared.share(address, file: file, bytes: size) else {
                close(file)
                throw Failure(ErrorCode.rtMemoryAllocation, .resources("Sharing failed: \(systemError())"))
            }
            let key = "pyaclmdl:\(getpid()):\(file):\(size):\(block.device)"
            state.exports[key] = (file, address)
            return key
        }
    }

    /// A file with the block's present content.
    private static func file(with block: MemoryBlock, bytes: Int) throws(Failure) -> Int32 {
        let file = unsafe "npu-shared".withCString { unsafe pyaclmdlCreateMemoryFile($0) }
        var written = 0
        if file >= 0, withoutFileSizeSignal({ ftruncate(file, bytes) }) == 0 {
            while written < bytes {
                // Safe: the block is live and its pages reach to `bytes`.
                let count = unsafe pwrite(
                    file, UnsafeRawPointer(bitPattern: block.base + UInt(written)), bytes - written, written)
                guard count > 0 else { break }
                written += count
            }
        }
        guard written == bytes else {
            if file >= 0 { close(file) }
            throw Failure(
                ErrorCode.rtMemoryAllocation, .resources("No memory file of \(bytes) bytes: \(systemError())"))
        }
        return file
    }

    /// Maps the memory behind `key`; the same address every time.
    func `import`(_ key: String) throws(Failure) -> UInt {
        let bad = Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(
                argument: "key", value: key, expected: "a key of aclrtIpcMemGetExportKey in a live process",
                layer: .runtime))
        let parts = key.split(separator: ":")
        guard parts.count == 5, parts[0] == "pyaclmdl", let process = Int32(parts[1]), let number = Int32(parts[2]),
            let bytes = Int(parts[3]), let device = Int32(parts[4]), bytes > 0
        else { throw bad }
        return try state.withLock { state throws(Failure) in
            if let own = state.exports[key] { return own.address }
            if let known = state.imports[key] { return known.base }
            let file = unsafe open("/proc/\(process)/fd/\(number)", O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
            guard file >= 0 else { throw bad }
            defer { close(file) }
            var information = stat()
            guard unsafe fstat(file, &information) == 0, information.st_mode & S_IFMT == S_IFREG,
                information.st_size == bytes
            else { throw bad }
            let place = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
            let address = UInt(bitPattern: place)
            guard address != UInt.max else { throw bad }
            let extent = MemoryRegistry.Extent(base: address, bytes: bytes, device: device, isAccessible: true)
            state.imports[key] = extent
            MemoryRegistry.shared.add(extent)
            return address
        }
    }

    /// Ends the use of `key`: an importer loses the mapping, an exporter withdraws the key.
    func close(_ key: String) throws(Failure) {
        let (extent, file) = state.withLock { state in
            (state.imports.removeValue(forKey: key), state.exports.removeValue(forKey: key)?.file)
        }
        if let extent {
            MemoryRegistry.shared.remove(extent)
            // Safe: this library mapped it, and the program has said that it no longer uses it.
            unsafe _ = munmap(UnsafeMutableRawPointer(bitPattern: extent.base), extent.bytes)
        }
        if let file { Glibc.close(file) }
        guard extent != nil || file != nil else { throw unknown(key) }
    }

    /// Throws 107000 for a key that this process neither exports nor imports.
    func require(_ key: String) throws(Failure) {
        let isKnown = state.withLock { $0.exports[key] != nil || $0.imports[key] != nil }
        guard isKnown else { throw unknown(key) }
    }

    private func unknown(_ key: String) -> Failure {
        Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(
                argument: "key", value: key, expected: "a key that this process exports or imports", layer: .runtime))
    }

    private func close(_ file: Int32) { _ = Glibc.close(file) }
    private static func close(_ file: Int32) { _ = Glibc.close(file) }
}
