// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclmdlInitDump() -> aclError {
    status { () throws(Failure) in try ModelDump.shared.initialize() }
}

@c @implementation
public func aclmdlSetDump(_ dumpCfgPath: UnsafePointer<CChar>?) -> aclError {
    let path = text(dumpCfgPath)
    return status { () throws(Failure) in try ModelDump.shared.set(path: path) }
}

@c @implementation
public func aclmdlFinalizeDump() -> aclError {
    status { () throws(Failure) in try ModelDump.shared.finalize() }
}
