// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclrtMemcpy(
    _ dst: UnsafeMutableRawPointer?, _ destMax: Int, _ src: UnsafeRawPointer?, _ count: Int, _ kind: aclrtMemcpyKind
) -> aclError {
    guard count != 0 else { return ErrorCode.success }
    let (destination, source) = (address(of: dst), address(of: src))
    return status { () throws(Failure) in
        _ = try checkCopy(destination, size(destMax), source, size(count), kind)
        guard destination != source else { return }
        _ = try Context.current()
        try Copy.copy(to: destination, from: source, bytes: count)
    }
}

/// The checks that all copies share, in the documented order. `count` is not 0.
func checkCopy(
    _ destination: UInt, _ destinationMaximum: UInt, _ source: UInt, _ count: UInt, _ kind: aclrtMemcpyKind
) throws(Failure) -> CopyDirection.Kind {
    guard destination != 0 else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "dst")) }
    guard source != 0 else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "src")) }
    guard let kind = CopyDirection.Kind(rawValue: kind.rawValue) else {
        throw Failure(
            ErrorCode.invalidParam, .unexpected(argument: "kind", value: "\(kind.rawValue)", expected: "0 to 5"))
    }
    guard destinationMaximum != 0, count <= destinationMaximum else {
        throw Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(
                argument: "count", value: "\(count)", expected: "at most destMax (\(destinationMaximum))",
                layer: .runtime))
    }
    return kind
}

@c @implementation
public func aclrtMemcpyAsync(
    _ dst: UnsafeMutableRawPointer?, _ destMax: Int, _ src: UnsafeRawPointer?, _ count: Int, _ kind: aclrtMemcpyKind,
    _ stream: aclrtStream?
) -> aclError {
    guard count != 0 else { return ErrorCode.success }
    let (destination, source, handle) = (address(of: dst), address(of: src), Handle(stream))
    return status { () throws(Failure) in
        let kind = try checkCopy(destination, size(destMax), source, size(count), kind)
        try copy(to: destination, from: source, bytes: count, kind, on: Stream.findOwn(handle))
    }
}

@c @implementation
public func aclrtMemcpyAsyncWithCondition(
    _ dst: UnsafeMutableRawPointer?, _ destMax: Int, _ src: UnsafeRawPointer?, _ count: Int, _ kind: aclrtMemcpyKind,
    _ stream: aclrtStream?
) -> aclError {
    guard count != 0 else { return ErrorCode.success }
    let (destination, source, handle) = (address(of: dst), address(of: src), Handle(stream))
    return status { () throws(Failure) in
        let kind = try checkCopy(destination, size(destMax), source, size(count), kind)
        try copy(to: destination, from: source, bytes: count, kind, on: Stream.findOwn(handle))
    }
}

/// Copies in the order of the stream; memory that may be paged out is copied before the call returns.
private func copy(
    to destination: UInt, from source: UInt, bytes: Int, _ kind: CopyDirection.Kind, on stream: Stream
) throws(Failure) {
    let direction = try CopyDirection(
        source: CopyDirection.Side(source), destination: CopyDirection.Side(destination), kind: kind)
    try Copy.verify(destination, bytes: bytes, argument: "dst", isWritten: true)
    try Copy.verify(source, bytes: bytes, argument: "src")
    if direction.isSynchronous {
        try stream.synchronize(until: .never)
        try Copy.copy(to: destination, from: source, bytes: bytes)
    } else {
        try stream.enqueue(
            streamTask { () throws(Failure) in try Copy.copy(to: destination, from: source, bytes: bytes) })
    }
}

@c @implementation
public func aclrtMemset(
    _ devPtr: UnsafeMutableRawPointer?, _ maxCount: Int, _ value: Int32, _ count: Int
) -> aclError {
    guard count != 0 else { return ErrorCode.success }
    let destination = address(of: devPtr)
    guard destination != 0 else { return failNull("devPtr") }
    return status { () throws(Failure) in
        _ = try Context.current()
        try checkFill(count, maxCount)
        try Copy.fill(destination, with: value, bytes: count)
    }
}

@c @implementation
public func aclrtMemsetAsync(
    _ devPtr: UnsafeMutableRawPointer?, _ maxCount: Int, _ value: Int32, _ count: Int, _ stream: aclrtStream?
) -> aclError {
    guard count != 0 else { return ErrorCode.success }
    let (destination, handle) = (address(of: devPtr), Handle(stream))
    guard destination != 0 else { return failNull("devPtr") }
    return status { () throws(Failure) in
        try checkFill(count, maxCount)
        let found = try Stream.findOwn(handle)
        try Copy.verify(destination, bytes: count, argument: "devPtr", isWritten: true)
        try found.enqueue(
            streamTask { () throws(Failure) in try Copy.fill(destination, with: value, bytes: count) })
    }
}

private func checkFill(_ count: Int, _ maximum: Int) throws(Failure) {
    guard size(count) <= size(maximum) else {
        throw Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(
                argument: "count", value: "\(size(count))", expected: "at most maxCount (\(size(maximum)))",
                layer: .runtime))
    }
}
