// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclrtMalloc(
    _ devPtr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ size: Int, _ policy: aclrtMemMallocPolicy
) -> aclError {
    guard let result = PointerOutput(devPtr) else { return failNull("devPtr") }
    return status { () throws(Failure) in
        try allocate(result, size, policy, DeviceAllocation.rounding(ofPolicy: policy.rawValue))
    }
}

@c @implementation
public func aclrtMallocAlign32(
    _ devPtr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ size: Int, _ policy: aclrtMemMallocPolicy
) -> aclError {
    guard let result = PointerOutput(devPtr) else { return failNull("devPtr") }
    return status { () throws(Failure) in try allocate(result, size, policy, .plain) }
}

@c @implementation
public func aclrtMallocCached(
    _ devPtr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ size: Int, _ policy: aclrtMemMallocPolicy
) -> aclError {
    guard let result = PointerOutput(devPtr) else { return failNull("devPtr") }
    return status { () throws(Failure) in
        try allocate(result, size, policy, DeviceAllocation.rounding(ofPolicy: policy.rawValue))
    }
}

@c @implementation
public func aclrtMallocWithCfg(
    _ devPtr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ size: Int, _ policy: aclrtMemMallocPolicy,
    _ cfg: UnsafeMutablePointer<aclrtMallocConfig>?
) -> aclError {
    guard let result = PointerOutput(devPtr) else { return failNull("devPtr") }
    return status { () throws(Failure) in
        try unsafe allocate(result, size, policy, configuration: cfg)
    }
}

@c @implementation
public func aclrtMallocForTaskScheduler(
    _ devPtr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ size: Int, _ policy: aclrtMemMallocPolicy,
    _ cfg: UnsafeMutablePointer<aclrtMallocConfig>?
) -> aclError {
    guard let result = PointerOutput(devPtr) else { return failNull("devPtr") }
    return status { () throws(Failure) in
        try unsafe allocate(result, size, policy, configuration: cfg)
    }
}

private func allocate(
    _ result: PointerOutput, _ size: Int, _ policy: aclrtMemMallocPolicy, _ rounding: DeviceAllocation.Rounding
) throws(Failure) {
    let address = try DeviceAllocation.allocate(
        UInt(bitPattern: size), kind: .device, rounding: rounding,
        prefersHugePages: DeviceAllocation.prefersHugePages(policy: policy.rawValue))
    result.write(address: address)
}

private func allocate(
    _ result: PointerOutput, _ size: Int, _ policy: aclrtMemMallocPolicy,
    configuration: UnsafeMutablePointer<aclrtMallocConfig>?
) throws(Failure) {
    try unsafe checkAttributes(of: configuration, size: size)
    try allocate(result, size, policy, .plain)
}

/// What the attributes of a device allocation of `size` bytes may say.
func checkAttributes(of configuration: UnsafeMutablePointer<aclrtMallocConfig>?, size: Int) throws(Failure) {
    var attributes: [aclrtMallocAttribute] = []
    if let configuration = unsafe configuration?.pointee, unsafe configuration.numAttrs != 0 {
        guard let first = unsafe configuration.attrs else {
            throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "cfg->attrs"))
        }
        // The caller vouches for the length of its array.
        attributes = unsafe Array(
            UnsafeBufferPointer(start: first, count: try attributeCount(configuration.numAttrs)))
    }
    guard size != 0 else {
        throw Failure(
            ErrorCode.invalidParam, .invalid(argument: "size", value: "0", reason: "it must be greater than 0"))
    }
    for attribute in attributes {
        switch attribute.attr {
        case ACL_RT_MEM_ATTR_RSV, ACL_RT_MEM_ATTR_MODULE_ID: continue
        case ACL_RT_MEM_ATTR_DEVICE_ID:
            let wanted = unsafe attribute.value.deviceId
            guard try Context.current().device.id == Int32(truncatingIfNeeded: wanted) else {
                throw Failure(
                    ErrorCode.rtParamInvalid,
                    .unexpected(
                        argument: "cfg", value: "device \(wanted)", expected: "the current device", layer: .runtime))
            }
        case let other:
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "cfg", value: "attribute \(other.rawValue)",
                    expected: "ACL_RT_MEM_ATTR_RSV, _MODULE_ID or _DEVICE_ID", layer: .runtime))
        }
    }
}

/// A number of attributes that can be meant; there are four kinds of them.
private func attributeCount(_ count: Int) throws(Failure) -> Int {
    guard (0...1024).contains(count) else {
        throw Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(argument: "cfg->numAttrs", value: "\(size(count))", expected: "at most 1024", layer: .runtime))
    }
    return count
}

