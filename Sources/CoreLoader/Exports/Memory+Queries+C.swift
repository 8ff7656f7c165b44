// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclrtGetMemInfo(
    _ attr: aclrtMemAttr, _ free: UnsafeMutablePointer<Int>?, _ total: UnsafeMutablePointer<Int>?
) -> aclError {
    guard let freeResult = Output(free) else { return failNull("free") }
    guard let totalResult = Output(total) else { return failNull("total") }
    return status { () throws(Failure) in
        guard attr.rawValue <= ACL_MEM_P2P_HUGE1G.rawValue else {
            throw Failure(
                ErrorCode.rtInvalidMemoryType,
                .unexpected(argument: "attr", value: "\(attr.rawValue)", expected: "0 to 17", layer: .runtime))
        }
        let device = try Context.current().device
        // Memory for other devices and pages of 1 GiB do not exist here.
        let absent = [6, 7, 8, 9, 10, 11, 14, 15, 16, 17]
        guard !absent.contains(Int(attr.rawValue)) else {
            freeResult.write(0)
            totalResult.write(0)
            return
        }
        let used = MemoryRegistry.shared.usage(of: device.id).bytes
        totalResult.write(Int(device.capacity))
        freeResult.write(Int(device.capacity - min(device.capacity, used)))
    }
}

@c @implementation
public func aclrtGetMemUsageInfo(
    _ deviceId: Int32, _ memUsageInfo: UnsafeMutablePointer<aclrtMemUsageInfo>?, _ inputNum: Int,
    _ outputNum: UnsafeMutablePointer<Int>?
) -> aclError {
    guard let info = unsafe memUsageInfo else { return failNull("memUsageInfo") }
    guard let count = Output(outputNum) else { return failNull("outputNum") }
    count.write(0)
    return status { () throws(Failure) in
        guard inputNum != 0 else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(argument: "inputNum", value: "0", expected: "a positive number", layer: .runtime))
        }
        let device = try Device.find(deviceId)
        let usage = MemoryRegistry.shared.usage(of: device.id)
        var entry = aclrtMemUsageInfo()
        entry.curMemSize = usage.bytes
        entry.memPeakSize = usage.peakBytes
        write("APP", to: &entry.name)
        unsafe info.pointee = entry
        count.write(1)
    }
}

@c @implementation
public func aclrtPointerGetAttributes(
    _ ptr: UnsafeRawPointer?, _ attributes: UnsafeMutablePointer<aclrtPtrAttributes>?
) -> aclError {
    let target = address(of: ptr)
    guard target != 0 else { return failNull("ptr") }
    guard let result = Output(attributes) else { return failNull("attributes") }
    var answer = aclrtPtrAttributes()
    answer.pageSize = 4096
    switch MemoryRegistry.shared.location(of: target) {
    case .live(.host, _), .registered: answer.location.type = ACL_MEM_LOCATION_TYPE_HOST
    case .live(.managed, let device):
        answer.location = aclrtMemLocation(id: UInt32(device), type: ACL_MEM_LOCATION_TYPE_MANAGED)
    case .live(_, let device):
        answer.location = aclrtMemLocation(id: UInt32(device), type: ACL_MEM_LOCATION_TYPE_DEVICE)
    case .unknown, .freed, .neverAllocated: answer.location.type = ACL_MEM_LOCATION_TYPE_UNREGISTERED
    }
    result.write(answer)
    return ErrorCode.success
}

@c @implementation
public func aclrtMemGetAddressRange(
    _ ptr: UnsafeMutableRawPointer?, _ pbase: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    _ psize: UnsafeMutablePointer<Int>?
) -> aclError {
    let target = address(of: ptr)
    let (base, size) = (PointerOutput(pbase), Output(psize))
    guard target != 0 else { return failNull("ptr") }
    return status { () throws(Failure) in
        guard base != nil || size != nil else {
            throw Failure(ErrorCode.rtParamInvalid, .nullPointer(argument: "pbase and psize", layer: .runtime))
        }
        guard let block = MemoryRegistry.shared.liveBlock(at: target) else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "ptr", value: hexadecimal(target),
                    expected: "an address in a live allocation; this is \(MemoryRegistry.shared.describe(target))",
                    layer: .runtime))
        }
        base?.write(address: block.base)
        size?.write(block.reservedBytes)
    }
}

@c @implementation
public func aclrtCheckMemType(
    _ addrList: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ size: UInt32, _ memType: UInt32,
    _ checkResult: UnsafeMutablePointer<UInt32>?, _ reserve: UInt32
) -> aclError {
    guard let list = unsafe addrList else { return failNull("addrList") }
    guard let result = Output(checkResult) else { return failNull("checkResult") }
    result.write(0)
    let known = ACL_RT_MEM_TYPE_DEV | ACL_RT_MEM_TYPE_DVPP | 0x20
    return status { () throws(Failure) in
        guard reserve == 0, size > 0, memType != 0, memType & ~known == 0 else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "memType", value: hexadecimal(UInt(memType)),
                    expected: "ACL_RT_MEM_TYPE_DEV and _DVPP, a list that is not empty, and reserve 0", layer: .runtime)
            )
        }
        // The caller vouches for the length of its list.
        let addresses = unsafe UnsafeBufferPointer(start: list, count: Int(size)).map { address(of: $0) }
        let fits = addresses.allSatisfy { address in
            switch MemoryRegistry.shared.location(of: address) {
            case .live(.device, _): memType & ACL_RT_MEM_TYPE_DEV != 0
            case .live(.dvpp, _): memType & (ACL_RT_MEM_TYPE_DVPP | ACL_RT_MEM_TYPE_DEV) != 0
            default: false
            }
        }
        result.write(fits ? 1 : 0)
    }
}

/// Writes text with its terminating zero into a field of a C structure; cut where the field ends.
func write<Field>(_ text: String, to field: inout Field) {
    // Safe: stays inside the field.
    unsafe withUnsafeMutableBytes(of: &field) { bytes in
        unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
        for (index, byte) in text.utf8.prefix(bytes.count - 1).enumerated() { unsafe bytes[index] = byte }
    }
}
