// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

/// The largest rectangle: rows, and bytes in a row.
private let heightLimit: UInt = 5_242_880
private let widthLimit: UInt = 5_000_000

@c @implementation
public func aclrtMemcpy2d(
    _ dst: UnsafeMutableRawPointer?, _ dpitch: Int, _ src: UnsafeRawPointer?, _ spitch: Int, _ width: Int,
    _ height: Int, _ kind: aclrtMemcpyKind
) -> aclError {
    guard width != 0, height != 0 else { return ErrorCode.success }
    let rectangle = Copy.Rectangle(
        width: width, height: height, destination: address(of: dst), destinationPitch: dpitch,
        source: address(of: src), sourcePitch: spitch)
    return status { () throws(Failure) in
        let kind = try check(rectangle, kind)
        guard kind != .deviceToDevice else {
            throw Failure(
                ErrorCode.rtFeatureNotSupport,
                .unsupported("A rectangle can be copied from device to device only asynchronously"))
        }
        let source = CopyDirection.Side(rectangle.source)
        let destination = CopyDirection.Side(rectangle.destination)
        guard source.isHost != destination.isHost else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "kind", value: "\(kind.rawValue)",
                    expected: "a copy between host and device, which these addresses are not", layer: .runtime))
        }
        _ = try Context.current()
        try Copy.copy(rectangle)
    }
}

@c @implementation
public func aclrtMemcpy2dAsync(
    _ dst: UnsafeMutableRawPointer?, _ dpitch: Int, _ src: UnsafeRawPointer?, _ spitch: Int, _ width: Int,
    _ height: Int, _ kind: aclrtMemcpyKind, _ stream: aclrtStream?
) -> aclError {
    guard width != 0, height != 0 else { return ErrorCode.success }
    let handle = Handle(stream)
    let rectangle = Copy.Rectangle(
        width: width, height: height, destination: address(of: dst), destinationPitch: dpitch,
        source: address(of: src), sourcePitch: spitch)
    return status { () throws(Failure) in
        let kind = try check(rectangle, kind)
        let found = try Stream.findOwn(handle)
        let direction = try CopyDirection(
            source: CopyDirection.Side(rectangle.source), destination: CopyDirection.Side(rectangle.destination),
            kind: kind)
        if direction.isSynchronous {
            try found.synchronize(until: .never)
            try Copy.copy(rectangle)
        } else {
            try Copy.verify(rectangle)
            try found.enqueue(streamTask { () throws(Failure) in try Copy.copy(rectangle) })
        }
    }
}

private func check(
    _ rectangle: Copy.Rectangle, _ kind: aclrtMemcpyKind
) throws(Failure) -> CopyDirection.Kind {
    guard rectangle.destination != 0 else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "dst")) }
    guard rectangle.source != 0 else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "src")) }
    let width = size(rectangle.width)
    guard width <= size(rectangle.sourcePitch), width <= size(rectangle.destinationPitch) else {
        throw Failure(
            ErrorCode.invalidParam,
            .unexpected(argument: "width", value: "\(width)", expected: "at most the distance between two rows"))
    }
    guard let kind = CopyDirection.Kind(rawValue: kind.rawValue),
        [.hostToDevice, .deviceToHost, .deviceToDevice, .automatic].contains(kind)
    else {
        throw Failure(
            ErrorCode.invalidParam, .unexpected(argument: "kind", value: "\(kind.rawValue)", expected: "1 to 4"))
    }
    guard size(rectangle.height) <= heightLimit, width <= widthLimit else {
        throw Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(
                argument: "width x height", value: "\(width) x \(size(rectangle.height))",
                expected: "at most \(widthLimit) x \(heightLimit)", layer: .runtime))
    }
    return kind
}

// MARK: - Filling with words

@c @implementation
public func aclrtMemsetD32(_ ptr: UnsafeMutableRawPointer?, _ memSize: Int, _ value: UInt32, _ N: Int) -> aclError {
    guard N != 0 else { return ErrorCode.success }
    let target = address(of: ptr)
    return status { () throws(Failure) in
        try checkWords(target, size(memSize), size(N))
        _ = try Context.current()
        try Copy.fill(target, withWord: value, count: N)
    }
}

@c @implementation
public func aclrtMemsetD32Async(
    _ ptr: UnsafeMutableRawPointer?, _ memSize: Int, _ value: UInt32, _ N: Int, _ stream: aclrtStream?
) -> aclError {
    guard N != 0 else { return ErrorCode.success }
    let (target, handle) = (address(of: ptr), Handle(stream))
    return status { () throws(Failure) in
        try checkWords(target, size(memSize), size(N))
        let found = try Stream.findOwn(handle)
        try found.enqueue(
            streamTask { () throws(Failure) in try Copy.fill(target, withWord: value, count: N) })
    }
}

private func checkWords(_ target: UInt, _ memorySize: UInt, _ count: UInt) throws(Failure) {
    guard target != 0 else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "ptr")) }
    guard target % 4 == 0 else {
        throw Failure(
            ErrorCode.invalidParam,
            .unexpected(argument: "ptr", value: hexadecimal(target), expected: "a multiple of 4"))
    }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: 4)
    guard !overflow, bytes <= memorySize else {
        throw Failure(
            ErrorCode.invalidParam,
            .unexpected(argument: "N", value: "\(count)", expected: "at most memSize / 4 (\(memorySize / 4))"))
    }
    switch MemoryRegistry.shared.verdict(at: target, bytes: Int(clamping: bytes)) {
    case .usable: return
    case .unknown where MemoryRegistry.shared.registration(at: target) != nil: return
    case .unknown, .unusable:
        throw Failure(
            ErrorCode.invalidParam,
            .unexpected(
                argument: "ptr", value: hexadecimal(target),
                expected: "\(bytes) bytes of AscendCL memory; this is \(MemoryRegistry.shared.describe(target))"))
    }
}
