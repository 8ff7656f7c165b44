// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclrtMemPoolCreate(
    _ memPool: UnsafeMutablePointer<aclrtMemPool?>?, _ poolProps: UnsafePointer<aclrtMemPoolProps>?
) -> aclError {
    guard let result = PointerOutput(memPool) else { return failNull("memPool") }
    guard let properties = unsafe poolProps?.pointee else { return failNull("poolProps") }
    return status { () throws(Failure) in
        let isReservedUsed = unsafe withUnsafeBytes(of: properties.reserved) { unsafe $0.contains { $0 != 0 } }
        guard properties.allocType == ACL_MEM_ALLOCATION_TYPE_PINNED,
            properties.location.type == ACL_MEM_LOCATION_TYPE_DEVICE, !isReservedUsed
        else {
            throw Failure(
                ErrorCode.invalidParam,
                .invalid(
                    argument: "poolProps", value: "type \(properties.allocType.rawValue)",
                    reason: "only pinned memory on a device can be pooled, with the reserved bytes 0"))
        }
        let device = try Device.find(Int32(clamping: properties.location.id))
        let limit = size(properties.maxSize)
        let pool = MemoryPool(device: device, limit: limit == 0 ? nil : UInt64(limit))
        guard let handle = MemoryPool.table.insert(pool) else {
            throw Failure(ErrorCode.rtResourceAllocFail, .resources("There are too many memory pools"))
        }
        result.write(handle)
    }
}

@c @implementation
public func aclrtMemPoolDestroy(_ memPool: aclrtMemPool?) -> aclError {
    let handle = Handle(memPool)
    guard !handle.isNull else { return failNull("memPool") }
    return status { () throws(Failure) in
        guard MemoryPool.table.remove(handle) == nil else { return }
        _ = try MemoryPool.find(handle)
    }
}

/// Switches are 32-bit numbers, sizes 64-bit ones.
private func isSwitch(_ attribute: aclrtMemPoolAttr) -> Bool { (1...3).contains(attribute.rawValue) }

@c @implementation
public func aclrtMemPoolSetAttr(
    _ memPool: aclrtMemPool?, _ attr: aclrtMemPoolAttr, _ value: UnsafeMutableRawPointer?
) -> aclError {
    let (handle, place) = (Handle(memPool), address(of: value))
    guard !handle.isNull else { return failNull("memPool") }
    return status { () throws(Failure) in
        guard place != 0 else {
            throw Failure(ErrorCode.rtParamInvalid, .nullPointer(argument: "value", layer: .runtime))
        }
        let pool = try MemoryPool.find(handle)
        // The caller vouches for a number of the attribute's size.
        let number =
            unsafe isSwitch(attr)
            ? UInt64(pointer(to: place)?.loadUnaligned(as: UInt32.self) ?? 0)
            : pointer(to: place)?.loadUnaligned(as: UInt64.self) ?? 0
        try pool.set(attr.rawValue, to: number)
    }
}

@c @implementation
public func aclrtMemPoolGetAttr(
    _ memPool: aclrtMemPool?, _ attr: aclrtMemPoolAttr, _ value: UnsafeMutableRawPointer?
) -> aclError {
    let (handle, place) = (Handle(memPool), address(of: value))
    guard !handle.isNull else { return failNull("memPool") }
    return status { () throws(Failure) in
        guard place != 0 else {
            throw Failure(ErrorCode.rtParamInvalid, .nullPointer(argument: "value", layer: .runtime))
        }
        let number = try MemoryPool.find(handle).value(of: attr.rawValue)
        // As in aclrtMemPoolSetAttr.
        if isSwitch(attr) {
            unsafe pointer(to: place)?.storeBytes(of: UInt32(truncatingIfNeeded: number), as: UInt32.self)
        } else {
            unsafe pointer(to: place)?.storeBytes(of: number, as: UInt64.self)
        }
    }
}

@c @implementation
public func aclrtMemPoolMallocAsync(
    _ ptr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ size: Int, _ memPool: aclrtMemPool?,
    _ stream: aclrtStream?
) -> aclError {
    let (handle, streamHandle) = (Handle(memPool), Handle(stream))
    guard let result = PointerOutput(ptr) else { return failNull("ptr") }
    guard !handle.isNull else { return failNull("memPool") }
    guard !streamHandle.isNull else { return failNull("stream") }
    guard size != 0 else { return ErrorCode.success }
    return status { () throws(Failure) in
        try findPoolStream(streamHandle)
        let pool = try MemoryPool.find(handle)
        result.write(address: try pool.allocate(CoreLoader.size(size)))
    }
}

/// The stream of the calling thread's context; without a context the answer is 107003 here.
@discardableResult
private func findPoolStream(_ handle: Handle) throws(Failure) -> Stream {
    let found = try Stream.find(handle)
    guard try Context.currentOrNil() === found.context else {
        throw Failure(
            ErrorCode.rtStreamContext,
            .wrongContext(object: "stream", detail: "Stream \(found.id) was created in another context"))
    }
    return found
}

@c @implementation
public func aclrtMemPoolFreeAsync(_ ptr: UnsafeMutableRawPointer?, _ stream: aclrtStream?) -> aclError {
    let (target, handle) = (address(of: ptr), Handle(stream))
    guard target != 0 else { return failNull("ptr") }
    return status { () throws(Failure) in
        guard !handle.isNull else {
            throw Failure(ErrorCode.rtInternalError, .nullPointer(argument: "stream", layer: .runtime))
        }
        let found = try findPoolStream(handle)
        guard let block = MemoryRegistry.shared.liveBlock(at: target), block.base == target else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "ptr", value: hexadecimal(target),
                    expected: "the start of live device memory; this is \(MemoryRegistry.shared.describe(target))",
                    layer: .runtime))
        }
        try found.enqueue(streamTask { () throws(Failure) in try MemoryPool.free(target) })
    }
}

/// Pools keep nothing that is not in use: there is never more than `minBytesToKeep` to give back.
@c @implementation
public func aclrtMemPoolTrimTo(_ memPool: aclrtMemPool?, _ minBytesToKeep: Int) -> aclError {
    let handle = Handle(memPool)
    guard !handle.isNull else { return failNull("memPool") }
    return status { () throws(Failure) in _ = try MemoryPool.find(handle) }
}
