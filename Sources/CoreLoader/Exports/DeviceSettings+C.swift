// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

// MARK: - Limits of the whole process

/// Set limits, by number; defaults until set.
private let limits = Protected<[UInt32: UInt32]>([:])
private let limitDefaults: [UInt32: UInt32] = [2: 32 << 10, 3: 1 << 20]

@c @implementation
public func aclrtDeviceSetLimit(_ limit: aclrtDeviceLimit, _ value: Int) -> aclError {
    status { () throws(Failure) in
        try checkLimit(limit)
        guard let stored = UInt32(exactly: value) else {
            throw Failure(
                ErrorCode.invalidParam,
                .unexpected(argument: "value", value: "\(size(value))", expected: "at most \(UInt32.max)"))
        }
        try refuseThreadLimits(limit)
        limits.withLock { $0[limit.rawValue] = stored }
    }
}

@c @implementation
public func aclrtDeviceGetLimit(_ limit: aclrtDeviceLimit, _ value: UnsafeMutablePointer<Int>?) -> aclError {
    guard let result = Output(value) else { return failNull("value") }
    return status { () throws(Failure) in
        try checkLimit(limit)
        try refuseThreadLimits(limit)
        let stored = limits.withLock { $0[limit.rawValue] } ?? limitDefaults[limit.rawValue] ?? 0
        result.write(Int(stored))
    }
}

private func checkLimit(_ limit: aclrtDeviceLimit) throws(Failure) {
    guard limit.rawValue <= ACL_RT_DEV_LIMIT_SIMT_PRINTF_FIFO_SIZE.rawValue else {
        throw Failure(
            ErrorCode.invalidParam, .unexpected(argument: "limit", value: "\(limit.rawValue)", expected: "0 to 4"))
    }
}

private func refuseThreadLimits(_ limit: aclrtDeviceLimit) throws(Failure) {
    guard limit == ACL_RT_DEV_LIMIT_SIMD_STACK_SIZE || limit == ACL_RT_DEV_LIMIT_SIMD_PRINTF_FIFO_SIZE_PER_CORE else {
        throw Failure(ErrorCode.rtFeatureNotSupport, .unsupported("The device runs no threads of the SIMT kind"))
    }
}

// MARK: - Core limits of devices and streams

/// What a limit of cores applies to.
private enum CoreUser: Hashable, Sendable {
    case device(Int32)
    case stream(UInt)
}

private let coreLimits = Protected<[CoreUser: [UInt32: UInt32]]>([:])

private func checkCoreType(_ type: aclrtDevResLimitType) throws(Failure) {
    guard type == ACL_RT_DEV_RES_CUBE_CORE || type == ACL_RT_DEV_RES_VECTOR_CORE else {
        throw Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(argument: "type", value: "\(type.rawValue)", expected: "0 or 1", layer: .runtime))
    }
}

private func cores(_ type: aclrtDevResLimitType, _ users: CoreUser...) -> UInt32 {
    for user in users {
        if let limit = coreLimits.withLock({ $0[user]?[type.rawValue] }) { return limit }
    }
    return UInt32(type == ACL_RT_DEV_RES_CUBE_CORE ? HostProfile.cubeCores : HostProfile.vectorCores)
}

@c @implementation
public func aclrtGetDeviceResLimit(
    _ deviceId: Int32, _ type: aclrtDevResLimitType, _ value: UnsafeMutablePointer<UInt32>?
) -> aclError {
    guard let result = Output(value) else { return failNull("value") }
    return status { () throws(Failure) in
        try checkCoreType(type)
        _ = try Device.find(deviceId)
        result.write(cores(type, .device(deviceId)))
    }
}

@c @implementation
public func aclrtSetDeviceResLimit(_ deviceId: Int32, _ type: aclrtDevResLimitType, _ value: UInt32) -> aclError {
    status { () throws(Failure) in
        try checkCoreType(type)
        _ = try Device.find(deviceId)
        coreLimits.withLock { $0[.device(deviceId), default: [:]][type.rawValue] = value }
    }
}

@c @implementation
public func aclrtResetDeviceResLimit(_ deviceId: Int32) -> aclError {
    status { () throws(Failure) in
        _ = try Device.find(deviceId)
        coreLimits.withLock { $0[.device(deviceId)] = nil }
    }
}

