// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclrtAllocatorCreateDesc() -> aclrtAllocatorDesc? {
    rawPointer(CustomAllocator.Description.table.create(CustomAllocator.Description()))
}

@c @implementation
public func aclrtAllocatorDestroyDesc(_ allocatorDesc: aclrtAllocatorDesc?) -> aclError {
    let handle = Handle(allocatorDesc)
    guard !handle.isNull else { return failNull("allocatorDesc") }
    guard CustomAllocator.Description.table.remove(handle) != nil else {
        return failHandle(handle, CustomAllocator.Description.table, "allocatorDesc")
    }
    return ErrorCode.success
}

@c @implementation
public func aclrtAllocatorSetObjToDesc(
    _ allocatorDesc: aclrtAllocatorDesc?, _ allocator: aclrtAllocator?
) -> aclError {
    set(\.object, of: Handle(allocatorDesc), to: address(of: allocator), "allocator")
}

@c @implementation
public func aclrtAllocatorSetAllocFuncToDesc(
    _ allocatorDesc: aclrtAllocatorDesc?, _ func: aclrtAllocatorAllocFunc?
) -> aclError {
    set(\.allocate, of: Handle(allocatorDesc), to: unsafe unsafeBitCast(`func`, to: UInt.self), "func")
}

@c @implementation
public func aclrtAllocatorSetFreeFuncToDesc(
    _ allocatorDesc: aclrtAllocatorDesc?, _ func: aclrtAllocatorFreeFunc?
) -> aclError {
    set(\.free, of: Handle(allocatorDesc), to: unsafe unsafeBitCast(`func`, to: UInt.self), "func")
}

@c @implementation
public func aclrtAllocatorSetAllocAdviseFuncToDesc(
    _ allocatorDesc: aclrtAllocatorDesc?, _ func: aclrtAllocatorAllocAdviseFunc?
) -> aclError {
    set(\.allocateAdvised, of: Handle(allocatorDesc), to: unsafe unsafeBitCast(`func`, to: UInt.self), "func")
}

@c @implementation
public func aclrtAllocatorSetGetAddrFromBlockFuncToDesc(
    _ allocatorDesc: aclrtAllocatorDesc?, _ func: aclrtAllocatorGetAddrFromBlockFunc?
) -> aclError {
    set(\.addressOfBlock, of: Handle(allocatorDesc), to: unsafe unsafeBitCast(`func`, to: UInt.self), "func")
}

private func set(
    _ field: WritableKeyPath<CustomAllocator, UInt>, of handle: Handle, to value: UInt, _ argument: String,
    function: StaticString = #function
) -> aclError {
    guard !handle.isNull else { return failNull("allocatorDesc", function: function) }
    guard value != 0 else { return failNull(argument, function: function) }
    guard let description = CustomAllocator.Description.table.find(handle) else {
        return failHandle(handle, CustomAllocator.Description.table, "allocatorDesc", function: function)
    }
    description.allocator.withLock { $0[keyPath: field] = value }
    return ErrorCode.success
}

@c @implementation
public func aclrtAllocatorRegister(_ stream: aclrtStream?, _ allocatorDesc: aclrtAllocatorDesc?) -> aclError {
    let (streamHandle, handle) = (Handle(stream), Handle(allocatorDesc))
    guard !streamHandle.isNull else { return failNull("stream") }
    guard !handle.isNull else { return failNull("allocatorDesc") }
    return status { () throws(Failure) in
        guard let description = CustomAllocator.Description.table.find(handle) else {
            throw Failure(
                ErrorCode.invalidParam,
                .unexpected(
                    argument: "allocatorDesc", value: hexadecimal(handle.bits),
                    expected: "a live allocator description; this is "
                        + CustomAllocator.Description.table.describe(handle)))
        }
        let allocator = description.allocator.withLock { $0 }
        guard allocator.isComplete else {
            throw Failure(
                ErrorCode.invalidParam,
                .invalid(
                    argument: "allocatorDesc", value: hexadecimal(handle.bits),
                    reason: "the object and the functions for allocating, freeing and addresses must be set"))
        }
        let found = try Stream.find(streamHandle)
        found.allocator.withLock { $0 = CustomAllocator.Registration(description: handle, allocator: allocator) }
    }
}

@c @implementation
public func aclrtAllocatorGetByStream(
    _ stream: aclrtStream?, _ allocatorDesc: UnsafeMutablePointer<aclrtAllocatorDesc?>?,
    _ allocator: UnsafeMutablePointer<aclrtAllocator?>?, _ allocFunc: UnsafeMutablePointer<aclrtAllocatorAllocFunc?>?,
    _ freeFunc: UnsafeMutablePointer<aclrtAllocatorFreeFunc?>?,
    _ allocAdviseFunc: UnsafeMutablePointer<aclrtAllocatorAllocAdviseFunc?>?,
    _ getAddrFromBlockFunc: UnsafeMutablePointer<aclrtAllocatorGetAddrFromBlockFunc?>?
) -> aclError {
    let handle = Handle(stream)
    guard let result = PointerOutput(allocatorDesc) else { return failNull("allocatorDesc") }
    guard !handle.isNull else { return failNull("stream") }
    guard let registration = Stream.table.find(handle)?.allocator.withLock({ $0 }) else {
        return fail(
            ErrorCode.invalidParam,
            .invalid(
                argument: "stream", value: hexadecimal(handle.bits), reason: "no allocator is registered for it"))
    }
    result.write(registration.description)
    PointerOutput(allocator)?.write(address: registration.allocator.object)
    // The addresses came from functions of these types.
    unsafe allocFunc?.pointee = unsafeBitCast(registration.allocator.allocate, to: aclrtAllocatorAllocFunc?.self)
    unsafe freeFunc?.pointee = unsafeBitCast(registration.allocator.free, to: aclrtAllocatorFreeFunc?.self)
    unsafe allocAdviseFunc?.pointee = unsafeBitCast(
        registration.allocator.allocateAdvised, to: aclrtAllocatorAllocAdviseFunc?.self)
    unsafe getAddrFromBlockFunc?.pointee = unsafeBitCast(
        registration.allocator.addressOfBlock, to: aclrtAllocatorGetAddrFromBlockFunc?.self)
    return ErrorCode.success
}

@c @implementation
public func aclrtAllocatorUnregister(_ stream: aclrtStream?) -> aclError {
    let handle = Handle(stream)
    guard !handle.isNull else { return failNull("stream") }
    Stream.table.find(handle)?.allocator.withLock { $0 = nil }
    return ErrorCode.success
}
