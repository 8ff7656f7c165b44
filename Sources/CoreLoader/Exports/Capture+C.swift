// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

/// No stream is ever captured here; programs ask in ordinary runs, too.
@c @implementation
public func aclmdlRICaptureGetInfo(
    _ stream: aclrtStream?, _ status: UnsafeMutablePointer<aclmdlRICaptureStatus>?,
    _ modelRI: UnsafeMutablePointer<aclmdlRI?>?
) -> aclError {
    let handle = Handle(stream)
    let (state, model) = (Output(status), PointerOutput(modelRI))
    guard !handle.isNull else { return failNull("stream") }
    guard state != nil || model != nil else { return failNull("status and modelRI") }
    return CoreLoader.status { () throws(Failure) in
        _ = try Stream.find(handle)
        state?.write(ACL_MODEL_RI_CAPTURE_STATUS_NONE)
        model?.write(nil)
    }
}

@c @implementation
public func aclmdlRICaptureThreadExchangeMode(_ mode: UnsafeMutablePointer<aclmdlRICaptureMode>?) -> aclError {
    guard let mode = unsafe mode else { return failNull("mode") }
    let wanted = unsafe mode.pointee.rawValue
    guard wanted <= ACL_MODEL_RI_CAPTURE_MODE_RELAXED.rawValue else {
        return fail(
            ErrorCode.rtParamInvalid,
            .unexpected(argument: "mode", value: "\(wanted)", expected: "0 to 2", layer: .runtime))
    }
    let thread = ThreadState.current
    unsafe mode.pointee = aclmdlRICaptureMode(rawValue: thread.captureMode)
    thread.captureMode = wanted
    return ErrorCode.success
}

// MARK: - Random numbers

@c @implementation
public func aclrtRandomNumAsync(
    _ taskInfo: UnsafePointer<aclrtRandomNumTaskInfo>?, _ stream: aclrtStream?, _ reserve: UnsafeMutableRawPointer?
) -> aclError {
    let isReservedUsed = address(of: reserve) != 0
    guard let type = unsafe taskInfo?.pointee.dataType else { return failNull("taskInfo") }
    let types = [
        ACL_INT32, ACL_INT64, ACL_UINT32, ACL_UINT64, ACL_BF16, ACL_FLOAT16, ACL_FLOAT,
    ]
    guard types.contains(type) else {
        return fail(
            ErrorCode.invalidParam,
            .unexpected(
                argument: "taskInfo->dataType", value: "\(type.rawValue)",
                expected: "INT32, INT64, UINT32, UINT64, BF16, FLOAT16 or FLOAT"))
    }
    guard !isReservedUsed else {
        return fail(ErrorCode.rtParamInvalid, .reserved(argument: "reserve", reason: "it is reserved and must be null"))
    }
    return fail(
        ErrorCode.rtFeatureNotSupport, .unsupported("The random number generator of the hardware does not exist here"))
}

// MARK: - Device binaries

/// The address and the size of a binary, which is never looked into.
final class Binary: Sendable {
    static let table = HandleTable<Binary>(.binary)
}

@c @implementation
public func aclrtCreateBinary(_ data: UnsafeRawPointer?, _ dataLen: Int) -> aclrtBinary? {
    guard address(of: data) != 0 else {
        _ = failNull("data")
        return nil
    }
    return rawPointer(Binary.table.create(Binary()))
}

@c @implementation
public func aclrtDestroyBinary(_ binary: aclrtBinary?) -> aclError {
    let handle = Handle(binary)
    guard !handle.isNull else { return failNull("binary") }
    guard Binary.table.remove(handle) != nil else { return failHandle(handle, Binary.table, "binary") }
    return ErrorCode.success
}

// MARK: - Undeclared names that libraries of the original export

@c
public func aclrtSetDeviceWithoutTsdVXX(_ deviceId: Int32) -> aclError { failUndeclared() }

@c
public func aclrtResetDeviceWithoutTsdVXX(_ deviceId: Int32) -> aclError { failUndeclared() }

private func failUndeclared(function: StaticString = #function) -> aclError {
    fail(
        ErrorCode.apiNotSupport, .unsupported("Only chips of the Ascend910 family have this function"),
        function: function)
}
