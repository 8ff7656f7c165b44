// SPDX-License-Identifier: Apache-2.0

public import CAscendCL
import Glibc

@c @implementation
public func aclrtAllocBuf(_ buf: UnsafeMutablePointer<aclrtMbuf?>?, _ size: Int) -> aclError {
    guard let result = PointerOutput(buf) else { return failNull("buf") }
    return status { () throws(Failure) in
        guard size != 0 else {
            throw Failure(
                ErrorCode.invalidParam, .invalid(argument: "size", value: "0", reason: "it must be greater than 0"))
        }
        result.write(try SharedBuffer.allocate(CoreLoader.size(size)))
    }
}

/// Ends one reference; chained buffers are ended with it.
@c @implementation
public func aclrtFreeBuf(_ buf: aclrtMbuf?) -> aclError {
    let handle = Handle(buf)
    guard !handle.isNull else { return failNull("buf") }
    return status { () throws(Failure) in
        let found = try SharedBuffer.find(handle)
        for chained in [handle] + found.chained { _ = SharedBuffer.table.remove(chained) }
    }
}

@c @implementation
public func aclrtGetBufData(
    _ buf: aclrtMbuf?, _ dataPtr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    _ size: UnsafeMutablePointer<Int>?
) -> aclError {
    let handle = Handle(buf)
    guard !handle.isNull else { return failNull("buf") }
    guard let data = PointerOutput(dataPtr) else { return failNull("dataPtr") }
    guard let bytes = Output(size) else { return failNull("size") }
    return status { () throws(Failure) in
        let found = try SharedBuffer.find(handle)
        data.write(address: found.memory.address)
        bytes.write(found.memory.bytes)
    }
}

@c @implementation
public func aclrtGetBufDataLen(_ buf: aclrtMbuf?, _ len: UnsafeMutablePointer<Int>?) -> aclError {
    let handle = Handle(buf)
    guard !handle.isNull else { return failNull("buf") }
    guard let result = Output(len) else { return failNull("len") }
    return status { () throws(Failure) in
        let found = try SharedBuffer.find(handle)
        result.write(found.memory.contents.withLock { $0.length })
    }
}

@c @implementation
public func aclrtSetBufDataLen(_ buf: aclrtMbuf?, _ len: Int) -> aclError {
    let handle = Handle(buf)
    guard !handle.isNull else { return failNull("buf") }
    return status { () throws(Failure) in
        let found = try SharedBuffer.find(handle)
        guard size(len) <= UInt(found.memory.bytes) else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "len", value: "\(size(len))", expected: "at most \(found.memory.bytes)", layer: .runtime))
        }
        found.memory.contents.withLock { $0.length = len }
    }
}

/// The range of the user data that is meant; throws 100000 when it reaches too far, before anything else is checked.
private func userRange(_ bytes: Int, _ offset: Int) throws(Failure) -> Range<Int> {
    let (end, overflow) = size(bytes).addingReportingOverflow(size(offset))
    guard !overflow, end <= UInt(SharedBuffer.userDataBytes) else {
        throw Failure(
            ErrorCode.invalidParam,
            .unexpected(
                argument: "size, offset", value: "\(size(bytes)), \(size(offset))",
                expected: "at most \(SharedBuffer.userDataBytes) together"))
    }
    return offset..<Int(end)
}

@c @implementation
public func aclrtGetBufUserData(
    _ buf: aclrtMbuf?, _ dataPtr: UnsafeMutableRawPointer?, _ size: Int, _ offset: Int
) -> aclError {
    let (handle, target) = (Handle(buf), address(of: dataPtr))
    return status { () throws(Failure) in
        let range = try userRange(size, offset)
        guard !handle.isNull else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "buf")) }
        guard target != 0 else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "dataPtr")) }
        let data = try SharedBuffer.find(handle).memory.contents.withLock { Array($0.userData[range]) }
        try Copy.verify(target, bytes: data.count, argument: "dataPtr")
        guard let destination = pointer(to: target) else { return }
        // Checked above.
        unsafe data.withUnsafeBytes { bytes in
            unsafe UnsafeMutableRawBufferPointer(start: destination, count: bytes.count).copyMemory(from: bytes)
        }
    }
}

@c @implementation
public func aclrtSetBufUserData(
    _ buf: aclrtMbuf?, _ dataPtr: UnsafeRawPointer?, _ size: Int, _ offset: Int
) -> aclError {
    let (handle, source) = (Handle(buf), address(of: dataPtr))
    return status { () throws(Failure) in
        let range = try userRange(size, offset)
        guard !handle.isNull else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "buf")) }
        guard source != 0 else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "dataPtr")) }
        let found = try SharedBuffer.find(handle)
        try Copy.verify(source, bytes: range.count, argument: "dataPtr")
        // Checked above.
        let data = unsafe [UInt8](UnsafeRawBufferPointer(start: pointer(to: source), count: range.count))
        found.memory.contents.withLock { $0.userData.replaceSubrange(range, with: data) }
    }
}

@c @implementation
public func aclrtCopyBufRef(_ buf: aclrtMbuf?, _ newBuf: UnsafeMutablePointer<aclrtMbuf?>?) -> aclError {
    let handle = Handle(buf)
    guard !handle.isNull else { return failNull("buf") }
    guard let result = PointerOutput(newBuf) else { return failNull("newBuf") }
    return status { () throws(Failure) in
        let found = try SharedBuffer.find(handle)
        result.write(try SharedBuffer.publish(found.memory))
    }
}

@c @implementation
public func aclrtAppendBufChain(_ headBuf: aclrtMbuf?, _ buf: aclrtMbuf?) -> aclError {
    let (head, handle) = (Handle(headBuf), Handle(buf))
    guard !head.isNull else { return failNull("headBuf") }
    guard !handle.isNull else { return failNull("buf") }
    return status { () throws(Failure) in
        let found = try SharedBuffer.find(head)
        _ = try SharedBuffer.find(handle)
        guard head != handle, !found.chained.contains(handle) else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "buf", value: hexadecimal(handle.bits), expected: "a buffer that is not in the chain yet",
                    layer: .runtime))
        }
        found.append(handle)
    }
}

@c @implementation
public func aclrtGetBufChainNum(_ headBuf: aclrtMbuf?, _ num: UnsafeMutablePointer<UInt32>?) -> aclError {
    let handle = Handle(headBuf)
    guard !handle.isNull else { return failNull("headBuf") }
    guard let result = Output(num) else { return failNull("num") }
    return status { () throws(Failure) in
        let found = try SharedBuffer.find(handle)
        result.write(UInt32(found.chained.count + 1))
    }
}

@c @implementation
public func aclrtGetBufFromChain(
    _ headBuf: aclrtMbuf?, _ index: UInt32, _ buf: UnsafeMutablePointer<aclrtMbuf?>?
) -> aclError {
    let handle = Handle(headBuf)
    guard !handle.isNull else { return failNull("headBuf") }
    guard let result = PointerOutput(buf) else { return failNull("buf") }
    return status { () throws(Failure) in
        let all = [handle] + (try SharedBuffer.find(handle)).chained
        guard index < all.count else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "index", value: "\(index)", expected: "below the \(all.count) buffers of the chain",
                    layer: .runtime))
        }
        result.write(all[Int(index)])
    }
}
