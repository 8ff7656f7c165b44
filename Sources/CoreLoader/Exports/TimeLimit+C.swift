// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclrtSetOpExecuteTimeOut(_ timeout: UInt32) -> aclError {
    WaitLimits.execution = UInt64(timeout) * 1_000_000
    return ErrorCode.success
}

@c @implementation
public func aclrtSetOpExecuteTimeOutWithMs(_ timeout: UInt32) -> aclError {
    WaitLimits.execution = UInt64(timeout) * 1000
    return ErrorCode.success
}

@c @implementation
public func aclrtSetOpExecuteTimeOutV2(
    _ timeout: UInt64, _ actualTimeout: UnsafeMutablePointer<UInt64>?
) -> aclError {
    guard let result = Output(actualTimeout) else { return failNull("actualTimeout") }
    return status { () throws(Failure) in
        try requireDevice()
        WaitLimits.execution = timeout
        result.write(timeout)
    }
}

@c @implementation
public func aclrtGetOpExecuteTimeout(_ timeoutMs: UnsafeMutablePointer<UInt32>?) -> aclError {
    guard let result = Output(timeoutMs) else { return failNull("timeoutMs") }
    result.write(UInt32(clamping: WaitLimits.execution / 1000))
    return ErrorCode.success
}

@c @implementation
public func aclrtGetOpTimeOutInterval(_ interval: UnsafeMutablePointer<UInt64>?) -> aclError {
    guard let result = Output(interval) else { return failNull("interval") }
    return status { () throws(Failure) in
        try requireDevice()
        result.write(1)
    }
}

private func requireDevice() throws(Failure) {
    guard Context.table.count > 0 else {
        throw Failure(ErrorCode.rtDevSetupError, .wrongOrder("No device has been set: call aclrtSetDevice first"))
    }
}

@c @implementation
public func aclrtGetThreadLastTaskId(_ taskId: UnsafeMutablePointer<UInt32>?) -> aclError {
    guard let result = Output(taskId) else { return failNull("taskId") }
    return status { () throws(Failure) in
        _ = try Context.current()
        result.write(ThreadState.current.lastTask)
    }
}

// MARK: - Notes for profilers, of which there are none: after the checks there is nothing to do

@c @implementation
public func aclrtProfTrace(_ userdata: UnsafeMutableRawPointer?, _ length: Int32, _ stream: aclrtStream?) -> aclError {
    let (data, handle) = (address(of: userdata), Handle(stream))
    guard data != 0 else { return failNull("userdata") }
    return status { () throws(Failure) in _ = try Stream.findOwn(handle) }
}

@c @implementation
public func aclrtCacheLastTaskOpInfo(_ infoPtr: UnsafeRawPointer?, _ infoSize: Int) -> aclError {
    guard address(of: infoPtr) != 0 else { return failNull("infoPtr") }
    return failEmpty(infoSize)
}

@c @implementation
public func aclrtCacheLastTaskExtendInfo(_ extendInfoPtr: UnsafePointer<CChar>?, _ infoSize: Int) -> aclError {
    guard address(ofText: extendInfoPtr) != 0 else { return failNull("extendInfoPtr") }
    return failEmpty(infoSize)
}

private func failEmpty(_ infoSize: Int, function: StaticString = #function) -> aclError {
    guard infoSize == 0 else { return ErrorCode.success }
    return fail(
        ErrorCode.invalidParam, .invalid(argument: "infoSize", value: "0", reason: "it must be greater than 0"),
        function: function)
}
