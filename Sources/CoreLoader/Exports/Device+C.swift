// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclrtSetDevice(_ deviceId: Int32) -> aclError {
    status { () throws(Failure) in try Device.set(deviceId) }
}

@c @implementation
public func aclrtResetDevice(_ deviceId: Int32) -> aclError {
    status { () throws(Failure) in try Device.reset(deviceId, force: false) }
}

@c @implementation
public func aclrtResetDeviceForce(_ deviceId: Int32) -> aclError {
    status { () throws(Failure) in try Device.reset(deviceId, force: true) }
}

@c @implementation
public func aclrtGetDevice(_ deviceId: UnsafeMutablePointer<Int32>?) -> aclError {
    guard let result = Output(deviceId) else { return failNull("deviceId") }
    return status { () throws(Failure) in
        if let context = try Context.currentOrNil() {
            result.write(context.device.id)
        } else if let device = Initialization.shared.defaultDevice {
            result.write(device)
        } else {
            throw Context.noContext
        }
    }
}

@c @implementation
public func aclrtGetDeviceCount(_ count: UnsafeMutablePointer<UInt32>?) -> aclError {
    guard let result = Output(count) else { return failNull("count") }
    let profile = HostProfile.current
    guard profile.visibleDevices != nil else {
        return fail(
            ErrorCode.rtNoDevice,
            .environment(
                variable: "ASCEND_RT_VISIBLE_DEVICES", value: profile.visibleList ?? "",
                expected: "ascending numbers of devices, below \(profile.realDeviceCount), separated by commas"))
    }
    result.write(UInt32(profile.deviceCount))
    return ErrorCode.success
}

@c @implementation
public func aclrtSynchronizeDevice() -> aclError {
    status { () throws(Failure) in try Context.current().synchronize(until: .never) }
}

@c @implementation
public func aclrtSynchronizeDeviceWithTimeout(_ timeout: Int32) -> aclError {
    status { () throws(Failure) in
        let deadline = try checkedTimeout(timeout)
        try Context.current().synchronize(until: deadline)
    }
}

@c @implementation
public func aclrtSetTsDevice(_ tsId: aclrtTsId) -> aclError {
    guard tsId == ACL_TS_ID_AICORE || tsId == ACL_TS_ID_AIVECTOR else {
        return fail(
            ErrorCode.invalidParam,
            .unexpected(
                argument: "tsId", value: "\(tsId.rawValue)",
                expected: "ACL_TS_ID_AICORE (0) or ACL_TS_ID_AIVECTOR (1)"))
    }
    return ErrorCode.success
}

@c @implementation
public func aclrtGetDeviceUtilizationRate(
    _ deviceId: Int32, _ utilizationInfo: UnsafeMutablePointer<aclrtUtilizationInfo>?
) -> aclError {
    guard let info = unsafe utilizationInfo else { return failNull("utilizationInfo") }
    guard unsafe info.pointee.utilizationExtend == nil else {
        return fail(
            ErrorCode.invalidParam, .reserved(argument: "utilizationExtend", reason: "it is reserved and must be null"))
    }
    unsafe info.pointee.cubeUtilization = -1
    unsafe info.pointee.vectorUtilization = -1
    unsafe info.pointee.aicpuUtilization = -1
    unsafe info.pointee.memoryUtilization = -1
    return ErrorCode.success
}

@c @implementation
public func aclrtQueryDeviceStatus(
    _ deviceId: Int32, _ deviceStatus: UnsafeMutablePointer<aclrtDeviceStatus>?
) -> aclError {
    guard let result = Output(deviceStatus) else { return failNull("deviceStatus") }
    return status { () throws(Failure) in
        _ = try Device.find(deviceId)
        result.write(ACL_RT_DEVICE_STATUS_NORMAL)
    }
}

@c @implementation
public func aclrtGetPrimaryCtxState(
    _ deviceId: Int32, _ flags: UnsafeMutablePointer<UInt32>?, _ active: UnsafeMutablePointer<Int32>?
) -> aclError {
    guard let result = Output(active) else { return failNull("active") }
    guard Output(flags) == nil else {
        return fail(ErrorCode.invalidParam, .reserved(argument: "flags", reason: "it is reserved and must be null"))
    }
    return status { () throws(Failure) in
        let device = try Device.find(deviceId)
        result.write(device.isActive ? 1 : 0)
    }
}

@c @implementation
public func aclrtDeviceGetStreamPriorityRange(
    _ leastPriority: UnsafeMutablePointer<Int32>?, _ greatestPriority: UnsafeMutablePointer<Int32>?
) -> aclError {
    Output(leastPriority)?.write(7)
    Output(greatestPriority)?.write(0)
    return ErrorCode.success
}

@c @implementation
public func aclrtRegDeviceStateCallback(
    _ regName: UnsafePointer<CChar>?, _ callback: aclrtDeviceStateCallback?, _ args: UnsafeMutableRawPointer?
) -> aclError {
    guard let name = text(regName) else { return failNull("regName") }
    let data = address(of: args)
    return status { () throws(Failure) in
        guard let callback = unsafe callback else { return try DeviceCallbacks.shared.set(name, nil) }
        try DeviceCallbacks.shared.set(name) { device, event in
            ForkGate.open { unsafe callback(device, aclrtDeviceState(rawValue: event.rawValue), pointer(to: data)) }
        }
    }
}

/// Milliseconds of a wait: -1 for ever, 0 and less than -1 are refused with 107000.
func checkedTimeout(_ timeout: Int32) throws(Failure) -> Deadline {
    guard timeout > 0 || timeout == -1 else {
        throw Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(
                argument: "timeout", value: "\(timeout)",
                expected: "-1 (no limit) or a positive number of milliseconds",
                layer: .runtime))
    }
    return Deadline(milliseconds: Int64(timeout))
}
