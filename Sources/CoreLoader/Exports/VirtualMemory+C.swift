// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclrtReserveMemAddress(
    _ virPtr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ size: Int, _ alignment: Int,
    _ expectPtr: UnsafeMutableRawPointer?, _ flags: UInt64
) -> aclError {
    let (result, expected) = (PointerOutput(virPtr), address(of: expectPtr))
    return status { () throws(Failure) in try reserve(result, size, expected, flags) }
}

@c @implementation
public func aclrtReserveMemAddressNoUCMemory(
    _ virPtr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ size: Int, _ alignment: Int,
    _ expectPtr: UnsafeMutableRawPointer?, _ flags: UInt64
) -> aclError {
    let (result, expected) = (PointerOutput(virPtr), address(of: expectPtr))
    return status { () throws(Failure) in try reserve(result, size, expected, flags) }
}

private func reserve(_ result: PointerOutput?, _ size: Int, _ expected: UInt, _ flags: UInt64) throws(Failure) {
    guard let result else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "virPtr")) }
    try checkSize(size)
    guard flags <= 1 else {
        throw Failure(ErrorCode.invalidParam, .unexpected(argument: "flags", value: "\(flags)", expected: "0 or 1"))
    }
    guard size > 0, size < 1 << 46 else {
        throw Failure(
            ErrorCode.rtMemoryAllocation, .resources("No address space for \(CoreLoader.size(size)) bytes"))
    }
    result.write(address: try AddressSpace.shared.reserve(bytes: size, expected: expected))
}

private func checkSize(_ size: Int) throws(Failure) {
    guard size != 0 else {
        throw Failure(
            ErrorCode.invalidParam, .invalid(argument: "size", value: "0", reason: "it must be greater than 0"))
    }
}

private func requireZero(_ value: UInt64, _ argument: String) throws(Failure) {
    guard value == 0 else {
        throw Failure(ErrorCode.invalidParam, .unexpected(argument: argument, value: "\(value)", expected: "0"))
    }
}

@c @implementation
public func aclrtReleaseMemAddress(_ virPtr: UnsafeMutableRawPointer?) -> aclError {
    let base = address(of: virPtr)
    guard base != 0 else { return failNull("virPtr") }
    return status { () throws(Failure) in try AddressSpace.shared.release(base) }
}

@c @implementation
public func aclrtMallocPhysical(
    _ handle: UnsafeMutablePointer<aclrtDrvMemHandle?>?, _ size: Int, _ prop: UnsafePointer<aclrtPhysicalMemProp>?,
    _ flags: UInt64
) -> aclError {
    guard let result = PointerOutput(handle) else { return failNull("handle") }
    guard let properties = unsafe prop?.pointee else { return failNull("prop") }
    return status { () throws(Failure) in
        try checkSize(size)
        try requireZero(flags, "flags")
        try requireZero(UInt64(properties.handleType.rawValue), "prop->handleType")
        try requireZero(UInt64(properties.allocationType.rawValue), "prop->allocationType")
        try checkPlace(properties)
        guard size > 0, size < 1 << 46 else {
            throw Failure(ErrorCode.rtMemoryAllocation, .resources("There are no \(CoreLoader.size(size)) bytes"))
        }
        let created = try PhysicalMemory.allocate(
            bytes: size,
            properties: PhysicalMemory.Properties(
                attribute: properties.memAttr.rawValue, locationType: properties.location.type.rawValue,
                locationID: properties.location.id))
        result.write(created)
    }
}

/// Kinds of memory and places that go together.
private func checkPlace(_ properties: aclrtPhysicalMemProp) throws(Failure) {
    let type = properties.location.type
    let isDevice = type == ACL_MEM_LOCATION_TYPE_DEVICE
    guard isDevice || type == ACL_MEM_LOCATION_TYPE_HOST || type == ACL_MEM_LOCATION_TYPE_HOST_NUMA else {
        throw Failure(
            ErrorCode.invalidParam,
            .unexpected(argument: "prop->location.type", value: "\(type.rawValue)", expected: "host or device"))
    }
    let attribute = properties.memAttr.rawValue
    let isGeneric = attribute <= ACL_HBM_MEM.rawValue || attribute > ACL_MEM_P2P_HUGE1G.rawValue
    let isHostMemory = [2, 3, 6, 7].contains(attribute)
    guard !isGeneric, !(isDevice && isHostMemory) else {
        throw Failure(
            ErrorCode.invalidParam,
            .unexpected(
                argument: "prop->memAttr", value: "\(attribute)",
                expected: "a kind of page that the location has, such as ACL_HBM_MEM_HUGE on a device"))
    }
}

