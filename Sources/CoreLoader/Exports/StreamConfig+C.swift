// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

enum StreamConfigurations {
    /// Addresses of the configurations that are alive; programs may look into them.
    static let live = Protected<Set<UInt>>([])
}

@c @implementation
public func aclrtCreateStreamConfigHandle() -> UnsafeMutablePointer<aclrtStreamConfigHandle>? {
    let configuration = UnsafeMutablePointer<aclrtStreamConfigHandle>.allocate(capacity: 1)
    unsafe configuration.initialize(to: aclrtStreamConfigHandle())
    let key = address(of: configuration)
    StreamConfigurations.live.withLock { _ = $0.insert(key) }
    return unsafe configuration
}

@c @implementation
public func aclrtDestroyStreamConfigHandle(_ handle: UnsafeMutablePointer<aclrtStreamConfigHandle>?) -> aclError {
    let key = address(of: handle)
    guard key != 0 else { return failNull("handle") }
    guard StreamConfigurations.live.withLock({ $0.remove(key) }) != nil else { return failConfiguration(key) }
    unsafe handle?.deallocate()
    return ErrorCode.success
}

private func failConfiguration(_ key: UInt, function: StaticString = #function) -> aclError {
    fail(
        ErrorCode.invalidParam,
        .unexpected(argument: "handle", value: hexadecimal(key), expected: "a live stream configuration"),
        function: function)
}

@c @implementation
public func aclrtSetStreamConfigOpt(
    _ handle: UnsafeMutablePointer<aclrtStreamConfigHandle>?, _ attr: aclrtStreamConfigAttr,
    _ attrValue: UnsafeRawPointer?, _ valueSize: Int
) -> aclError {
    let key = address(of: handle)
    guard let configuration = unsafe handle else { return failNull("handle") }
    guard let value = unsafe attrValue else { return failNull("attrValue") }
    guard StreamConfigurations.live.withLock({ $0.contains(key) }) else { return failConfiguration(key) }
    // Programs give the flags as the 32 bits that they have elsewhere, too.
    let sizes = [[8], [8], [8, 4], [4]]
    guard sizes.indices.contains(Int(attr.rawValue)) else {
        return fail(
            ErrorCode.invalidParam, .unexpected(argument: "attr", value: "\(attr.rawValue)", expected: "0 to 3"))
    }
    guard sizes[Int(attr.rawValue)].contains(valueSize) else {
        let expected = sizes[Int(attr.rawValue)].map(String.init).joined(separator: " or ")
        return fail(
            ErrorCode.invalidParam,
            .unexpected(argument: "valueSize", value: "\(size(valueSize))", expected: expected))
    }
    // The caller vouches for `valueSize` bytes.
    switch attr {
    case ACL_RT_STREAM_WORK_ADDR_PTR:
        unsafe configuration.pointee.workptr = value.loadUnaligned(as: UnsafeMutableRawPointer?.self)
    case ACL_RT_STREAM_WORK_SIZE: unsafe configuration.pointee.workSize = value.loadUnaligned(as: Int.self)
    case ACL_RT_STREAM_FLAG:
        unsafe configuration.pointee.flag =
            valueSize == 4 ? Int(value.loadUnaligned(as: UInt32.self)) : value.loadUnaligned(as: Int.self)
    default:
        let priority = unsafe value.loadUnaligned(as: UInt32.self)
        guard priority <= 7 else {
            return fail(
                ErrorCode.invalidParam, .unexpected(argument: "attrValue", value: "\(priority)", expected: "0 to 7"))
        }
        unsafe configuration.pointee.priority = priority
    }
    return ErrorCode.success
}

@c @implementation
public func aclrtCreateStreamV2(
    _ stream: UnsafeMutablePointer<aclrtStream?>?, _ handle: UnsafePointer<aclrtStreamConfigHandle>?
) -> aclError {
    guard let result = PointerOutput(stream) else { return failNull("stream") }
    let key = unsafe address(of: handle)
    guard key == 0 || StreamConfigurations.live.withLock({ $0.contains(key) }) else { return failConfiguration(key) }
    let priority = unsafe handle?.pointee.priority ?? 0
    let flags = unsafe UInt32(truncatingIfNeeded: handle?.pointee.flag ?? 0)
    return status { () throws(Failure) in
        let created = try Stream.make(priority: priority, flags: flags & Stream.knownFlags)
        result.write(created.handle)
    }
}
