// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

// Registers, labels and switches of the hardware: a CPU checks the arguments and refuses.

@c @implementation
public func aclrtGetFloatOverflowStatus(
    _ outputAddr: UnsafeMutableRawPointer?, _ outputSize: UInt64, _ stream: aclrtStream?
) -> aclError {
    refuse(.hardware)
}

@c @implementation
public func aclrtResetFloatOverflowStatus(_ stream: aclrtStream?) -> aclError {
    refuse(.hardware)
}

@c @implementation
public func aclrtNpuGetFloatOverFlowStatus(
    _ outputAddr: UnsafeMutableRawPointer?, _ outputSize: UInt64, _ checkMode: UInt32, _ stream: aclrtStream?
) -> aclError {
    refuse(.hardware)
}

@c @implementation
public func aclrtNpuClearFloatOverFlowStatus(_ checkMode: UInt32, _ stream: aclrtStream?) -> aclError {
    refuse(.hardware)
}

@c @implementation
public func aclrtCtxGetFloatOverflowAddr(_ overflowAddr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?) -> aclError {
    refuse(.hardware)
}

@c @implementation
public func aclrtGetHardwareSyncAddr(_ addr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?) -> aclError {
    refuse(.hardware)
}

@c @implementation
public func aclrtStreamStop(_ stream: aclrtStream?) -> aclError {
    refuse(.hardware)
}

@c @implementation
public func aclrtPersistentTaskClean(_ stream: aclrtStream?) -> aclError {
    refuse(.hardware)
}

@c @implementation
public func aclrtActiveStream(_ activeStream: aclrtStream?, _ stream: aclrtStream?) -> aclError {
    refuse(.hardware, .pointer("activeStream", address(of: activeStream)), .pointer("stream", address(of: stream)))
}

@c @implementation
public func aclrtSwitchStream(
    _ leftValue: UnsafeMutableRawPointer?, _ cond: aclrtCondition, _ rightValue: UnsafeMutableRawPointer?,
    _ dataType: aclrtCompareDataType, _ trueStream: aclrtStream?, _ falseStream: aclrtStream?, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .hardware, .pointer("leftValue", address(of: leftValue)), .pointer("rightValue", address(of: rightValue)),
        .pointer("trueStream", address(of: trueStream)), .pointer("stream", address(of: stream)),
        .reserved("falseStream", address(of: falseStream) == 0))
}

@c @implementation
public func aclrtCreateLabel(_ label: UnsafeMutablePointer<aclrtLabel?>?) -> aclError {
    refuse(.hardware, .pointer("label", address(of: label)))
}

@c @implementation
public func aclrtSetLabel(_ label: aclrtLabel?, _ stream: aclrtStream?) -> aclError {
    refuse(.hardware, .pointer("label", address(of: label)), .pointer("stream", address(of: stream)))
}

@c @implementation
public func aclrtDestroyLabel(_ label: aclrtLabel?) -> aclError {
    refuse(.hardware, .pointer("label", address(of: label)))
}

@c @implementation
public func aclrtCreateLabelList(
    _ labels: UnsafeMutablePointer<aclrtLabel?>?, _ num: Int, _ labelList: UnsafeMutablePointer<aclrtLabelList?>?
) -> aclError {
    refuse(.hardware, .pointer("labels", address(of: labels)), .pointer("labelList", address(of: labelList)))
}

@c @implementation
public func aclrtDestroyLabelList(_ labelList: aclrtLabelList?) -> aclError {
    refuse(.hardware, .pointer("labelList", address(of: labelList)))
}

@c @implementation
public func aclrtSwitchLabelByIndex(
    _ ptr: UnsafeMutableRawPointer?, _ maxValue: UInt32, _ labelList: aclrtLabelList?, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .hardware, .pointer("ptr", address(of: ptr)), .pointer("labelList", address(of: labelList)),
        .pointer("stream", address(of: stream)))
}

@c @implementation
public func aclrtTaskUpdateAsync(
    _ taskStream: aclrtStream?, _ taskId: UInt32, _ info: UnsafeMutablePointer<aclrtTaskUpdateInfo>?,
    _ execStream: aclrtStream?
) -> aclError {
    refuse(.hardware, .pointer("info", address(of: info)))
}
