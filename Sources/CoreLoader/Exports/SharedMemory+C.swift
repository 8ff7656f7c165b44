// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclrtIpcMemGetExportKey(
    _ devPtr: UnsafeMutableRawPointer?, _ size: Int, _ key: UnsafeMutablePointer<CChar>?, _ len: Int, _ flags: UInt64
) -> aclError {
    let target = address(of: devPtr)
    guard target != 0 else { return failNull("devPtr") }
    guard let buffer = unsafe key else { return failNull("key") }
    return status { () throws(Failure) in
        guard size > 0, len >= SharedMemory.keyBytes, flags <= 1 else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "size, len, flags", value: "\(CoreLoader.size(size)), \(CoreLoader.size(len)), \(flags)",
                    expected: "a positive size, at least \(SharedMemory.keyBytes) bytes for the key, and flags 0 or 1",
                    layer: .runtime))
        }
        _ = try Context.current()
        let name = try SharedMemory.shared.export(target, bytes: size)
        // Shorter than the bytes that were asked for above.
        for (index, byte) in (Array(name.utf8.prefix(SharedMemory.keyBytes - 1)) + [0]).enumerated() {
            unsafe buffer[index] = CChar(bitPattern: byte)
        }
    }
}

@c @implementation
public func aclrtIpcMemImportByKey(
    _ devPtr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ key: UnsafePointer<CChar>?, _ flags: UInt64
) -> aclError {
    guard let result = PointerOutput(devPtr) else { return failNull("devPtr") }
    guard let name = text(key) else { return failNull("key") }
    return status { () throws(Failure) in
        guard flags <= 1 else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(argument: "flags", value: "\(flags)", expected: "0 or 1", layer: .runtime))
        }
        _ = try Context.current()
        result.write(address: try SharedMemory.shared.import(name))
    }
}

@c @implementation
public func aclrtIpcMemClose(_ key: UnsafePointer<CChar>?) -> aclError {
    guard let name = text(key) else { return failNull("key") }
    return status { () throws(Failure) in try SharedMemory.shared.close(name) }
}

/// Any process of the same user may import here; the list of processes has no further effect.
@c @implementation
public func aclrtIpcMemSetImportPid(
    _ key: UnsafePointer<CChar>?, _ pid: UnsafeMutablePointer<Int32>?, _ num: Int
) -> aclError {
    guard let name = text(key) else { return failNull("key") }
    guard address(of: pid) != 0 else { return failNull("pid") }
    return status { () throws(Failure) in
        guard Int32(truncatingIfNeeded: num) > 0 else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(argument: "num", value: "\(size(num))", expected: "more than 0", layer: .runtime))
        }
        _ = try Context.current()
        try SharedMemory.shared.require(name)
    }
}
