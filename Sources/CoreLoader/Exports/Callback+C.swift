// SPDX-License-Identifier: Apache-2.0

public import CAscendCL
import Glibc

@c @implementation
public func aclrtSubscribeReport(_ threadId: UInt64, _ stream: aclrtStream?) -> aclError {
    let handle = Handle(stream)
    return status { () throws(Failure) in try subscribe(threadId, handle) }
}

@c @implementation
public func aclrtUnSubscribeReport(_ threadId: UInt64, _ stream: aclrtStream?) -> aclError {
    let handle = Handle(stream)
    return status { () throws(Failure) in try ReportThread.unsubscribe(thread: threadId, from: Stream.find(handle)) }
}

@c @implementation
public func aclrtProcessReport(_ timeout: Int32) -> aclError {
    status { () throws(Failure) in try process(timeout) }
}

@c @implementation
public func aclrtLaunchCallback(
    _ fn: aclrtCallback?, _ userData: UnsafeMutableRawPointer?, _ blockType: aclrtCallbackBlockType,
    _ stream: aclrtStream?
) -> aclError {
    guard blockType == ACL_CALLBACK_NO_BLOCK || blockType == ACL_CALLBACK_BLOCK else {
        return fail(
            ErrorCode.invalidParam,
            .unexpected(
                argument: "blockType", value: "\(blockType.rawValue)",
                expected: "ACL_CALLBACK_NO_BLOCK (0) or ACL_CALLBACK_BLOCK (1)"))
    }
    let (data, handle) = (address(of: userData), Handle(stream))
    return status { () throws(Failure) in
        guard let function = unsafe fn else {
            throw Failure(ErrorCode.rtParamInvalid, .nullPointer(argument: "fn", layer: .runtime))
        }
        let found = try Stream.findOwn(handle)
        try ReportThread.launch(
            { ForkGate.open { unsafe function(pointer(to: data)) } }, blocks: blockType == ACL_CALLBACK_BLOCK, on: found
        )
    }
}

@c @implementation
public func aclrtLaunchHostFunc(
    _ stream: aclrtStream?, _ fn: aclrtHostFunc?, _ args: UnsafeMutableRawPointer?
) -> aclError {
    let (data, handle) = (address(of: args), Handle(stream))
    return status { () throws(Failure) in
        guard let function = unsafe fn else {
            throw Failure(ErrorCode.rtParamInvalid, .nullPointer(argument: "fn", layer: .runtime))
        }
        let found = try Stream.findOwn(handle)
        try found.callbackMode.withLock { mode throws(Failure) in
            guard case .reports = mode else { return mode = .hostFunctions }
            throw Failure(ErrorCode.rtStreamSubscribe, .wrongOrder("Stream \(found.id) is subscribed for reports"))
        }
        try found.enqueue {
            ForkGate.open { unsafe function(pointer(to: data)) }
            return ErrorCode.success
        }
    }
}

@c @implementation
public func aclrtSubscribeHostFunc(_ hostFuncThreadId: UInt64, _ exeStream: aclrtStream?) -> aclError {
    let handle = Handle(exeStream)
    return status { () throws(Failure) in try subscribe(hostFuncThreadId, handle) }
}

@c @implementation
public func aclrtUnSubscribeHostFunc(_ hostFuncThreadId: UInt64, _ exeStream: aclrtStream?) -> aclError {
    let handle = Handle(exeStream)
    return status { () throws(Failure) in
        try ReportThread.unsubscribe(thread: hostFuncThreadId, from: Stream.find(handle))
    }
}

@c @implementation
public func aclrtProcessHostFunc(_ timeout: Int32) -> aclError {
    status { () throws(Failure) in try process(timeout) }
}

private func subscribe(_ thread: UInt64, _ handle: Handle) throws(Failure) {
    let found = try Stream.find(handle)
    _ = try Context.current()
    try ReportThread.subscribe(thread: thread, to: found)
}

private func process(_ timeout: Int32) throws(Failure) {
    guard timeout > 0 || timeout == -1 else {
        throw Failure(
            ErrorCode.invalidParam,
            .unexpected(
                argument: "timeout", value: "\(timeout)", expected: "-1 (no limit) or a positive number of milliseconds"
            ))
    }
    try ReportThread.process(thread: UInt64(pthread_self()), until: Deadline(milliseconds: Int64(timeout)))
}

