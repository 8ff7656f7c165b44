// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

/// Reads both addresses when the stream reaches the copy.
@c @implementation
public func aclrtMemcpyAsyncWithOffset(
    _ dst: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ destMax: Int, _ dstDataOffset: Int,
    _ src: UnsafeMutablePointer<UnsafeRawPointer?>?, _ count: Int, _ srcDataOffset: Int, _ kind: aclrtMemcpyKind,
    _ stream: aclrtStream?
) -> aclError {
    guard count != 0 else { return ErrorCode.success }
    let (target, origin, handle) = (address(of: dst), address(of: src), Handle(stream))
    return status { () throws(Failure) in
        guard target != 0 else {
            throw Failure(ErrorCode.rtParamInvalid, .nullPointer(argument: "dst", layer: .runtime))
        }
        guard origin != 0 else {
            throw Failure(ErrorCode.rtParamInvalid, .nullPointer(argument: "src", layer: .runtime))
        }
        guard size(count) <= size(destMax) else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "count", value: "\(size(count))", expected: "at most destMax (\(size(destMax)))",
                    layer: .runtime))
        }
        let found = try Stream.findOwn(handle)
        let word = MemoryLayout<UInt>.size
        try Copy.verify(target, bytes: word, argument: "dst")
        try Copy.verify(origin, bytes: word, argument: "src")
        try found.enqueue(
            streamTask { () throws(Failure) in
                let destination = try indirect(target, "dst") &+ size(dstDataOffset)
                let source = try indirect(origin, "src") &+ size(srcDataOffset)
                try Copy.copy(to: destination, from: source, bytes: count)
            })
    }
}

/// The address stored at `place`.
private func indirect(_ place: UInt, _ argument: String) throws(Failure) -> UInt {
    let operand = try Copy.verify(place, bytes: MemoryLayout<UInt>.size, argument: argument)
    var value: UInt = 0
    // Safe: checked above.
    try Copy.touching(operand) { value = unsafe pointer(to: place)?.loadUnaligned(as: UInt.self) ?? 0 }
    return value
}

@c @implementation
public func aclrtReduceAsync(
    _ dst: UnsafeMutableRawPointer?, _ src: UnsafeRawPointer?, _ count: UInt64, _ kind: aclrtReduceKind,
    _ type: aclDataType, _ stream: aclrtStream?, _ reserve: UnsafeMutableRawPointer?
) -> aclError {
    let (target, source, handle) = (address(of: dst), address(of: src), Handle(stream))
    guard target != 0 else { return failNull("dst") }
    guard source != 0 else { return failNull("src") }
    guard address(of: reserve) == 0 else {
        return fail(ErrorCode.invalidParam, .reserved(argument: "reserve", reason: "it is reserved and must be null"))
    }
    return status { () throws(Failure) in
        guard let element = Reduction.Element(rawValue: type.rawValue) else {
            throw Failure(
                ErrorCode.invalidParam,
                .unexpected(
                    argument: "type", value: "\(type.rawValue)",
                    expected: "FLOAT, FLOAT16, BF16, INT4, INT8, INT16, INT32, UINT8, UINT16 or UINT32"))
        }
        guard let reduction = Reduction(rawValue: kind.rawValue) else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(argument: "kind", value: "\(kind.rawValue)", expected: "10 to 13", layer: .runtime))
        }
        guard let bytes = Int(exactly: count), bytes > 0, bytes % element.bytes == 0 else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "count", value: "\(count)", expected: "bytes of at least one whole element",
                    layer: .runtime))
        }
        let found = try Stream.findOwn(handle)
        try Copy.verify(target, bytes: bytes, argument: "dst", isWritten: true)
        try Copy.verify(source, bytes: bytes, argument: "src")
        try found.enqueue(
            streamTask { () throws(Failure) in
                let result = try Copy.verify(target, bytes: bytes, argument: "dst", isWritten: true)
                let operand = try Copy.verify(source, bytes: bytes, argument: "src")
                try Copy.touching(result, operand) {
                    reduction.apply(element, to: target, from: source, bytes: bytes)
                }
            })
    }
}

// MARK: - Copies described in device memory

