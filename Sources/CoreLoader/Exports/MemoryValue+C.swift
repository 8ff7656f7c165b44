// SPDX-License-Identifier: Apache-2.0

public import CAscendCL
import Synchronization

// MARK: - Values in memory

@c @implementation
public func aclrtValueWrite(
    _ devAddr: UnsafeMutableRawPointer?, _ value: UInt64, _ flag: UInt32, _ stream: aclrtStream?
) -> aclError {
    let (target, handle) = (address(of: devAddr), Handle(stream))
    guard target != 0 else { return failNull("devAddr") }
    return status { () throws(Failure) in
        try checkValue(target, flag, last: 0)
        let found = try Stream.findOwn(handle)
        try found.enqueue(
            streamTask { () throws(Failure) in
                try checkValue(target, flag, last: 0)
                storeValue(value, at: target)
            })
    }
}

@c @implementation
public func aclrtValueWait(
    _ devAddr: UnsafeMutableRawPointer?, _ value: UInt64, _ flag: UInt32, _ stream: aclrtStream?
) -> aclError {
    let (target, handle) = (address(of: devAddr), Handle(stream))
    guard target != 0 else { return failNull("devAddr") }
    return status { () throws(Failure) in
        try checkValue(target, flag, last: 3)
        let found = try Stream.findOwn(handle)
        let isOver: @Sendable () -> Bool = {
            // Memory that is freed meanwhile will never fit: end the wait.
            guard MemoryRegistry.shared.problem(at: target, bytes: 8) == nil else { return true }
            let present = loadValue(at: target)
            switch flag {
            case ACL_STREAM_WAIT_VALUE_GEQ: return Int64(bitPattern: present &- value) >= 0
            case ACL_STREAM_WAIT_VALUE_EQ: return present == value
            case ACL_STREAM_WAIT_VALUE_AND: return present & value != 0
            default: return ~(present | value) != 0
            }
        }
        // Anybody may write the value, so the stream looks again every 50 microseconds.
        let obstacle = Stream.Obstacle.anybody("a value at \(hexadecimal(target)), which nobody writes")
        try found.enqueue(.wait(Stream.Wait(isOver: isOver, pollNanoseconds: 50_000, obstacle: obstacle)))
    }
}

/// 64-bit values in device memory, at whole multiples of 8.
private func checkValue(_ target: UInt, _ flag: UInt32, last: UInt32) throws(Failure) {
    guard flag <= last else {
        throw Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(argument: "flag", value: "\(flag)", expected: "0 to \(last)", layer: .runtime))
    }
    guard target % 8 == 0, MemoryRegistry.shared.verdict(at: target, bytes: 8) == .usable else {
        throw Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(
                argument: "devAddr", value: hexadecimal(target),
                expected:
                    "8 bytes of device memory at a multiple of 8; this is \(MemoryRegistry.shared.describe(target))",
                layer: .runtime))
    }
}

private func loadValue(at address: UInt) -> UInt64 {
    // Checked by the callers: live device memory, aligned.
    guard let word = unsafe UnsafePointer<Atomic<UInt64>>(bitPattern: address) else { return 0 }
    return unsafe word.pointee.load(ordering: .acquiring)
}

private func storeValue(_ value: UInt64, at address: UInt) {
    // As in `loadValue`.
    guard let word = unsafe UnsafePointer<Atomic<UInt64>>(bitPattern: address) else { return }
    unsafe word.pointee.store(value, ordering: .releasing)
}

// MARK: - Cache operations

// Host and device share their caches here: after the checks there is nothing to do.

@c @implementation
public func aclrtCmoAsync(
    _ src: UnsafeMutableRawPointer?, _ size: Int, _ cmoType: aclrtCmoType, _ stream: aclrtStream?
) -> aclError {
    let (target, handle) = (address(of: src), Handle(stream))
    guard target != 0 else { return failNull("src") }
    return status { () throws(Failure) in
        try checkOperation(target, size, cmoType)
        _ = try Stream.findOwn(handle)
    }
}

