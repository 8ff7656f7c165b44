// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

// Capturing streams and building models out of tasks: a CPU checks the arguments and refuses.

@c @implementation
public func aclmdlRICaptureBegin(_ stream: aclrtStream?, _ mode: aclmdlRICaptureMode) -> aclError {
    refuse(.taskGraphs, .pointer("stream", address(of: stream)))
}

@c @implementation
public func aclmdlRICaptureToModelRIBegin(
    _ stream: aclrtStream?, _ modelRI: aclmdlRI?, _ mode: aclmdlRICaptureMode
) -> aclError {
    refuse(.taskGraphs, .pointer("stream", address(of: stream)), .pointer("modelRI", address(of: modelRI)))
}

@c @implementation
public func aclmdlRICaptureEnd(_ stream: aclrtStream?, _ modelRI: UnsafeMutablePointer<aclmdlRI?>?) -> aclError {
    refuse(.taskGraphs, .pointer("stream", address(of: stream)))
}

@c @implementation
public func aclmdlRICaptureTaskGrpBegin(_ stream: aclrtStream?) -> aclError {
    refuse(.taskGraphs, .pointer("stream", address(of: stream)))
}

@c @implementation
public func aclmdlRICaptureTaskGrpEnd(
    _ stream: aclrtStream?, _ handle: UnsafeMutablePointer<aclrtTaskGrp?>?
) -> aclError {
    refuse(.taskGraphs, .pointer("stream", address(of: stream)), .pointer("handle", address(of: handle)))
}

@c @implementation
public func aclmdlRICaptureTaskUpdateBegin(_ stream: aclrtStream?, _ handle: aclrtTaskGrp?) -> aclError {
    refuse(.taskGraphs, .pointer("stream", address(of: stream)), .pointer("handle", address(of: handle)))
}

@c @implementation
public func aclmdlRICaptureTaskUpdateEnd(_ stream: aclrtStream?) -> aclError {
    refuse(.taskGraphs, .pointer("stream", address(of: stream)))
}

@c @implementation
public func aclmdlRIBuildBegin(_ modelRI: UnsafeMutablePointer<aclmdlRI?>?, _ flag: UInt32) -> aclError {
    refuse(.taskGraphs, .pointer("modelRI", address(of: modelRI)))
}

@c @implementation
public func aclmdlRIBindStream(_ modelRI: aclmdlRI?, _ stream: aclrtStream?, _ flag: UInt32) -> aclError {
    refuse(.taskGraphs, .pointer("modelRI", address(of: modelRI)))
}

@c @implementation
public func aclmdlRIEndTask(_ modelRI: aclmdlRI?, _ stream: aclrtStream?) -> aclError {
    refuse(.taskGraphs, .pointer("modelRI", address(of: modelRI)))
}

@c @implementation
public func aclmdlRIBuildEnd(_ modelRI: aclmdlRI?, _ reserve: UnsafeMutableRawPointer?) -> aclError {
    refuse(.taskGraphs, .reserved("reserve", address(of: reserve) == 0))
}

@c @implementation
public func aclmdlRIUnbindStream(_ modelRI: aclmdlRI?, _ stream: aclrtStream?) -> aclError {
    refuse(.taskGraphs, .pointer("modelRI", address(of: modelRI)))
}

@c @implementation
public func aclmdlRIExecute(_ modelRI: aclmdlRI?, _ timeout: Int32) -> aclError {
    refuse(.taskGraphs, .pointer("modelRI", address(of: modelRI)))
}

@c @implementation
public func aclmdlRIExecuteAsync(_ modelRI: aclmdlRI?, _ stream: aclrtStream?) -> aclError {
    refuse(.taskGraphs, .pointer("modelRI", address(of: modelRI)))
}

@c @implementation
public func aclmdlRIAbort(_ modelRI: aclmdlRI?) -> aclError {
    refuse(.taskGraphs)
}

@c @implementation
public func aclmdlRIDestroy(_ modelRI: aclmdlRI?) -> aclError {
    refuse(.taskGraphs, .pointer("modelRI", address(of: modelRI)))
}

@c @implementation
public func aclmdlRIUpdate(_ modelRI: aclmdlRI?) -> aclError {
    refuse(.taskGraphs)
}

@c @implementation
public func aclmdlRISetName(_ modelRI: aclmdlRI?, _ name: UnsafePointer<CChar>?) -> aclError {
    refuse(.taskGraphs, .pointer("modelRI", address(of: modelRI)), .pointer("name", address(ofText: name)))
}

