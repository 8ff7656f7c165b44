// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

// Launching kernels needs an NPU: a CPU checks the arguments and refuses.

@c @implementation
public func aclrtKernelArgsInit(
    _ funcHandle: aclrtFuncHandle?, _ argsHandle: UnsafeMutablePointer<aclrtArgsHandle?>?
) -> aclError {
    refuse(
        .deviceCode, .pointer("funcHandle", address(of: funcHandle)), .pointer("argsHandle", address(of: argsHandle)))
}

@c @implementation
public func aclrtKernelArgsInitByUserMem(
    _ funcHandle: aclrtFuncHandle?, _ argsHandle: aclrtArgsHandle?, _ userHostMem: UnsafeMutableRawPointer?,
    _ actualArgsSize: Int
) -> aclError {
    refuse(
        .deviceCode, .pointer("funcHandle", address(of: funcHandle)), .pointer("argsHandle", address(of: argsHandle)),
        .pointer("userHostMem", address(of: userHostMem)), .positive("actualArgsSize", actualArgsSize))
}

@c @implementation
public func aclrtKernelArgsGetMemSize(
    _ funcHandle: aclrtFuncHandle?, _ userArgsSize: Int, _ actualArgsSize: UnsafeMutablePointer<Int>?
) -> aclError {
    refuse(
        .deviceCode, .pointer("funcHandle", address(of: funcHandle)),
        .pointer("actualArgsSize", address(of: actualArgsSize)))
}

@c @implementation
public func aclrtKernelArgsGetHandleMemSize(
    _ funcHandle: aclrtFuncHandle?, _ memSize: UnsafeMutablePointer<Int>?
) -> aclError {
    refuse(.deviceCode, .pointer("funcHandle", address(of: funcHandle)), .pointer("memSize", address(of: memSize)))
}

@c @implementation
public func aclrtKernelArgsAppend(
    _ argsHandle: aclrtArgsHandle?, _ param: UnsafeMutableRawPointer?, _ paramSize: Int,
    _ paramHandle: UnsafeMutablePointer<aclrtParamHandle?>?
) -> aclError {
    refuse(
        .deviceCode, .pointer("argsHandle", address(of: argsHandle)), .pointer("param", address(of: param)),
        .positive("paramSize", paramSize), .pointer("paramHandle", address(of: paramHandle)))
}

@c @implementation
public func aclrtKernelArgsAppendPlaceHolder(
    _ argsHandle: aclrtArgsHandle?, _ paramHandle: UnsafeMutablePointer<aclrtParamHandle?>?
) -> aclError {
    refuse(
        .deviceCode, .pointer("argsHandle", address(of: argsHandle)), .pointer("paramHandle", address(of: paramHandle)))
}