@c @implementation
public func aclrtCmoAsyncWithBarrier(
    _ src: UnsafeMutableRawPointer?, _ size: Int, _ cmoType: aclrtCmoType, _ barrierId: UInt32,
    _ stream: aclrtStream?
) -> aclError {
    let (target, handle) = (address(of: src), Handle(stream))
    guard target != 0 else { return failNull("src") }
    return status { () throws(Failure) in
        try checkOperation(target, size, cmoType)
        _ = try Stream.findOwn(handle)
    }
}

private func checkOperation(_ target: UInt, _ size: Int, _ type: aclrtCmoType) throws(Failure) {
    guard size != 0 else {
        throw Failure(
            ErrorCode.invalidParam, .invalid(argument: "size", value: "0", reason: "it must be greater than 0"))
    }
    try checkType(type)
    try MemoryRegistry.shared.check(target, bytes: size, argument: "src")
}

private func checkType(_ type: aclrtCmoType) throws(Failure) {
    guard type.rawValue <= ACL_RT_CMO_TYPE_FLUSH.rawValue else {
        throw Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(argument: "cmoType", value: "\(type.rawValue)", expected: "0 to 3", layer: .runtime))
    }
}

@c @implementation
public func aclrtCmoWaitBarrier(
    _ taskInfo: UnsafeMutablePointer<aclrtBarrierTaskInfo>?, _ stream: aclrtStream?, _ flag: UInt32
) -> aclError {
    guard let info = unsafe taskInfo?.pointee else { return failNull("taskInfo") }
    guard (1...Int(ACL_RT_CMO_MAX_BARRIER_NUM)).contains(info.barrierNum) else {
        return fail(
            ErrorCode.invalidParam,
            .unexpected(argument: "taskInfo->barrierNum", value: "\(size(info.barrierNum))", expected: "1 to 6"))
    }
    let handle = Handle(stream)
    return status { () throws(Failure) in _ = try Stream.findOwn(handle) }
}

/// What `aclrtCmoSetDesc` writes into the caller's memory.
private struct CacheDescription {
    var target: UInt
    var bytes: UInt
}

@c @implementation
public func aclrtCmoGetDescSize(_ size: UnsafeMutablePointer<Int>?) -> aclError {
    guard let result = Output(size) else { return failNull("size") }
    result.write(MemoryLayout<CacheDescription>.size)
    return ErrorCode.success
}

@c @implementation
public func aclrtCmoSetDesc(
    _ cmoDesc: UnsafeMutableRawPointer?, _ src: UnsafeMutableRawPointer?, _ size: Int
) -> aclError {
    let (place, target) = (address(of: cmoDesc), address(of: src))
    guard place != 0 else { return failNull("cmoDesc") }
    guard target != 0 else { return failNull("src") }
    return status { () throws(Failure) in
        try checkOperation(target, size, ACL_RT_CMO_TYPE_PREFETCH)
        try Copy.verify(place, bytes: MemoryLayout<CacheDescription>.size, argument: "cmoDesc")
        // Checked above.
        unsafe pointer(to: place)?.storeBytes(
            of: CacheDescription(target: target, bytes: CoreLoader.size(size)), as: CacheDescription.self)
    }
}

@c @implementation
public func aclrtCmoAsyncWithDesc(
    _ cmoDesc: UnsafeMutableRawPointer?, _ cmoType: aclrtCmoType, _ stream: aclrtStream?,
    _ reserve: UnsafeRawPointer?
) -> aclError {
    let (place, handle, reserved) = (address(of: cmoDesc), Handle(stream), address(of: reserve))
    guard place != 0 else { return failNull("cmoDesc") }
    guard reserved == 0 else {
        return fail(ErrorCode.invalidParam, .reserved(argument: "reserve", reason: "it is reserved and must be null"))
    }
    return status { () throws(Failure) in
        try checkType(cmoType)
        try Copy.verify(place, bytes: MemoryLayout<CacheDescription>.size, argument: "cmoDesc")
        _ = try Stream.findOwn(handle)
    }
}

// MARK: - Device symbols