@c @implementation
public func aclrtSetExceptionInfoCallback(_ callback: aclrtExceptionInfoCallback?) -> aclError {
    guard let callback = unsafe callback else {
        TaskFailure.setCallback(nil)
        return ErrorCode.success
    }
    TaskFailure.setCallback { info in ForkGate.open { unsafe callback(info.opaquePointer) } }
    return ErrorCode.success
}

@c @implementation
public func aclrtExceptionInfoCallbackRegister(_ callback: aclrtExceptionInfoCallback?) -> aclError {
    guard let callback = unsafe callback else {
        return fail(ErrorCode.rtParamInvalid, .nullPointer(argument: "callback", layer: .runtime))
    }
    TaskFailure.register(unsafe unsafeBitCast(callback, to: UInt.self)) { info in
        ForkGate.open { unsafe callback(info.opaquePointer) }
    }
    return ErrorCode.success
}

@c @implementation
public func aclrtExceptionInfoCallbackUnregister(_ callback: aclrtExceptionInfoCallback?) -> aclError {
    guard let callback = unsafe callback else {
        return fail(ErrorCode.rtParamInvalid, .nullPointer(argument: "callback", layer: .runtime))
    }
    TaskFailure.unregister(unsafe unsafeBitCast(callback, to: UInt.self))
    return ErrorCode.success
}

@c @implementation
public func aclrtGetTaskIdFromExceptionInfo(_ info: OpaquePointer?) -> UInt32 {
    TaskFailure.table.find(Handle(info))?.task ?? .max
}

@c @implementation
public func aclrtGetStreamIdFromExceptionInfo(_ info: OpaquePointer?) -> UInt32 {
    TaskFailure.table.find(Handle(info))?.stream ?? .max
}

@c @implementation
public func aclrtGetThreadIdFromExceptionInfo(_ info: OpaquePointer?) -> UInt32 {
    TaskFailure.table.find(Handle(info))?.thread ?? .max
}

@c @implementation
public func aclrtGetDeviceIdFromExceptionInfo(_ info: OpaquePointer?) -> UInt32 {
    TaskFailure.table.find(Handle(info))?.device ?? .max
}

@c @implementation
public func aclrtGetErrorCodeFromExceptionInfo(_ info: OpaquePointer?) -> UInt32 {
    TaskFailure.table.find(Handle(info)).map { UInt32(bitPattern: $0.code) } ?? .max
}

/// Tasks here have no arguments in device memory: after the documented checks the answer is always -1.
@c @implementation
public func aclrtGetArgsFromExceptionInfo(
    _ info: OpaquePointer?, _ devArgsPtr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    _ devArgsLen: UnsafeMutablePointer<UInt32>?
) -> aclError {
    guard TaskFailure.table.find(Handle(info)) != nil else { return failUnknown(info) }
    guard PointerOutput(devArgsPtr) != nil else { return failNull("devArgsPtr") }
    guard Output(devArgsLen) != nil else { return failNull("devArgsLen") }
    return fail(-1, .unsupported("Tasks have no arguments in device memory on a CPU"))
}

/// As `aclrtGetArgsFromExceptionInfo`: tasks here have no kernel function.
@c @implementation
public func aclrtGetFuncHandleFromExceptionInfo(
    _ info: OpaquePointer?, _ func: UnsafeMutablePointer<aclrtFuncHandle?>?
) -> aclError {
    guard TaskFailure.table.find(Handle(info)) != nil else { return failUnknown(info) }
    guard PointerOutput(`func`) != nil else { return failNull("func") }
    return fail(-1, .unsupported("Tasks have no kernel function on a CPU"))
}

@safe private func failUnknown(_ info: OpaquePointer?, function: StaticString = #function) -> Int32 {
    fail(
        -1,
        .unexpected(
            argument: "info", value: hexadecimal(address(of: info)),
            expected: "what the callback of a failed task was given, during that callback", layer: .runtime),
        function: function)
}
