// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

// Operators outside a model: the pointers are checked, the work is refused.

@c @implementation
public func aclopSetModelDir(_ modelDir: UnsafePointer<CChar>?) -> aclError {
    refuse(.singleOperators, .pointer("modelDir", address(ofText: modelDir)))
}

@c @implementation
public func aclopLoad(_ model: UnsafeRawPointer?, _ modelSize: Int) -> aclError {
    refuse(.singleOperators, .pointer("model", address(of: model)))
}

@c @implementation
public func aclopExecute(
    _ opType: UnsafePointer<CChar>?, _ numInputs: Int32, _ inputDesc: UnsafePointer<OpaquePointer?>?,
    _ inputs: UnsafePointer<OpaquePointer?>?, _ numOutputs: Int32, _ outputDesc: UnsafePointer<OpaquePointer?>?,
    _ outputs: UnsafePointer<OpaquePointer?>?, _ attr: OpaquePointer?, _ stream: aclrtStream?
) -> aclError {
    refuse(.singleOperators, .pointer("opType", address(ofText: opType)))
}

@c @implementation
public func aclopExecuteV2(
    _ opType: UnsafePointer<CChar>?, _ numInputs: Int32, _ inputDesc: UnsafeMutablePointer<OpaquePointer?>?,
    _ inputs: UnsafeMutablePointer<OpaquePointer?>?, _ numOutputs: Int32,
    _ outputDesc: UnsafeMutablePointer<OpaquePointer?>?, _ outputs: UnsafeMutablePointer<OpaquePointer?>?,
    _ attr: OpaquePointer?, _ stream: aclrtStream?
) -> aclError {
    refuse(.singleOperators, .pointer("opType", address(ofText: opType)))
}

@c @implementation
public func aclopCreateHandle(
    _ opType: UnsafePointer<CChar>?, _ numInputs: Int32, _ inputDesc: UnsafePointer<OpaquePointer?>?,
    _ numOutputs: Int32, _ outputDesc: UnsafePointer<OpaquePointer?>?, _ opAttr: OpaquePointer?,
    _ handle: UnsafeMutablePointer<OpaquePointer?>?
) -> aclError {
    refuse(.singleOperators, .pointer("opType", address(ofText: opType)), .pointer("handle", address(of: handle)))
}

@c @implementation
public func aclopExecWithHandle(
    _ handle: OpaquePointer?, _ numInputs: Int32, _ inputs: UnsafePointer<OpaquePointer?>?, _ numOutputs: Int32,
    _ outputs: UnsafePointer<OpaquePointer?>?, _ stream: aclrtStream?
) -> aclError {
    refuse(.singleOperators, .pointer("handle", address(of: handle)))
}

@c @implementation
public func aclopCast(
    _ srcDesc: OpaquePointer?, _ srcBuffer: OpaquePointer?, _ dstDesc: OpaquePointer?, _ dstBuffer: OpaquePointer?,
    _ truncate: UInt8, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .singleOperators,
        .pointer("srcDesc", address(of: srcDesc)), .pointer("srcBuffer", address(of: srcBuffer)),
        .pointer("dstDesc", address(of: dstDesc)), .pointer("dstBuffer", address(of: dstBuffer)))
}

@c @implementation
public func aclopCreateHandleForCast(
    _ srcDesc: OpaquePointer?, _ dstDesc: OpaquePointer?, _ truncate: UInt8,
    _ handle: UnsafeMutablePointer<OpaquePointer?>?
) -> aclError {
    refuse(
        .singleOperators,
        .pointer("srcDesc", address(of: srcDesc)), .pointer("dstDesc", address(of: dstDesc)),
        .pointer("handle", address(of: handle)))
}

@c @implementation
public func aclopCreateKernel(
    _ opType: UnsafePointer<CChar>?, _ kernelId: UnsafePointer<CChar>?, _ kernelName: UnsafePointer<CChar>?,
    _ binData: UnsafeMutableRawPointer?, _ binSize: Int32, _ enginetype: aclopEngineType,
    _ deallocator: aclDataDeallocator?
) -> aclError {
    refuse(
        .singleOperators,
        .pointer("opType", address(ofText: opType)), .pointer("kernelId", address(ofText: kernelId)),
        .pointer("kernelName", address(ofText: kernelName)), .pointer("binData", address(of: binData)))
}

@c @implementation
public func aclopRegisterCompileFunc(_ opType: UnsafePointer<CChar>?, _ `func`: aclopCompileFunc?) -> aclError {
    refuse(.singleOperators, .pointer("opType", address(ofText: opType)), .function("func", unsafe `func` == nil))
}

@c @implementation
public func aclopUnregisterCompileFunc(_ opType: UnsafePointer<CChar>?) -> aclError {
    refuse(.singleOperators, .pointer("opType", address(ofText: opType)))
}

@c @implementation
public func aclopSetKernelArgs(
    _ kernelDesc: OpaquePointer?, _ kernelId: UnsafePointer<CChar>?, _ blockDim: UInt32, _ args: UnsafeRawPointer?,
    _ argSize: UInt32
) -> aclError {
    refuse(
        .singleOperators,
        .pointer("kernelDesc", address(of: kernelDesc)), .pointer("kernelId", address(ofText: kernelId)),
        .pointer("args", address(of: args)))
}

@c @implementation
public func aclopSetKernelWorkspaceSizes(
    _ kernelDesc: OpaquePointer?, _ numWorkspaces: Int32, _ workspaceSizes: UnsafeMutablePointer<Int>?
) -> aclError {
    refuse(.singleOperators, .pointer("kernelDesc", address(of: kernelDesc)))
}

@c @implementation
public func aclopUpdateParams(
    _ opType: UnsafePointer<CChar>?, _ numInputs: Int32, _ inputDesc: UnsafePointer<OpaquePointer?>?,
    _ numOutputs: Int32, _ outputDesc: UnsafePointer<OpaquePointer?>?, _ attr: OpaquePointer?
) -> aclError {
    refuse(.singleOperators, .pointer("opType", address(ofText: opType)))
}

@c @implementation
public func aclopSetMaxOpQueueNum(_ maxOpNum: UInt64) -> aclError {
    refuse(.singleOperators)
}

@c @implementation
public func aclopInferShape(
    _ opType: UnsafePointer<CChar>?, _ numInputs: Int32, _ inputDesc: UnsafeMutablePointer<OpaquePointer?>?,
    _ inputs: UnsafeMutablePointer<OpaquePointer?>?, _ numOutputs: Int32,
    _ outputDesc: UnsafeMutablePointer<OpaquePointer?>?, _ attr: OpaquePointer?
) -> aclError {
    refuse(.singleOperators, .pointer("opType", address(ofText: opType)))
}

@c @implementation
public func aclopDestroyHandle(_ handle: OpaquePointer?) {
    // There are none, as aclopCreateHandle refuses.
    if !Handle(handle).isNull { _ = refuse(.singleOperators) }
}
