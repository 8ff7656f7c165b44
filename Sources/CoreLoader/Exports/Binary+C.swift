// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

// Device binaries hold machine code of the NPU: a CPU checks the arguments and refuses.

@c @implementation
public func aclrtBinaryLoad(_ binary: aclrtBinary?, _ binHandle: UnsafeMutablePointer<aclrtBinHandle?>?) -> aclError {
    refuse(.deviceCode, .pointer("binary", address(of: binary)), .pointer("binHandle", address(of: binHandle)))
}

@c @implementation
public func aclrtBinaryLoadFromFile(
    _ binPath: UnsafePointer<CChar>?, _ options: UnsafeMutablePointer<aclrtBinaryLoadOptions>?,
    _ binHandle: UnsafeMutablePointer<aclrtBinHandle?>?
) -> aclError {
    refuse(.deviceCode, .pointer("binPath", address(ofText: binPath)), .pointer("binHandle", address(of: binHandle)))
}

@c @implementation
public func aclrtBinaryLoadFromData(
    _ data: UnsafeRawPointer?, _ length: Int, _ options: UnsafePointer<aclrtBinaryLoadOptions>?,
    _ binHandle: UnsafeMutablePointer<aclrtBinHandle?>?
) -> aclError {
    refuse(.deviceCode, .pointer("data", address(of: data)), .pointer("binHandle", address(of: binHandle)))
}

@c @implementation
public func aclrtBinaryUnLoad(_ binHandle: aclrtBinHandle?) -> aclError {
    refuse(.deviceCode, .pointer("binHandle", address(of: binHandle)))
}

@c @implementation
public func aclrtBinaryGetFunction(
    _ binHandle: aclrtBinHandle?, _ kernelName: UnsafePointer<CChar>?,
    _ funcHandle: UnsafeMutablePointer<aclrtFuncHandle?>?
) -> aclError {
    refuse(
        .deviceCode, .pointer("binHandle", address(of: binHandle)), .pointer("kernelName", address(ofText: kernelName)),
        .pointer("funcHandle", address(of: funcHandle)))
}

@c @implementation
public func aclrtBinaryGetFunctionByEntry(
    _ binHandle: aclrtBinHandle?, _ funcEntry: UInt64, _ funcHandle: UnsafeMutablePointer<aclrtFuncHandle?>?
) -> aclError {
    refuse(.deviceCode, .pointer("binHandle", address(of: binHandle)), .pointer("funcHandle", address(of: funcHandle)))
}

@c @implementation
public func aclrtBinaryGetDevAddress(
    _ binHandle: aclrtBinHandle?, _ binAddr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    _ binSize: UnsafeMutablePointer<Int>?
) -> aclError {
    refuse(.deviceCode, .pointer("binHandle", address(of: binHandle)))
}

@c @implementation
public func aclrtBinaryGetGlobal(
    _ binHandle: aclrtBinHandle?, _ name: UnsafePointer<CChar>?,
    _ dptr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ size: UnsafeMutablePointer<Int>?
) -> aclError {
    refuse(
        .deviceCode, .pointer("binHandle", address(of: binHandle)), .pointer("name", address(ofText: name)),
        .either("dptr and size", address(of: dptr), address(of: size)))
}

@c @implementation
public func aclrtBinarySetExceptionCallback(
    _ binHandle: aclrtBinHandle?, _ callback: aclrtOpExceptionCallback?, _ userData: UnsafeMutableRawPointer?
) -> aclError {
    refuse(.deviceCode, .pointer("binHandle", address(of: binHandle)), .function("callback", unsafe callback == nil))
}

@c @implementation
public func aclrtGetFuncBySymbol(
    _ symbol: UnsafeRawPointer?, _ funcHandle: UnsafeMutablePointer<aclrtFuncHandle?>?
) -> aclError {
    refuse(.deviceCode, .pointer("symbol", address(of: symbol)), .pointer("funcHandle", address(of: funcHandle)))
}

@c @implementation
public func aclrtRegisterCpuFunc(
    _ handle: aclrtBinHandle?, _ funcName: UnsafePointer<CChar>?, _ kernelName: UnsafePointer<CChar>?,
    _ funcHandle: UnsafeMutablePointer<aclrtFuncHandle?>?
) -> aclError {
    refuse(
        .deviceCode, .pointer("handle", address(of: handle)), .pointer("funcName", address(ofText: funcName)),
        .pointer("kernelName", address(ofText: kernelName)), .pointer("funcHandle", address(of: funcHandle)))
}

@c @implementation
public func aclrtGetFunctionAddr(
    _ funcHandle: aclrtFuncHandle?, _ aicAddr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    _ aivAddr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> aclError {
    refuse(
        .deviceCode, .pointer("funcHandle", address(of: funcHandle)), .pointer("aicAddr", address(of: aicAddr)),
        .pointer("aivAddr", address(of: aivAddr)))
}

@c @implementation
public func aclrtGetFunctionSize(
    _ funcHandle: aclrtFuncHandle?, _ aicSize: UnsafeMutablePointer<Int>?, _ aivSize: UnsafeMutablePointer<Int>?
) -> aclError {
    refuse(.deviceCode)
}

@c @implementation
public func aclrtGetFunctionName(
    _ funcHandle: aclrtFuncHandle?, _ maxLen: UInt32, _ name: UnsafeMutablePointer<CChar>?
) -> aclError {
    refuse(.deviceCode, .pointer("name", address(of: name)))
}

@c @implementation
public func aclrtGetFunctionAttribute(
    _ funcHandle: aclrtFuncHandle?, _ attrType: aclrtFuncAttribute, _ attrValue: UnsafeMutablePointer<Int64>?
) -> aclError {
    refuse(.deviceCode, .pointer("funcHandle", address(of: funcHandle)), .pointer("attrValue", address(of: attrValue)))
}

@c @implementation
public func aclrtFunctionGetBinary(
    _ funcHandle: aclrtFuncHandle?, _ binHandle: UnsafeMutablePointer<aclrtBinHandle?>?
) -> aclError {
    refuse(.deviceCode)
}

@c @implementation
public func aclrtFunctionGetParamCount(
    _ `func`: UnsafeRawPointer?, _ paramCount: UnsafeMutablePointer<Int>?
) -> aclError {
    refuse(.deviceCode, .pointer("func", address(of: `func`)), .pointer("paramCount", address(of: paramCount)))
}

@c @implementation
public func aclrtFunctionGetParamInfo(
    _ `func`: UnsafeRawPointer?, _ paramIndex: Int, _ paramOffset: UnsafeMutablePointer<Int>?,
    _ paramSize: UnsafeMutablePointer<Int>?
) -> aclError {
    refuse(
        .deviceCode, .pointer("func", address(of: `func`)),
        .either("paramOffset and paramSize", address(of: paramOffset), address(of: paramSize)))
}

@c @implementation
public func aclrtFunctionGetAvailDynUbufPerBlock(
    _ `func`: UnsafeMutableRawPointer?, _ flags: UInt32, _ dynamicUbufSize: UnsafeMutablePointer<Int>?
) -> aclError {
    refuse(
        .deviceCode, .pointer("func", address(of: `func`)), .pointer("dynamicUbufSize", address(of: dynamicUbufSize)),
        .reserved("flags", flags == 0))
}