@c @implementation
public func aclmdlRIGetName(_ modelRI: aclmdlRI?, _ maxLen: UInt32, _ name: UnsafeMutablePointer<CChar>?) -> aclError {
    refuse(.taskGraphs, .pointer("modelRI", address(of: modelRI)), .pointer("name", address(of: name)))
}

@c @implementation
public func aclmdlRIGetId(_ modelRI: aclmdlRI?, _ modelRIId: UnsafeMutablePointer<UInt32>?) -> aclError {
    refuse(.taskGraphs, .pointer("modelRI", address(of: modelRI)), .pointer("modelRIId", address(of: modelRIId)))
}

@c @implementation
public func aclmdlRIDebugPrint(_ modelRI: aclmdlRI?) -> aclError {
    refuse(.taskGraphs, .pointer("modelRI", address(of: modelRI)))
}

@c @implementation
public func aclmdlRIDebugJsonPrint(_ modelRI: aclmdlRI?, _ path: UnsafePointer<CChar>?, _ flags: UInt32) -> aclError {
    refuse(.taskGraphs, .pointer("modelRI", address(of: modelRI)), .pointer("path", address(ofText: path)))
}

@c @implementation
public func aclmdlRIDestroyRegisterCallback(
    _ modelRI: aclmdlRI?, _ `func`: aclrtCallback?, _ userData: UnsafeMutableRawPointer?
) -> aclError {
    refuse(.taskGraphs)
}

@c @implementation
public func aclmdlRIDestroyUnregisterCallback(_ modelRI: aclmdlRI?, _ `func`: aclrtCallback?) -> aclError {
    refuse(.taskGraphs)
}

@c @implementation
public func aclmdlRIGetStreams(
    _ modelRI: aclmdlRI?, _ streams: UnsafeMutablePointer<aclrtStream?>?, _ numStreams: UnsafeMutablePointer<UInt32>?
) -> aclError {
    refuse(.taskGraphs)
}

@c @implementation
public func aclmdlRIGetTasksByStream(
    _ stream: aclrtStream?, _ tasks: UnsafeMutablePointer<aclmdlRITask?>?, _ numTasks: UnsafeMutablePointer<UInt32>?
) -> aclError {
    refuse(.taskGraphs)
}

@c @implementation
public func aclmdlRITaskGetType(_ task: aclmdlRITask?, _ type: UnsafeMutablePointer<aclmdlRITaskType>?) -> aclError {
    refuse(.taskGraphs)
}

@c @implementation
public func aclmdlRITaskGetSeqId(_ task: aclmdlRITask?, _ id: UnsafeMutablePointer<UInt32>?) -> aclError {
    refuse(.taskGraphs)
}

@c @implementation
public func aclmdlRITaskGetParams(
    _ task: aclmdlRITask?, _ params: UnsafeMutablePointer<aclmdlRITaskParams>?
) -> aclError {
    refuse(.taskGraphs)
}

@c @implementation
public func aclmdlRITaskSetParams(
    _ task: aclmdlRITask?, _ params: UnsafeMutablePointer<aclmdlRITaskParams>?
) -> aclError {
    refuse(.taskGraphs)
}

@c @implementation
public func aclmdlRITaskDisable(_ task: aclmdlRITask?) -> aclError {
    refuse(.taskGraphs)
}

@c @implementation
public func aclmdlRIKernelTaskGetAttribute(
    _ task: aclmdlRITask?, _ attrId: aclrtLaunchKernelAttrId,
    _ attrValue: UnsafeMutablePointer<aclrtLaunchKernelAttrValue>?
) -> aclError {
    refuse(.taskGraphs, .pointer("task", address(of: task)), .pointer("attrValue", address(of: attrValue)))
}

@c @implementation
public func aclmdlRICondHandleCreate(
    _ modelRI: aclmdlRI?, _ defaultLaunchValue: UInt32, _ flag: aclmdlRICondHandleFlag,
    _ handle: UnsafeMutablePointer<aclmdlRICondHandle?>?
) -> aclError {
    refuse(.taskGraphs, .pointer("modelRI", address(of: modelRI)), .pointer("handle", address(of: handle)))
}

@c @implementation
public func aclmdlRICondHandleGetCondPtr(
    _ handle: aclmdlRICondHandle?, _ ptr: UnsafeMutablePointer<UnsafeMutablePointer<UInt64>?>?
) -> aclError {
    refuse(.taskGraphs, .pointer("handle", address(of: handle)), .pointer("ptr", address(of: ptr)))
}

@c @implementation
public func aclmdlRIAddCondTask(_ params: aclmdlRICondTaskParams, _ stream: aclrtStream?, _ flags: UInt32) -> aclError {
    refuse(.taskGraphs, .pointer("stream", address(of: stream)))
}
