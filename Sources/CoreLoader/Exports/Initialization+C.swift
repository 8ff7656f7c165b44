// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclInit(_ configPath: UnsafePointer<CChar>?) -> aclError {
    let path = text(configPath)
    return status { () throws(Failure) in try Initialization.shared.initialize(path: path) }
}

@c @implementation
public func aclFinalize() -> aclError {
    status { () throws(Failure) in try Initialization.shared.finalize() }
}

@c @implementation
public func aclFinalizeReference(_ refCount: UnsafeMutablePointer<UInt64>?) -> aclError {
    let (count, failure) = Initialization.shared.finalizeReference()
    Output(refCount)?.write(count)
    return failure.map { report($0) } ?? ErrorCode.success
}

@c @implementation
public func aclInitCallbackRegister(
    _ type: aclRegisterCallbackType, _ cbFunc: aclInitCallbackFunc?, _ userData: UnsafeMutableRawPointer?
) -> aclError {
    guard let cbFunc = unsafe cbFunc else { return failNull("cbFunc") }
    let data = address(of: userData)
    let registered = Initialization.Registered<Initialization.InitCallback>(
        type: type.rawValue, function: unsafe unsafeBitCast(cbFunc, to: UInt.self)
    ) { configuration in
        // The text lives during the call and ends with a zero.
        let bytes = configuration.map { CChar(bitPattern: $0) } + [0]
        return unsafe bytes.withUnsafeBufferPointer { text in
            ForkGate.open { unsafe cbFunc(text.baseAddress, configuration.count, pointer(to: data)) }
        }
    }
    return status { () throws(Failure) in try Initialization.shared.registerInit(registered) }
}

@c @implementation
public func aclInitCallbackUnRegister(_ type: aclRegisterCallbackType, _ cbFunc: aclInitCallbackFunc?) -> aclError {
    guard let cbFunc = unsafe cbFunc else { return failNull("cbFunc") }
    let function = unsafe unsafeBitCast(cbFunc, to: UInt.self)
    return status { () throws(Failure) in
        try Initialization.shared.unregisterInit(type: type.rawValue, function: function)
    }
}

@c @implementation
public func aclFinalizeCallbackRegister(
    _ type: aclRegisterCallbackType, _ cbFunc: aclFinalizeCallbackFunc?, _ userData: UnsafeMutableRawPointer?
) -> aclError {
    guard let cbFunc = unsafe cbFunc else { return failNull("cbFunc") }
    let data = address(of: userData)
    let registered = Initialization.Registered<Initialization.FinalizeCallback>(
        type: type.rawValue, function: unsafe unsafeBitCast(cbFunc, to: UInt.self)
    ) { ForkGate.open { unsafe cbFunc(pointer(to: data)) } }
    return status { () throws(Failure) in try Initialization.shared.registerFinalize(registered) }
}

@c @implementation
public func aclFinalizeCallbackUnRegister(
    _ type: aclRegisterCallbackType, _ cbFunc: aclFinalizeCallbackFunc?
) -> aclError {
    guard let cbFunc = unsafe cbFunc else { return failNull("cbFunc") }
    let function = unsafe unsafeBitCast(cbFunc, to: UInt.self)
    return status { () throws(Failure) in
        try Initialization.shared.unregisterFinalize(type: type.rawValue, function: function)
    }
}

@c @implementation
public func aclGetRecentErrMsg() -> UnsafePointer<CChar>? {
    unsafe ThreadState.current.deliver(ErrorMessages.take())
}

@c @implementation
public func aclrtPeekAtLastError(_ level: aclrtLastErrLevel) -> aclError {
    guard level == ACL_RT_THREAD_LEVEL else { return failLevel(level) }
    return ThreadState.current.lastRuntimeError
}

@c @implementation
public func aclrtGetLastError(_ level: aclrtLastErrLevel) -> aclError {
    guard level == ACL_RT_THREAD_LEVEL else { return failLevel(level) }
    let thread = ThreadState.current
    defer { thread.lastRuntimeError = ErrorCode.success }
    return thread.lastRuntimeError
}

private func failLevel(_ level: aclrtLastErrLevel, function: StaticString = #function) -> aclError {
    fail(
        ErrorCode.invalidParam,
        .unexpected(argument: "level", value: "\(level.rawValue)", expected: "ACL_RT_THREAD_LEVEL (0)"),
        function: function)
}