@c @implementation
public func aclrtFreePhysical(_ handle: aclrtDrvMemHandle?) -> aclError {
    let key = Handle(handle)
    guard !key.isNull else { return failNull("handle") }
    return status { () throws(Failure) in
        guard PhysicalMemory.table.remove(key) == nil else { return }
        _ = try PhysicalMemory.find(key)
    }
}

@c @implementation
public func aclrtMapMem(
    _ virPtr: UnsafeMutableRawPointer?, _ size: Int, _ offset: Int, _ handle: aclrtDrvMemHandle?, _ flags: UInt64
) -> aclError {
    let (base, key) = (address(of: virPtr), Handle(handle))
    return status { () throws(Failure) in try map(base, size, offset, key, flags, isAccessible: true) }
}

@c @implementation
public func aclrtMemMapNoAccess(
    _ virPtr: UnsafeMutableRawPointer?, _ size: Int, _ offset: Int, _ handle: aclrtDrvMemHandle?, _ flags: UInt64
) -> aclError {
    let (base, key) = (address(of: virPtr), Handle(handle))
    return status { () throws(Failure) in try map(base, size, offset, key, flags, isAccessible: false) }
}

private func map(
    _ base: UInt, _ size: Int, _ offset: Int, _ handle: Handle, _ flags: UInt64, isAccessible: Bool
) throws(Failure) {
    guard base != 0 else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "virPtr")) }
    guard !handle.isNull else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "handle")) }
    try checkSize(size)
    try requireZero(flags, "flags")
    guard offset == 0, size > 0 else {
        throw Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(argument: "offset", value: "\(CoreLoader.size(offset))", expected: "0", layer: .runtime))
    }
    try AddressSpace.shared.map(base, bytes: size, handle: handle, isAccessible: isAccessible)
}

@c @implementation
public func aclrtUnmapMem(_ virPtr: UnsafeMutableRawPointer?) -> aclError {
    let base = address(of: virPtr)
    guard base != 0 else { return failNull("virPtr") }
    return status { () throws(Failure) in try AddressSpace.shared.unmap(base) }
}

@c @implementation
public func aclrtMemSetAccess(
    _ virPtr: UnsafeMutableRawPointer?, _ size: Int, _ desc: UnsafeMutablePointer<aclrtMemAccessDesc>?, _ count: Int
) -> aclError {
    let base = address(of: virPtr)
    let first = unsafe desc?.pointee.flags.rawValue
    return status { () throws(Failure) in
        guard base != 0 else {
            throw Failure(ErrorCode.rtParamInvalid, .nullPointer(argument: "virPtr", layer: .runtime))
        }
        guard let flags = first else {
            throw Failure(ErrorCode.rtParamInvalid, .nullPointer(argument: "desc", layer: .runtime))
        }
        guard size > 0, count > 0, flags <= 3, flags != 2 else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "size, count, flags",
                    value: "\(CoreLoader.size(size)), \(CoreLoader.size(count)), \(flags)",
                    expected: "positive sizes and the flags 0, 1 or 3", layer: .runtime))
        }
        try AddressSpace.shared.setAccess(base, bytes: size, flags: flags)
    }
}

@c @implementation
public func aclrtMemGetAccess(
    _ virPtr: UnsafeMutableRawPointer?, _ location: UnsafeMutablePointer<aclrtMemLocation>?,
    _ flag: UnsafeMutablePointer<UInt64>?
) -> aclError {
    let base = address(of: virPtr)
    guard base != 0 else { return failNull("virPtr") }
    guard Output(location) != nil else { return failNull("location") }
    guard let result = Output(flag) else { return failNull("flag") }
    return status { () throws(Failure) in
        let mapping = try AddressSpace.shared.mapping(at: base)
        result.write(UInt64(mapping.isAccessible ? 3 : 0))
    }
}

@c @implementation
public func aclrtMemGetAllocationGranularity(
    _ prop: UnsafeMutablePointer<aclrtPhysicalMemProp>?, _ option: aclrtMemGranularityOptions,
    _ granularity: UnsafeMutablePointer<Int>?
) -> aclError {
    guard let properties = unsafe prop?.pointee else { return failNull("prop") }
    guard let result = Output(granularity) else { return failNull("granularity") }
    return status { () throws(Failure) in
        try checkPlace(properties)
        guard option.rawValue <= 1 else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(argument: "option", value: "\(option.rawValue)", expected: "0 or 1", layer: .runtime))
        }
        let isGigantic = [10, 11, 14, 17].contains(properties.memAttr.rawValue)
        result.write(isGigantic ? 1 << 30 : AddressSpace.granularity)
    }
}

