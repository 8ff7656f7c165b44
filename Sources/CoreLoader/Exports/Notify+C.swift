// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclrtCreateNotify(_ notify: UnsafeMutablePointer<aclrtNotify?>?, _ flag: UInt64) -> aclError {
    guard let result = PointerOutput(notify) else { return failNull("notify") }
    return status { () throws(Failure) in
        guard flag <= 1 else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(argument: "flag", value: "\(flag)", expected: "0 or 1", layer: .runtime))
        }
        let created = try Notify.make()
        result.write(created)
    }
}

@c @implementation
public func aclrtDestroyNotify(_ notify: aclrtNotify?) -> aclError {
    let handle = Handle(notify)
    guard !handle.isNull else { return failNull("notify") }
    return status { () throws(Failure) in
        _ = try Notify.find(handle)
        _ = try Context.current()
        guard Notify.table.remove(handle) == nil else { return }
        _ = try Notify.find(handle)
    }
}

@c @implementation
public func aclrtRecordNotify(_ notify: aclrtNotify?, _ stream: aclrtStream?) -> aclError {
    let (handle, streamHandle) = (Handle(notify), Handle(stream))
    guard !handle.isNull else { return failNull("notify") }
    return status { () throws(Failure) in
        let found = try Notify.find(handle)
        try found.record(on: Stream.findOwn(streamHandle))
    }
}

@c @implementation
public func aclrtWaitAndResetNotify(_ notify: aclrtNotify?, _ stream: aclrtStream?, _ timeout: UInt32) -> aclError {
    let (handle, streamHandle) = (Handle(notify), Handle(stream))
    guard !handle.isNull else { return failNull("notify") }
    return status { () throws(Failure) in
        let found = try Notify.find(handle)
        try found.waitAndReset(on: Stream.findOwn(streamHandle), timeoutSeconds: timeout)
    }
}

@c @implementation
public func aclrtGetNotifyId(_ notify: aclrtNotify?, _ notifyId: UnsafeMutablePointer<UInt32>?) -> aclError {
    let handle = Handle(notify)
    guard !handle.isNull else { return failNull("notify") }
    guard let result = Output(notifyId) else { return failNull("notifyId") }
    return status { () throws(Failure) in
        let found = try Notify.find(handle)
        result.write(found.id)
    }
}

@c @implementation
public func aclrtNotifyBatchReset(_ notifies: UnsafeMutablePointer<aclrtNotify?>?, _ num: Int) -> aclError {
    guard let list = unsafe notifies else { return failNull("notifies") }
    return status { () throws(Failure) in
        // The original cuts the number to 32 bits; a number beyond that is a mistake here.
        guard num > 0, num <= Int(UInt32.max) else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(argument: "num", value: "\(size(num))", expected: "1 to \(UInt32.max)", layer: .runtime))
        }
        _ = try Context.current()
        for index in 0..<num {
            // The caller vouches for the length of its list.
            try Notify.find(Handle(unsafe list[index])).reset()
        }
    }
}

/// Notifies are not shared between processes here, so there is no list of processes to keep.
@c @implementation
public func aclrtNotifySetImportPid(
    _ notify: aclrtNotify?, _ pid: UnsafeMutablePointer<Int32>?, _ num: Int
) -> aclError {
    let handle = Handle(notify)
    guard !handle.isNull else { return failNull("notify") }
    guard address(of: pid) != 0 else { return failNull("pid") }
    return status { () throws(Failure) in
        guard num > 0 else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(argument: "num", value: "\(size(num))", expected: "more than 0", layer: .runtime))
        }
        _ = try Notify.find(handle)
    }
}
