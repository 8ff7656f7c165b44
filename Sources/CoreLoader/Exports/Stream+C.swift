// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclrtCreateStream(_ stream: UnsafeMutablePointer<aclrtStream?>?) -> aclError {
    guard let result = PointerOutput(stream) else { return failNull("stream") }
    return status { () throws(Failure) in
        let created = try Stream.make(priority: 0, flags: 0)
        result.write(created.handle)
    }
}

@c @implementation
public func aclrtCreateStreamWithConfig(
    _ stream: UnsafeMutablePointer<aclrtStream?>?, _ priority: UInt32, _ flag: UInt32
) -> aclError {
    guard let result = PointerOutput(stream) else { return failNull("stream") }
    return status { () throws(Failure) in
        let created = try Stream.make(priority: priority, flags: flag & Stream.knownFlags)
        result.write(created.handle)
    }
}

@c @implementation
public func aclrtDestroyStream(_ stream: aclrtStream?) -> aclError {
    let handle = Handle(stream)
    guard !handle.isNull else { return failNull("stream") }
    return status { () throws(Failure) in try Stream.destroy(handle, force: false) }
}

@c @implementation
public func aclrtDestroyStreamForce(_ stream: aclrtStream?) -> aclError {
    let handle = Handle(stream)
    guard !handle.isNull else { return failNull("stream") }
    return status { () throws(Failure) in try Stream.destroy(handle, force: true) }
}

@c @implementation
public func aclrtSynchronizeStream(_ stream: aclrtStream?) -> aclError {
    let handle = Handle(stream)
    return status { () throws(Failure) in
        let found = try Stream.find(handle)
        guard !found.isNeverWaitedFor else { return }
        _ = try Context.current()
        try found.synchronize(until: .never)
    }
}

@c @implementation
public func aclrtSynchronizeStreamWithTimeout(_ stream: aclrtStream?, _ timeout: Int32) -> aclError {
    let handle = Handle(stream)
    return status { () throws(Failure) in
        guard timeout >= -1 else { return _ = try checkedTimeout(timeout) }
        let found = try Stream.find(handle)
        guard !found.isNeverWaitedFor else { return }
        let deadline = try checkedTimeout(timeout)
        _ = try Context.current()
        try found.synchronize(until: deadline)
    }
}

@c @implementation
public func aclrtStreamQuery(_ stream: aclrtStream?, _ status: UnsafeMutablePointer<aclrtStreamStatus>?) -> aclError {
    guard let result = Output(status) else { return failNull("status") }
    let handle = Handle(stream)
    return CoreLoader.status { () throws(Failure) in
        let found = try Stream.find(handle)
        if !found.isNeverWaitedFor { _ = try Context.current() }
        let isComplete = found.isNeverWaitedFor || found.isIdle
        result.write(isComplete ? ACL_STREAM_STATUS_COMPLETE : ACL_STREAM_STATUS_NOT_READY)
    }
}

@c @implementation
public func aclrtStreamGetPriority(_ stream: aclrtStream?, _ priority: UnsafeMutablePointer<UInt32>?) -> aclError {
    guard let result = Output(priority) else { return failNull("priority") }
    let handle = Handle(stream)
    return status { () throws(Failure) in
        let found = try Stream.find(handle)
        result.write(found.withAttributes { $0.priority })
    }
}

@c @implementation
public func aclrtStreamGetFlags(_ stream: aclrtStream?, _ flags: UnsafeMutablePointer<UInt32>?) -> aclError {
    guard let result = Output(flags) else { return failNull("flags") }
    let handle = Handle(stream)
    return status { () throws(Failure) in
        let found = try Stream.find(handle)
        result.write(found.flags)
    }
}

@c @implementation
public func aclrtStreamGetId(_ stream: aclrtStream?, _ streamId: UnsafeMutablePointer<Int32>?) -> aclError {
    guard let result = Output(streamId) else { return failNull("streamId") }
    let handle = Handle(stream)
    return status { () throws(Failure) in
        let found = try Stream.find(handle)
        result.write(found.id)
    }
}

@c @implementation
public func aclrtGetStreamAvailableNum(_ streamCount: UnsafeMutablePointer<UInt32>?) -> aclError {
    guard let result = Output(streamCount) else { return failNull("streamCount") }
    return status { () throws(Failure) in
        _ = try Context.current()
        result.write(UInt32(max(0, Stream.limit - Stream.table.count)))
    }
}

@c @implementation
public func aclrtSetStreamFailureMode(_ stream: aclrtStream?, _ mode: UInt64) -> aclError {
    let handle = Handle(stream)
    return status { () throws(Failure) in try setFailureMode(handle, mode) }
}

private func setFailureMode(_ handle: Handle, _ mode: UInt64) throws(Failure) {
    if handle.isNull, try Context.currentOrNil() == nil, Initialization.shared.defaultDevice == nil {
        throw Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(
                argument: "stream", value: "0x0", expected: "a stream, or a current context for the default stream",
                layer: .runtime))
    }
    let found = try Stream.find(handle)
    _ = try Context.current()
    let stops = mode & 1 == 1
    let isRefused = found.queue.withLock { queue in
        guard queue.stopsOnFailure != stops else { return false }
        if queue.stopsOnFailure { return true }
        queue.stopsOnFailure = true
        return false
    }
    guard !isRefused else {
        throw Failure(
            ErrorCode.rtFeatureNotSupport, .unsupported("A stream that stops on failures cannot be made to go on"))
    }
    _ = try Stream.findOwn(handle)
}