@c @implementation
public func aclrtFree(_ devPtr: UnsafeMutableRawPointer?) -> aclError {
    let block = address(of: devPtr)
    guard block != 0 else { return failNull("devPtr") }
    return status { () throws(Failure) in
        try MemoryRegistry.shared.free(block, kinds: [.device, .dvpp, .managed], argument: "devPtr")
    }
}

@c @implementation
public func aclrtFreeWithDevSync(_ devPtr: UnsafeMutableRawPointer?) -> aclError {
    let block = address(of: devPtr)
    guard block != 0 else { return failNull("devPtr") }
    return status { () throws(Failure) in
        try Context.current().synchronize(until: .never)
        try MemoryRegistry.shared.free(block, kinds: [.device, .dvpp, .managed], argument: "devPtr")
    }
}

@c @implementation
public func aclrtMallocHost(_ hostPtr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ size: Int) -> aclError {
    guard let result = PointerOutput(hostPtr) else { return failNull("hostPtr") }
    return status { () throws(Failure) in
        let address = try DeviceAllocation.allocate(UInt(bitPattern: size), kind: .host, rounding: .plain)
        result.write(address: address)
    }
}

@c @implementation
public func aclrtMallocHostWithCfg(
    _ ptr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ size: UInt64,
    _ cfg: UnsafeMutablePointer<aclrtMallocConfig>?
) -> aclError {
    guard let result = PointerOutput(ptr) else { return failNull("ptr") }
    guard size > 0 else {
        return fail(
            ErrorCode.invalidParam, .invalid(argument: "size", value: "0", reason: "it must be greater than 0"))
    }
    return status { () throws(Failure) in
        if let configuration = unsafe cfg?.pointee {
            guard let first = unsafe configuration.attrs else {
                throw Failure(ErrorCode.rtParamInvalid, .nullPointer(argument: "cfg->attrs", layer: .runtime))
            }
            // The caller vouches for the length of its array.
            let count = try attributeCount(unsafe configuration.numAttrs)
            for attribute in unsafe Array(UnsafeBufferPointer(start: first, count: count)) {
                let type = attribute.attr
                guard type == ACL_RT_MEM_ATTR_MODULE_ID || type == ACL_RT_MEM_ATTR_VA_FLAG else {
                    throw Failure(
                        ErrorCode.rtParamInvalid,
                        .unexpected(
                            argument: "cfg", value: "attribute \(type.rawValue)",
                            expected: "ACL_RT_MEM_ATTR_MODULE_ID or _VA_FLAG", layer: .runtime))
                }
            }
        }
        let address = try DeviceAllocation.allocate(UInt(size), kind: .host, rounding: .plain)
        result.write(address: address)
    }
}

@c @implementation
public func aclrtFreeHost(_ hostPtr: UnsafeMutableRawPointer?) -> aclError {
    let block = address(of: hostPtr)
    guard block != 0 else { return failNull("hostPtr") }
    return status { () throws(Failure) in
        try MemoryRegistry.shared.free(block, kinds: [.host], argument: "hostPtr")
    }
}

@c @implementation
public func aclrtFreeHostWithDevSync(_ hostPtr: UnsafeMutableRawPointer?) -> aclError {
    let block = address(of: hostPtr)
    guard block != 0 else { return failNull("hostPtr") }
    return status { () throws(Failure) in
        try Context.current().synchronize(until: .never)
        try MemoryRegistry.shared.free(block, kinds: [.host], argument: "hostPtr")
    }
}

@c @implementation
public func aclrtMemFlush(_ devPtr: UnsafeMutableRawPointer?, _ size: Int) -> aclError {
    status { () throws(Failure) in try checkCacheRange(address(of: devPtr), size) }
}

@c @implementation
public func aclrtMemInvalidate(_ devPtr: UnsafeMutableRawPointer?, _ size: Int) -> aclError {
    status { () throws(Failure) in try checkCacheRange(address(of: devPtr), size) }
}

/// Host and device share their caches here: there is nothing to do but to check.
private func checkCacheRange(_ address: UInt, _ size: Int) throws(Failure) {
    guard address != 0 else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "devPtr")) }
    guard size != 0 else {
        throw Failure(
            ErrorCode.invalidParam, .invalid(argument: "size", value: "0", reason: "it must be greater than 0"))
    }
    try MemoryRegistry.shared.check(address, bytes: size, argument: "devPtr")
}