@c @implementation
public func aclrtGetStreamResLimit(
    _ stream: aclrtStream?, _ type: aclrtDevResLimitType, _ value: UnsafeMutablePointer<UInt32>?
) -> aclError {
    guard let result = Output(value) else { return failNull("value") }
    let handle = Handle(stream)
    return status { () throws(Failure) in
        try checkCoreType(type)
        let found = try Stream.find(handle)
        result.write(cores(type, .stream(found.handle.bits), .device(found.context.device.id)))
    }
}

@c @implementation
public func aclrtSetStreamResLimit(_ stream: aclrtStream?, _ type: aclrtDevResLimitType, _ value: UInt32) -> aclError {
    let handle = Handle(stream)
    return status { () throws(Failure) in
        try checkCoreType(type)
        let found = try Stream.find(handle)
        coreLimits.withLock { $0[.stream(found.handle.bits), default: [:]][type.rawValue] = value }
    }
}

@c @implementation
public func aclrtResetStreamResLimit(_ stream: aclrtStream?) -> aclError {
    let handle = Handle(stream)
    return status { () throws(Failure) in
        let found = try Stream.find(handle)
        coreLimits.withLock { $0[.stream(found.handle.bits)] = nil }
    }
}

@c @implementation
public func aclrtUseStreamResInCurrentThread(_ stream: aclrtStream?) -> aclError {
    let handle = Handle(stream)
    return status { () throws(Failure) in
        let found = try Stream.find(handle)
        ThreadState.current.limitingStream = found.handle
    }
}

@c @implementation
public func aclrtUnuseStreamResInCurrentThread(_ stream: aclrtStream?) -> aclError {
    let handle = Handle(stream)
    return status { () throws(Failure) in
        _ = try Stream.find(handle)
        ThreadState.current.limitingStream = nil
    }
}

@c @implementation
public func aclrtGetResInCurrentThread(
    _ type: aclrtDevResLimitType, _ value: UnsafeMutablePointer<UInt32>?
) -> aclError {
    guard let result = Output(value) else { return failNull("value") }
    return status { () throws(Failure) in
        try checkCoreType(type)
        let device = CoreUser.device(try Context.current().device.id)
        if let stream = ThreadState.current.limitingStream {
            result.write(cores(type, .stream(stream.bits), device))
        } else {
            result.write(cores(type, device))
        }
    }
}

// MARK: - Saturation and overflow

private let saturationMode = Protected<UInt32>(0)

@c @implementation
public func aclrtSetDeviceSatMode(_ mode: aclrtFloatOverflowMode) -> aclError {
    guard mode.rawValue <= ACL_RT_OVERFLOW_MODE_UNDEF.rawValue else {
        return fail(
            ErrorCode.rtParamInvalid,
            .unexpected(argument: "mode", value: "\(mode.rawValue)", expected: "0 to 2", layer: .runtime))
    }
    saturationMode.withLock { $0 = mode.rawValue }
    return ErrorCode.success
}

@c @implementation
public func aclrtGetDeviceSatMode(_ mode: UnsafeMutablePointer<aclrtFloatOverflowMode>?) -> aclError {
    guard let result = Output(mode) else { return failNull("mode") }
    result.write(aclrtFloatOverflowMode(rawValue: saturationMode.withLock { $0 }))
    return ErrorCode.success
}

/// A CPU reports no overflow: the task writes zeros, in the order of the stream.
@c @implementation
public func aclrtGetOverflowStatus(
    _ outputAddr: UnsafeMutableRawPointer?, _ outputSize: Int, _ stream: aclrtStream?
) -> aclError {
    let (target, handle) = (address(of: outputAddr), Handle(stream))
    guard target != 0 else { return failNull("outputAddr") }
    return status { () throws(Failure) in
        guard outputSize == 64 else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(argument: "outputSize", value: "\(size(outputSize))", expected: "64", layer: .runtime))
        }
        let found = try Stream.findOwn(handle)
        try Copy.verify(target, bytes: outputSize, argument: "outputAddr")
        try found.enqueue(streamTask { () throws(Failure) in try Copy.fill(target, with: 0, bytes: outputSize) })
    }
}

@c @implementation
public func aclrtResetOverflowStatus(_ stream: aclrtStream?) -> aclError {
    let handle = Handle(stream)
    return status { () throws(Failure) in _ = try Stream.findOwn(handle) }
}

// MARK: - Faults of the hardware, of which there are none