@c @implementation
public func aclrtGetSymbolAddress(
    _ symbol: UnsafeRawPointer?, _ devPtr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> aclError {
    guard address(of: symbol) != 0 else { return failNull("symbol") }
    guard PointerOutput(devPtr) != nil else { return failNull("devPtr") }
    return failSymbol()
}

@c @implementation
public func aclrtGetSymbolSize(_ symbol: UnsafeRawPointer?, _ size: UnsafeMutablePointer<Int>?) -> aclError {
    guard address(of: symbol) != 0 else { return failNull("symbol") }
    guard Output(size) != nil else { return failNull("size") }
    return failSymbol()
}

@c @implementation
public func aclrtMemcpyFromSymbol(
    _ dst: UnsafeMutableRawPointer?, _ dstMax: Int, _ symbol: UnsafeRawPointer?, _ count: Int, _ offset: Int,
    _ kind: aclrtMemcpyKind
) -> aclError {
    guard count != 0 else { return ErrorCode.success }
    return failFromSymbol(address(of: symbol), address(of: dst), dstMax, count, kind)
}

@c @implementation
public func aclrtMemcpyFromSymbolAsync(
    _ dst: UnsafeMutableRawPointer?, _ dstMax: Int, _ symbol: UnsafeRawPointer?, _ count: Int, _ offset: Int,
    _ kind: aclrtMemcpyKind, _ stream: aclrtStream?
) -> aclError {
    guard count != 0 else { return ErrorCode.success }
    return failFromSymbol(address(of: symbol), address(of: dst), dstMax, count, kind)
}

private func failFromSymbol(
    _ symbol: UInt, _ destination: UInt, _ maximum: Int, _ count: Int, _ kind: aclrtMemcpyKind,
    function: StaticString = #function
) -> aclError {
    guard symbol != 0 else { return failNull("symbol", function: function) }
    guard destination != 0 else { return failNull("dst", function: function) }
    guard size(count) <= size(maximum) else {
        return fail(
            ErrorCode.invalidParam,
            .unexpected(argument: "count", value: "\(size(count))", expected: "at most dstMax (\(size(maximum)))"),
            function: function)
    }
    return failSymbolKind(kind, ACL_MEMCPY_DEVICE_TO_HOST, function: function)
}

@c @implementation
public func aclrtMemcpyToSymbol(
    _ symbol: UnsafeRawPointer?, _ src: UnsafeRawPointer?, _ count: Int, _ offset: Int, _ kind: aclrtMemcpyKind
) -> aclError {
    guard count != 0 else { return ErrorCode.success }
    guard address(of: symbol) != 0 else { return failNull("symbol") }
    guard address(of: src) != 0 else { return failNull("src") }
    return failSymbolKind(kind, ACL_MEMCPY_HOST_TO_DEVICE)
}

@c @implementation
public func aclrtMemcpyToSymbolAsync(
    _ symbol: UnsafeRawPointer?, _ src: UnsafeRawPointer?, _ count: Int, _ offset: Int, _ kind: aclrtMemcpyKind,
    _ stream: aclrtStream?
) -> aclError {
    guard count != 0 else { return ErrorCode.success }
    guard address(of: symbol) != 0 else { return failNull("symbol") }
    guard address(of: src) != 0 else { return failNull("src") }
    return failSymbolKind(kind, ACL_MEMCPY_HOST_TO_DEVICE)
}

private func failSymbolKind(
    _ kind: aclrtMemcpyKind, _ allowed: aclrtMemcpyKind, function: StaticString = #function
) -> aclError {
    guard kind == allowed || kind == ACL_MEMCPY_DEFAULT else {
        return fail(
            ErrorCode.invalidParam,
            .unexpected(
                argument: "kind", value: "\(kind.rawValue)",
                expected: "\(allowed.rawValue) or ACL_MEMCPY_DEFAULT (4)"), function: function)
    }
    return failSymbol(function: function)
}

/// Symbols exist only in programs that contain device code.
private func failSymbol(function: StaticString = #function) -> aclError {
    fail(
        ErrorCode.rtSymbolNotFound, .unsupported("There is no device code here, and so there are no device symbols"),
        function: function)
}
