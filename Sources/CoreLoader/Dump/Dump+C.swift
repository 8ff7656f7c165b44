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

@c @implementation
public func acldumpRegCallback(
    _ messageCallback: (@convention(c) (UnsafePointer<acldumpChunk>?, Int32) -> Int32)?, _ flag: Int32
) -> aclError {
    status { () throws(Failure) in
        guard flag == 0 else {
            throw Failure(
                ErrorCode.failure,
                .coded(
                    "EP0006", title: "Invalid_Argument",
                    text: "The value \(flag) of flag is invalid. Reason: it is reserved and must be 0."))
        }
        guard let messageCallback = unsafe messageCallback else {
            throw Failure(
                ErrorCode.failure,
                .coded(
                    "EP0007", title: "Invalid_Argument_Null_Pointer", text: "The pointer messageCallback is null.",
                    solution: "Pass a valid function."))
        }
        DumpCallback.set { chunk, length in
            // Safe: the chunk is whole and valid during the call.
            ForkGate.open { unsafe messageCallback(UnsafePointer(bitPattern: chunk), length) }
        }
    }
}

@c @implementation
public func acldumpUnregCallback() { DumpCallback.set(nil) }