@c @implementation
public func aclrtMemRetainAllocationHandle(
    _ virPtr: UnsafeMutableRawPointer?, _ handle: UnsafeMutablePointer<aclrtDrvMemHandle?>?
) -> aclError {
    let base = address(of: virPtr)
    guard base != 0 else { return failNull("virPtr") }
    guard let result = PointerOutput(handle) else { return failNull("handle") }
    return status { () throws(Failure) in
        // A handle of its own, which is freed on its own.
        let memory = try AddressSpace.shared.mapping(at: base).memory
        guard let retained = PhysicalMemory.table.insert(memory) else {
            throw Failure(ErrorCode.rtResourceAllocFail, .resources("There are too many handles"))
        }
        result.write(retained)
    }
}

@c @implementation
public func aclrtMemGetAllocationPropertiesFromHandle(
    _ handle: aclrtDrvMemHandle?, _ prop: UnsafeMutablePointer<aclrtPhysicalMemProp>?
) -> aclError {
    let key = Handle(handle)
    guard !key.isNull else { return failNull("handle") }
    guard let result = Output(prop) else { return failNull("prop") }
    return status { () throws(Failure) in
        let stored = try PhysicalMemory.find(key).properties
        result.write(
            aclrtPhysicalMemProp(
                handleType: ACL_MEM_HANDLE_TYPE_NONE, allocationType: ACL_MEM_ALLOCATION_TYPE_PINNED,
                memAttr: aclrtMemAttr(rawValue: stored.attribute),
                location: aclrtMemLocation(
                    id: stored.locationID, type: aclrtMemLocationType(rawValue: stored.locationType)), reserve: 0))
    }
}

@c @implementation
public func aclrtMemExportToShareableHandle(
    _ handle: aclrtDrvMemHandle?, _ handleType: aclrtMemHandleType, _ flags: UInt64,
    _ shareableHandle: UnsafeMutablePointer<UInt64>?
) -> aclError {
    let key = Handle(handle)
    guard !key.isNull else { return failNull("handle") }
    let result = Output(shareableHandle)
    return status { () throws(Failure) in
        try requireZero(UInt64(handleType.rawValue), "handleType")
        guard let result else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "shareableHandle")) }
        result.write(try PhysicalMemory.find(key).shareableNumber)
    }
}

@c @implementation
public func aclrtMemImportFromShareableHandle(
    _ shareableHandle: UInt64, _ deviceId: Int32, _ handle: UnsafeMutablePointer<aclrtDrvMemHandle?>?
) -> aclError {
    guard let result = PointerOutput(handle) else { return failNull("handle") }
    return status { () throws(Failure) in
        _ = try Device.find(deviceId)
        result.write(try PhysicalMemory.imported(shareableHandle, device: deviceId))
    }
}

/// Any process of the same user may import here; the list of processes has no further effect.
@c @implementation
public func aclrtMemSetPidToShareableHandle(
    _ shareableHandle: UInt64, _ pid: UnsafeMutablePointer<Int32>?, _ pidNum: Int
) -> aclError {
    guard address(of: pid) != 0 else { return failNull("pid") }
    return status { () throws(Failure) in try checkProcesses(pidNum) }
}

@c @implementation
public func aclrtMemSetPidToShareableHandleV2(
    _ shareableHandle: UnsafeMutableRawPointer?, _ shareType: aclrtMemSharedHandleType,
    _ pid: UnsafeMutablePointer<Int32>?, _ pidNum: Int
) -> aclError {
    guard address(of: shareableHandle) != 0 else { return failNull("shareableHandle") }
    guard address(of: pid) != 0 else { return failNull("pid") }
    return status { () throws(Failure) in try checkProcesses(pidNum) }
}

private func checkProcesses(_ count: Int) throws(Failure) {
    guard count != 0 else {
        throw Failure(
            ErrorCode.invalidParam, .invalid(argument: "pidNum", value: "0", reason: "it must be greater than 0"))
    }
}

@c @implementation
public func aclrtMemMapSelectedLink(
    _ virPtrDst: UnsafeMutableRawPointer?, _ size: Int, _ virPtrSrc: UnsafeMutableRawPointer?, _ linkIdx: UInt32
) -> aclError {
    refuse(
        .links, .pointer("virPtrDst", address(of: virPtrDst)), .pointer("virPtrSrc", address(of: virPtrSrc)),
        .positive("size", size), .reserved("linkIdx", linkIdx <= 1))
}

/// All devices of this host share their memory: after the checks there is nothing to map.
@c @implementation
public func aclrtMemP2PMap(
    _ devPtr: UnsafeMutableRawPointer?, _ size: Int, _ dstDevId: Int32, _ flags: UInt64
) -> aclError {
    let target = address(of: devPtr)
    guard target != 0 else { return failNull("devPtr") }
    return status { () throws(Failure) in
        try checkSize(size)
        try requireZero(flags, "flags")
        _ = try Device.find(dstDevId)
        try MemoryRegistry.shared.check(target, bytes: size, argument: "devPtr")
    }
}