@c @implementation
public func aclrtGetMemUceInfo(
    _ deviceId: Int32, _ memUceInfoArray: UnsafeMutablePointer<aclrtMemUceInfo>?, _ arraySize: Int,
    _ retSize: UnsafeMutablePointer<Int>?
) -> aclError {
    guard address(of: memUceInfoArray) != 0 else { return failNull("memUceInfoArray") }
    guard let result = Output(retSize) else { return failNull("retSize") }
    return status { () throws(Failure) in
        _ = try Device.find(deviceId)
        result.write(0)
    }
}

@c @implementation
public func aclrtMemUceRepair(
    _ deviceId: Int32, _ memUceInfoArray: UnsafeMutablePointer<aclrtMemUceInfo>?, _ arraySize: Int
) -> aclError {
    guard address(of: memUceInfoArray) != 0 else { return failNull("memUceInfoArray") }
    guard size(arraySize) <= UInt(MAX_MEM_UCE_INFO_ARRAY_SIZE) else {
        return fail(
            ErrorCode.invalidParam,
            .unexpected(
                argument: "arraySize", value: "\(size(arraySize))", expected: "at most \(MAX_MEM_UCE_INFO_ARRAY_SIZE)"))
    }
    return status { () throws(Failure) in _ = try Device.find(deviceId) }
}

@c @implementation
public func aclrtGetErrorVerbose(_ deviceId: Int32, _ errorInfo: UnsafeMutablePointer<aclrtErrorInfo>?) -> aclError {
    guard let info = unsafe errorInfo else { return failNull("errorInfo") }
    return status { () throws(Failure) in
        _ = try Device.find(deviceId)
        unsafe info.pointee.tryRepair = 0
        unsafe info.pointee.hasDetail = 0
        unsafe info.pointee.errorType = ACL_RT_NO_ERROR
    }
}

@c @implementation
public func aclrtRepairError(_ deviceId: Int32, _ errorInfo: UnsafePointer<aclrtErrorInfo>?) -> aclError {
    guard unsafe address(of: errorInfo) != 0 else { return failNull("errorInfo") }
    return status { () throws(Failure) in _ = try Device.find(deviceId) }
}

@c @implementation
public func aclrtDeviceL2CacheFlush(_ rsv: UnsafeMutableRawPointer?) -> aclError {
    guard address(of: rsv) == 0 else {
        return fail(ErrorCode.invalidParam, .reserved(argument: "rsv", reason: "it is reserved and must be null"))
    }
    return ErrorCode.success
}

// MARK: - Aborting

private let abortCallbacks = NamedCallbacks<@Sendable (Int32, UInt32, UInt32) -> Void>()

@c @implementation
public func aclrtSetDeviceTaskAbortCallback(
    _ regName: UnsafePointer<CChar>?, _ callback: aclrtDeviceTaskAbortCallback?, _ args: UnsafeMutableRawPointer?
) -> aclError {
    guard let name = text(regName) else { return failNull("regName") }
    let data = address(of: args)
    return status { () throws(Failure) in
        guard let callback = unsafe callback else { return try abortCallbacks.set(name, nil) }
        try abortCallbacks.set(name) { device, stage, timeout in
            ForkGate.open {
                unsafe _ = callback(device, aclrtDeviceTaskAbortStage(rawValue: stage), timeout, pointer(to: data))
            }
        }
    }
}

/// Drops what is queued in all streams of the device and waits for what runs.
@c @implementation
public func aclrtDeviceTaskAbort(_ deviceId: Int32, _ timeout: UInt32) -> aclError {
    status { () throws(Failure) in
        let device = try Device.find(deviceId)
        let deadline: Deadline = timeout == 0 ? .never : Deadline(milliseconds: Int64(timeout))
        for callback in abortCallbacks.all { callback(deviceId, ACL_RT_DEVICE_TASK_ABORT_PRE.rawValue, timeout) }
        let streams = Stream.table.objects.filter { $0.context.device === device }
        for stream in streams {
            try stream.refuseWaitingOnItself()
            stream.abort()
        }
        for stream in streams where try stream.waitForAll(until: deadline) == .timedOut {
            throw Failure(
                ErrorCode.rtStreamSyncTimeout, .timeout("Stream \(stream.id) did not stop within the time given"))
        }
        for callback in abortCallbacks.all { callback(deviceId, ACL_RT_DEVICE_TASK_ABORT_POST.rawValue, timeout) }
    }
}
