// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclrtHostRegister(
    _ ptr: UnsafeMutableRawPointer?, _ size: UInt64, _ type: aclrtHostRegisterType,
    _ devPtr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> aclError {
    let base = address(of: ptr)
    guard base != 0 else { return failNull("ptr") }
    guard let result = PointerOutput(devPtr) else { return failNull("devPtr") }
    return status { () throws(Failure) in
        try checkSize(size)
        guard type.rawValue & ~0xc == 0 else {
            throw Failure(
                ErrorCode.rtFeatureNotSupport,
                .unsupported("Host memory can be registered with the types 0, 4 and 8 only, not \(type.rawValue)"))
        }
        _ = try Context.current()
        try register(base, size)
        result.write(address: base)
    }
}

@c @implementation
public func aclrtHostRegisterV2(_ ptr: UnsafeMutableRawPointer?, _ size: UInt64, _ flag: UInt32) -> aclError {
    let base = address(of: ptr)
    guard base != 0 else { return failNull("ptr") }
    return status { () throws(Failure) in
        try checkSize(size)
        guard flag != 0, flag & ~0x1000_000e == 0 else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "flag", value: hexadecimal(UInt(flag)), expected: "bits 0x2, 0x4, 0x8 and 0x10000000",
                    layer: .runtime))
        }
        try register(base, size, isMapped: flag & 0x2 != 0)
    }
}

private func checkSize(_ size: UInt64) throws(Failure) {
    guard size > 0 else {
        throw Failure(
            ErrorCode.invalidParam, .invalid(argument: "size", value: "0", reason: "it must be greater than 0"))
    }
}

private func register(_ base: UInt, _ size: UInt64, isMapped: Bool = true) throws(Failure) {
    let bytes = Int(clamping: size)
    try Copy.verify(base, bytes: bytes, argument: "ptr")
    guard MemoryRegistry.shared.register(base, bytes: bytes, isMapped: isMapped) else {
        throw Failure(
            ErrorCode.hostMemoryAlreadyRegistered,
            .unexpected(
                argument: "ptr", value: hexadecimal(base), expected: "memory that is not registered yet",
                layer: .runtime))
    }
}

@c @implementation
public func aclrtHostUnregister(_ ptr: UnsafeMutableRawPointer?) -> aclError {
    let base = address(of: ptr)
    guard base != 0 else { return failNull("ptr") }
    guard MemoryRegistry.shared.unregister(base) else {
        return fail(
            ErrorCode.hostMemoryNotRegistered,
            .unexpected(
                argument: "ptr", value: hexadecimal(base), expected: "the start of registered host memory",
                layer: .runtime))
    }
    return ErrorCode.success
}

@c @implementation
public func aclrtHostGetDevicePointer(
    _ pHost: UnsafeMutableRawPointer?, _ pDevice: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ flag: UInt32
) -> aclError {
    let host = address(of: pHost)
    guard host != 0 else { return failNull("pHost") }
    guard let result = PointerOutput(pDevice) else { return failNull("pDevice") }
    guard flag == 0 else {
        return fail(ErrorCode.invalidParam, .unexpected(argument: "flag", value: "\(flag)", expected: "0"))
    }
    guard MemoryRegistry.shared.registration(at: host)?.isMapped == true else {
        return fail(
            ErrorCode.rtParamInvalid,
            .unexpected(
                argument: "pHost", value: hexadecimal(host), expected: "an address in mapped registered host memory",
                layer: .runtime))
    }
    result.write(address: host)
    return ErrorCode.success
}

@c @implementation
public func aclrtHostMemMapCapabilities(
    _ deviceId: UInt32, _ hacType: aclrtHacType, _ capabilities: UnsafeMutablePointer<aclrtHostMemMapCapability>?
) -> aclError {
    guard let result = Output(capabilities) else { return failNull("capabilities") }
    return status { () throws(Failure) in
        _ = try Device.find(Int32(clamping: deviceId))
        result.write(ACL_RT_HOST_MEM_MAP_SUPPORTED)
    }
}
