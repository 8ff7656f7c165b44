// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

// Sharing that needs hardware links, and process snapshots: a CPU checks the arguments and refuses.

@c @implementation
public func aclrtMemExportToShareableHandleV2(
    _ handle: aclrtDrvMemHandle?, _ flags: UInt64, _ shareType: aclrtMemSharedHandleType,
    _ shareableHandle: UnsafeMutableRawPointer?
) -> aclError {
    refuse(.links, .pointer("handle", address(of: handle)), .pointer("shareableHandle", address(of: shareableHandle)))
}

@c @implementation
public func aclrtMemImportFromShareableHandleV2(
    _ shareableHandle: UnsafeMutableRawPointer?, _ shareType: aclrtMemSharedHandleType, _ flags: UInt64,
    _ handle: UnsafeMutablePointer<aclrtDrvMemHandle?>?
) -> aclError {
    refuse(
        .links, .pointer("shareableHandle", address(of: shareableHandle)), .pointer("handle", address(of: handle)),
        .reserved("flags", flags == 0))
}

@c @implementation
public func aclrtMemMapSetLink(_ handle: aclrtDrvMemHandle?, _ adviceLink: aclrtMemLinkType) -> aclError {
    refuse(.links, .pointer("handle", address(of: handle)))
}

@c @implementation
public func aclrtNotifyGetExportKey(
    _ notify: aclrtNotify?, _ key: UnsafeMutablePointer<CChar>?, _ len: Int, _ flags: UInt64
) -> aclError {
    refuse(.links, .pointer("notify", address(of: notify)), .pointer("key", address(of: key)))
}

@c @implementation
public func aclrtNotifyImportByKey(
    _ notify: UnsafeMutablePointer<aclrtNotify?>?, _ key: UnsafePointer<CChar>?, _ flags: UInt64
) -> aclError {
    refuse(.links, .pointer("notify", address(of: notify)), .pointer("key", address(ofText: key)))
}

@c @implementation
public func aclrtNotifySetImportPidInterServer(
    _ notify: aclrtNotify?, _ serverPids: UnsafeMutablePointer<aclrtServerPid>?, _ num: Int
) -> aclError {
    refuse(.links)
}

@c @implementation
public func aclrtIpcGetEventHandle(
    _ event: aclrtEvent?, _ handle: UnsafeMutablePointer<aclrtIpcEventHandle>?
) -> aclError {
    refuse(.links, .pointer("handle", address(of: handle)), .pointer("event", address(of: event)))
}

@c @implementation
public func aclrtIpcOpenEventHandle(
    _ handle: aclrtIpcEventHandle, _ event: UnsafeMutablePointer<aclrtEvent?>?
) -> aclError {
    refuse(.links, .pointer("event", address(of: event)))
}

@c @implementation
public func aclrtIpcMemSetAttr(_ key: UnsafePointer<CChar>?, _ type: aclrtIpcMemAttrType, _ attr: UInt64) -> aclError {
    refuse(.links)
}

@c @implementation
public func aclrtIpcMemImportPidInterServer(
    _ key: UnsafePointer<CChar>?, _ serverPids: UnsafeMutablePointer<aclrtServerPid>?, _ num: Int
) -> aclError {
    refuse(.links)
}

@c @implementation
public func aclrtCntNotifyCreate(_ cntNotify: UnsafeMutablePointer<aclrtCntNotify?>?, _ flag: UInt64) -> aclError {
    refuse(.links)
}

@c @implementation
public func aclrtCntNotifyDestroy(_ cntNotify: aclrtCntNotify?) -> aclError {
    refuse(.links)
}

@c @implementation
public func aclrtCntNotifyRecord(
    _ cntNotify: aclrtCntNotify?, _ stream: aclrtStream?, _ info: UnsafeMutablePointer<aclrtCntNotifyRecordInfo>?
) -> aclError {
    refuse(.links, .pointer("info", address(of: info)))
}

@c @implementation
public func aclrtCntNotifyWaitWithTimeout(
    _ cntNotify: aclrtCntNotify?, _ stream: aclrtStream?, _ info: UnsafeMutablePointer<aclrtCntNotifyWaitInfo>?
) -> aclError {
    refuse(.links, .pointer("info", address(of: info)))
}

@c @implementation
public func aclrtCntNotifyReset(_ cntNotify: aclrtCntNotify?, _ stream: aclrtStream?) -> aclError {
    refuse(.links)
}

@c @implementation
public func aclrtCntNotifyGetId(_ cntNotify: aclrtCntNotify?, _ notifyId: UnsafeMutablePointer<UInt32>?) -> aclError {
    refuse(.links)
}

@c @implementation
public func aclrtSnapShotProcessBackup(
    _ pid: Int32, _ args: UnsafeMutablePointer<aclrtSnapShotBackupArgs>?
) -> aclError {
    refuse(.links, .reserved("args", address(of: args) == 0))
}

@c @implementation
public func aclrtSnapShotProcessRestore(
    _ pid: Int32, _ args: UnsafeMutablePointer<aclrtSnapShotRestoreArgs>?
) -> aclError {
    refuse(.links, .reserved("args", address(of: args) == 0))
}

@c @implementation
public func aclrtSnapShotProcessLock(_ pid: Int32, _ reserve: UnsafeMutableRawPointer?) -> aclError {
    refuse(.links, .reserved("reserve", address(of: reserve) == 0))
}

@c @implementation
public func aclrtSnapShotProcessUnlock(_ pid: Int32, _ reserve: UnsafeMutableRawPointer?) -> aclError {
    refuse(.links, .reserved("reserve", address(of: reserve) == 0))
}

@c @implementation
public func aclrtSnapShotCallbackRegister(
    _ stage: aclrtSnapShotStage, _ callback: aclrtSnapShotCallBack?, _ args: UnsafeMutableRawPointer?
) -> aclError {
    refuse(.links)
}

@c @implementation
public func aclrtSnapShotCallbackUnregister(
    _ stage: aclrtSnapShotStage, _ callback: aclrtSnapShotCallBack?
) -> aclError {
    refuse(.links)
}
