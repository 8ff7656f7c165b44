// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclCreateDataBuffer(_ data: UnsafeMutableRawPointer?, _ size: Int) -> OpaquePointer? {
    opaquePointer(DataBuffer.table.create(DataBuffer(address: address(of: data), size: UInt(bitPattern: size))))
}

@c @implementation
public func aclDestroyDataBuffer(_ dataBuffer: OpaquePointer?) -> aclError {
    let handle = Handle(dataBuffer)
    guard !handle.isNull else { return failNull("dataBuffer") }
    guard let buffer = DataBuffer.table.remove(handle) else {
        return failHandle(handle, DataBuffer.table, "dataBuffer")
    }
    buffer.markDestroyed()
    return ErrorCode.success
}

@c @implementation
public func aclUpdateDataBuffer(
    _ dataBuffer: OpaquePointer?, _ data: UnsafeMutableRawPointer?, _ size: Int
) -> aclError {
    let handle = Handle(dataBuffer)
    guard !handle.isNull else { return failNull("dataBuffer") }
    guard let buffer = DataBuffer.table.find(handle) else { return failHandle(handle, DataBuffer.table, "dataBuffer") }
    buffer.update(address: address(of: data), size: UInt(bitPattern: size))
    return ErrorCode.success
}

@c @implementation
public func aclGetDataBufferAddr(_ dataBuffer: OpaquePointer?) -> UnsafeMutableRawPointer? {
    pointer(to: liveBuffer(Handle(dataBuffer))?.take() ?? 0)
}

@c @implementation
public func aclGetDataBufferSize(_ dataBuffer: OpaquePointer?) -> UInt32 {
    UInt32(truncatingIfNeeded: liveBuffer(Handle(dataBuffer))?.size ?? 0)
}

@c @implementation
public func aclGetDataBufferSizeV2(_ dataBuffer: OpaquePointer?) -> Int {
    Int(bitPattern: liveBuffer(Handle(dataBuffer))?.size ?? 0)
}

/// The live buffer. A handle that is neither null nor live leaves a message.
private func liveBuffer(_ handle: Handle, function: StaticString = #function) -> DataBuffer? {
    guard !handle.isNull else { return nil }
    if let buffer = DataBuffer.table.find(handle) { return buffer }
    _ = failHandle(handle, DataBuffer.table, "dataBuffer", function: function)
    return nil
}