@c @implementation
public func aclrtKernelArgsGetPlaceHolderBuffer(
    _ argsHandle: aclrtArgsHandle?, _ paramHandle: aclrtParamHandle?, _ dataSize: Int,
    _ bufferAddr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> aclError {
    refuse(
        .deviceCode, .pointer("argsHandle", address(of: argsHandle)), .pointer("paramHandle", address(of: paramHandle)),
        .positive("dataSize", dataSize), .pointer("bufferAddr", address(of: bufferAddr)))
}

@c @implementation
public func aclrtKernelArgsParaUpdate(
    _ argsHandle: aclrtArgsHandle?, _ paramHandle: aclrtParamHandle?, _ param: UnsafeMutableRawPointer?,
    _ paramSize: Int
) -> aclError {
    refuse(
        .deviceCode, .pointer("argsHandle", address(of: argsHandle)), .pointer("paramHandle", address(of: paramHandle)),
        .pointer("param", address(of: param)), .positive("paramSize", paramSize))
}

@c @implementation
public func aclrtKernelArgsFinalize(_ argsHandle: aclrtArgsHandle?) -> aclError {
    refuse(.deviceCode, .pointer("argsHandle", address(of: argsHandle)))
}

@c @implementation
public func aclrtLaunchKernel(
    _ funcHandle: aclrtFuncHandle?, _ numBlocks: UInt32, _ argsData: UnsafeRawPointer?, _ argsSize: Int,
    _ stream: aclrtStream?
) -> aclError {
    refuse(.deviceCode, .pointer("funcHandle", address(of: funcHandle)), .pointer("argsData", address(of: argsData)))
}

@c @implementation
public func aclrtLaunchKernelV2(
    _ funcHandle: aclrtFuncHandle?, _ numBlocks: UInt32, _ argsData: UnsafeRawPointer?, _ argsSize: Int,
    _ cfg: UnsafeMutablePointer<aclrtLaunchKernelCfg>?, _ stream: aclrtStream?
) -> aclError {
    refuse(.deviceCode, .pointer("funcHandle", address(of: funcHandle)), .pointer("argsData", address(of: argsData)))
}

@c @implementation
public func aclrtLaunchKernelWithConfig(
    _ funcHandle: aclrtFuncHandle?, _ numBlocks: UInt32, _ stream: aclrtStream?,
    _ cfg: UnsafeMutablePointer<aclrtLaunchKernelCfg>?, _ argsHandle: aclrtArgsHandle?,
    _ reserve: UnsafeMutableRawPointer?
) -> aclError {
    refuse(
        .deviceCode, .pointer("funcHandle", address(of: funcHandle)), .positive("numBlocks", numBlocks),
        .pointer("argsHandle", address(of: argsHandle)), .reserved("reserve", address(of: reserve) == 0))
}

@c @implementation
public func aclrtLaunchKernelWithHostArgs(
    _ funcHandle: aclrtFuncHandle?, _ numBlocks: UInt32, _ stream: aclrtStream?,
    _ cfg: UnsafeMutablePointer<aclrtLaunchKernelCfg>?, _ hostArgs: UnsafeMutableRawPointer?, _ argsSize: Int,
    _ placeHolderArray: UnsafeMutablePointer<aclrtPlaceHolderInfo>?, _ placeHolderNum: Int
) -> aclError {
    refuse(.deviceCode, .pointer("funcHandle", address(of: funcHandle)), .pointer("hostArgs", address(of: hostArgs)))
}

@c @implementation
public func aclrtLaunchKernelWithArgsArray(
    _ `func`: UnsafeMutableRawPointer?, _ numBlocks: UInt32, _ stream: aclrtStream?,
    _ cfg: UnsafeMutablePointer<aclrtLaunchKernelCfg>?, _ args: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> aclError {
    refuse(.deviceCode, .pointer("func", address(of: `func`)), .positive("numBlocks", numBlocks))
}

@c @implementation
public func aclrtLaunchSIMTKernelWithArgsArray(
    _ `func`: UnsafeMutableRawPointer?, _ gridDim: dim3, _ blockDim: dim3, _ dynUbufSize: Int, _ stream: aclrtStream?,
    _ cfg: UnsafeMutablePointer<aclrtLaunchKernelCfg>?, _ args: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> aclError {
    refuse(.deviceCode, .pointer("func", address(of: `func`)))
}

@c @implementation
public func aclrtLaunchSIMTKernelWithHostArgs(
    _ `func`: UnsafeMutableRawPointer?, _ gridDim: dim3, _ blockDim: dim3, _ dynUbufSize: Int, _ stream: aclrtStream?,
    _ cfg: UnsafeMutablePointer<aclrtLaunchKernelCfg>?, _ hostArgs: UnsafeMutableRawPointer?, _ argsSize: Int,
    _ placeHolderArray: UnsafeMutablePointer<aclrtPlaceHolderInfo>?, _ placeHolderNum: Int
) -> aclError {
    refuse(
        .deviceCode, .pointer("func", address(of: `func`)), .pointer("hostArgs", address(of: hostArgs)),
        .positive("argsSize", argsSize))
}