/// What `aclrtSetMemcpyDesc` writes into the caller's memory, marked so that other bytes are recognised.
private struct CopyDescription {
    static let mark: UInt64 = 0x4350_5944_4553_4331
    var mark = Self.mark
    var kind: UInt64
    var source: UInt
    var destination: UInt
    var count: UInt
}

@c @implementation
public func aclrtGetMemcpyDescSize(_ kind: aclrtMemcpyKind, _ descSize: UnsafeMutablePointer<Int>?) -> aclError {
    guard let result = Output(descSize) else { return failNull("descSize") }
    return status { () throws(Failure) in
        try checkKind(kind)
        result.write(MemoryLayout<CopyDescription>.size)
    }
}

private func checkKind(_ kind: aclrtMemcpyKind) throws(Failure) {
    guard kind.rawValue <= ACL_MEMCPY_INTER_DEVICE_TO_DEVICE.rawValue else {
        throw Failure(
            ErrorCode.invalidParam, .unexpected(argument: "kind", value: "\(kind.rawValue)", expected: "0 to 7"))
    }
}

@c @implementation
public func aclrtSetMemcpyDesc(
    _ desc: UnsafeMutableRawPointer?, _ kind: aclrtMemcpyKind, _ srcAddr: UnsafeMutableRawPointer?,
    _ dstAddr: UnsafeMutableRawPointer?, _ count: Int, _ config: UnsafeMutableRawPointer?
) -> aclError {
    let (place, source, destination) = (address(of: desc), address(of: srcAddr), address(of: dstAddr))
    let isConfigured = address(of: config) != 0
    guard place != 0 else { return failNull("desc") }
    guard source != 0 else { return failNull("srcAddr") }
    guard destination != 0 else { return failNull("dstAddr") }
    return status { () throws(Failure) in
        try checkKind(kind)
        guard count != 0 else {
            throw Failure(
                ErrorCode.invalidParam, .invalid(argument: "count", value: "0", reason: "it must be greater than 0"))
        }
        guard !isConfigured else {
            throw Failure(
                ErrorCode.invalidParam, .reserved(argument: "config", reason: "it is reserved and must be null"))
        }
        _ = try Context.current()
        let operand = try Copy.verify(
            place, bytes: MemoryLayout<CopyDescription>.size, argument: "desc", isWritten: true)
        let description = CopyDescription(
            kind: UInt64(kind.rawValue), source: source, destination: destination, count: size(count))
        // Safe: checked above.
        try Copy.touching(operand) {
            unsafe pointer(to: place)?.storeBytes(of: description, as: CopyDescription.self)
        }
    }
}

@c @implementation
public func aclrtMemcpyAsyncWithDesc(
    _ desc: UnsafeMutableRawPointer?, _ kind: aclrtMemcpyKind, _ stream: aclrtStream?
) -> aclError {
    let (place, handle) = (address(of: desc), Handle(stream))
    guard place != 0 else { return failNull("desc") }
    guard !handle.isNull else { return failNull("stream") }
    return status { () throws(Failure) in
        try checkKind(kind)
        let found = try Stream.findOwn(handle)
        try Copy.verify(place, bytes: MemoryLayout<CopyDescription>.size, argument: "desc")
        try found.enqueue(
            streamTask { () throws(Failure) in
                let operand = try Copy.verify(place, bytes: MemoryLayout<CopyDescription>.size, argument: "desc")
                // Safe: checked above; the mark tells whether it was written by aclrtSetMemcpyDesc.
                guard let memory = pointer(to: place) else { return }
                var description = CopyDescription(kind: 0, source: 0, destination: 0, count: 0)
                try Copy.touching(operand) { description = unsafe memory.loadUnaligned(as: CopyDescription.self) }
                guard description.mark == CopyDescription.mark else {
                    throw Failure(
                        ErrorCode.rtParamInvalid,
                        .unexpected(
                            argument: "desc", value: hexadecimal(place),
                            expected: "what aclrtSetMemcpyDesc has written",
                            layer: .runtime))
                }
                try Copy.copy(
                    to: description.destination, from: description.source, bytes: Int(bitPattern: description.count))
            })
    }
}