@c @implementation
public func aclrtSetStreamAttribute(
    _ stream: aclrtStream?, _ stmAttrType: aclrtStreamAttr, _ value: UnsafeMutablePointer<aclrtStreamAttrValue>?
) -> aclError {
    guard let value = unsafe value?.pointee else { return failNull("value") }
    let handle = Handle(stream)
    return status { () throws(Failure) in
        let found = try Stream.find(handle)
        switch stmAttrType {
        case ACL_STREAM_ATTR_FAILURE_MODE: try setFailureMode(handle, unsafe value.failureMode)
        case ACL_STREAM_ATTR_FLOAT_OVERFLOW_CHECK:
            found.withAttributes { $0.overflowSwitch = unsafe value.overflowSwitch }
        case ACL_STREAM_ATTR_USER_CUSTOM_TAG: found.withAttributes { $0.customTag = unsafe value.userCustomTag }
        case ACL_STREAM_ATTR_CACHE_OP_INFO:
            found.withAttributes { $0.cachesOperatorInfo = unsafe value.cacheOpInfoSwitch }
        case ACL_STREAM_ATTR_PRIORITY where handle.isNull:
            throw Failure(ErrorCode.rtParamInvalid, .nullPointer(argument: "stream", layer: .runtime))
        case ACL_STREAM_ATTR_PRIORITY: found.withAttributes { $0.priority = min(unsafe value.streamPriority, 7) }
        default: throw unknownAttribute(stmAttrType)
        }
    }
}

@c @implementation
public func aclrtGetStreamAttribute(
    _ stream: aclrtStream?, _ stmAttrType: aclrtStreamAttr, _ value: UnsafeMutablePointer<aclrtStreamAttrValue>?
) -> aclError {
    guard let result = Output(value) else { return failNull("value") }
    let handle = Handle(stream)
    return status { () throws(Failure) in
        let found = try Stream.find(handle)
        let attributes = found.withAttributes { $0 }
        var stored = aclrtStreamAttrValue()
        switch stmAttrType {
        case ACL_STREAM_ATTR_FAILURE_MODE:
            unsafe stored.failureMode = found.queue.withLock { $0.stopsOnFailure } ? 1 : 0
        case ACL_STREAM_ATTR_FLOAT_OVERFLOW_CHECK: unsafe stored.overflowSwitch = attributes.overflowSwitch
        case ACL_STREAM_ATTR_USER_CUSTOM_TAG: unsafe stored.userCustomTag = attributes.customTag
        case ACL_STREAM_ATTR_CACHE_OP_INFO: unsafe stored.cacheOpInfoSwitch = attributes.cachesOperatorInfo
        case ACL_STREAM_ATTR_PRIORITY: unsafe stored.streamPriority = attributes.priority
        default: throw unknownAttribute(stmAttrType)
        }
        result.write(stored)
    }
}

private func unknownAttribute(_ attribute: aclrtStreamAttr) -> Failure {
    Failure(
        ErrorCode.rtParamInvalid,
        .unexpected(argument: "stmAttrType", value: "\(attribute.rawValue)", expected: "1 to 5", layer: .runtime))
}

@c @implementation
public func aclrtSetStreamOverflowSwitch(_ stream: aclrtStream?, _ flag: UInt32) -> aclError {
    guard flag <= 1 else {
        return fail(ErrorCode.invalidParam, .unexpected(argument: "flag", value: "\(flag)", expected: "0 or 1"))
    }
    let handle = Handle(stream)
    return status { () throws(Failure) in
        let found = try Stream.find(handle)
        found.withAttributes { $0.overflowSwitch = flag }
    }
}

@c @implementation
public func aclrtGetStreamOverflowSwitch(_ stream: aclrtStream?, _ flag: UnsafeMutablePointer<UInt32>?) -> aclError {
    guard let result = Output(flag) else { return failNull("flag") }
    let handle = Handle(stream)
    return status { () throws(Failure) in
        let found = try Stream.find(handle)
        result.write(found.withAttributes { $0.overflowSwitch })
    }
}

@c @implementation
public func aclrtRegStreamStateCallback(
    _ regName: UnsafePointer<CChar>?, _ callback: aclrtStreamStateCallback?, _ args: UnsafeMutableRawPointer?
) -> aclError {
    guard let name = text(regName) else { return failNull("regName") }
    let data = address(of: args)
    return status { () throws(Failure) in
        guard let callback = unsafe callback else { return try StreamCallbacks.shared.set(name, nil) }
        try StreamCallbacks.shared.set(name) { stream, event in
            ForkGate.open {
                unsafe callback(stream.pointer, aclrtStreamState(rawValue: event.rawValue), pointer(to: data))
            }
        }
    }
}

@c @implementation
public func aclrtStreamAbort(_ stream: aclrtStream?) -> aclError {
    let handle = Handle(stream)
    return status { () throws(Failure) in
        let found = try Stream.find(handle)
        try found.refuseWaitingOnItself()
        found.abort()
        _ = try found.waitForAll(until: .never)
    }
}
