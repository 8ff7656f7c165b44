// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclrtCreateContext(_ context: UnsafeMutablePointer<aclrtContext?>?, _ deviceId: Int32) -> aclError {
    guard let result = PointerOutput(context) else { return failNull("context") }
    return status { () throws(Failure) in
        let created = try Device.find(deviceId).makeContext()
        result.write(created.handle)
    }
}

@c @implementation
public func aclrtDestroyContext(_ context: aclrtContext?) -> aclError {
    let handle = Handle(context)
    guard !handle.isNull else { return failNull("context") }
    return status { () throws(Failure) in try Context.destroy(handle) }
}

@c @implementation
public func aclrtSetCurrentContext(_ context: aclrtContext?) -> aclError {
    let handle = Handle(context)
    guard !handle.isNull else { return failNull("context") }
    return status { () throws(Failure) in
        try Context.find(handle, code: ErrorCode.rtParamInvalid).makeCurrent()
    }
}

@c @implementation
public func aclrtGetCurrentContext(_ context: UnsafeMutablePointer<aclrtContext?>?) -> aclError {
    guard let result = PointerOutput(context) else { return failNull("context") }
    return status { () throws(Failure) in
        guard let current = try Context.currentOrNil() else { throw Context.noContext }
        result.write(current.handle)
    }
}

@c @implementation
public func aclrtCtxGetCurrentDefaultStream(_ stream: UnsafeMutablePointer<aclrtStream?>?) -> aclError {
    guard let result = PointerOutput(stream) else { return failNull("stream") }
    return status { () throws(Failure) in
        let current = try Context.current().defaultStream()
        result.write(current.handle)
    }
}

@c @implementation
public func aclrtCtxGetSysParamOpt(_ opt: aclSysParamOpt, _ value: UnsafeMutablePointer<Int64>?) -> aclError {
    guard let result = Output(value) else { return failNull("value") }
    return status { () throws(Failure) in
        try checkOption(opt, last: 2)
        guard let stored = try Context.current().option(opt.rawValue) else {
            throw Failure(
                ErrorCode.rtSysparamoptNotSet, .wrongOrder("Option \(opt.rawValue) was never set in this context"))
        }
        result.write(stored)
    }
}

@c @implementation
public func aclrtCtxSetSysParamOpt(_ opt: aclSysParamOpt, _ value: Int64) -> aclError {
    status { () throws(Failure) in
        try checkOption(opt, last: 2)
        try Context.current().setOption(opt.rawValue, value)
    }
}

/// Options of the whole process; 0 until set.
private let processOptions = Protected<[UInt32: Int64]>([:])

@c @implementation
public func aclrtGetSysParamOpt(_ opt: aclSysParamOpt, _ value: UnsafeMutablePointer<Int64>?) -> aclError {
    guard let result = Output(value) else { return failNull("value") }
    return status { () throws(Failure) in
        try checkOption(opt, last: 3)
        result.write(processOptions.withLock { $0[opt.rawValue] ?? 0 })
    }
}

@c @implementation
public func aclrtSetSysParamOpt(_ opt: aclSysParamOpt, _ value: Int64) -> aclError {
    status { () throws(Failure) in
        try checkOption(opt, last: 3)
        processOptions.withLock { $0[opt.rawValue] = value }
    }
}

private func checkOption(_ option: aclSysParamOpt, last: UInt32) throws(Failure) {
    guard option.rawValue <= last else {
        throw Failure(
            ErrorCode.invalidParam,
            .unexpected(argument: "opt", value: "\(option.rawValue)", expected: "0 to \(last)"))
    }
}
