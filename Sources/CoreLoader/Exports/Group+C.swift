// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

// Computing groups exist on one form of the hardware only, where the program runs on the device itself.

private let noGroups = Message.unsupported("The device has no computing groups")

@c @implementation
public func aclrtSetGroup(_ groupId: Int32) -> aclError { fail(ErrorCode.rtFeatureNotSupport, noGroups) }

@c @implementation
public func aclrtGetGroupCount(_ count: UnsafeMutablePointer<UInt32>?) -> aclError {
    guard address(of: count) != 0 else { return failNull("count") }
    return fail(ErrorCode.rtFeatureNotSupport, noGroups)
}

@c @implementation
public func aclrtCreateGroupInfo() -> OpaquePointer? {
    _ = fail(ErrorCode.rtFeatureNotSupport, noGroups)
    return nil
}

@c @implementation
public func aclrtDestroyGroupInfo(_ groupInfo: OpaquePointer?) -> aclError {
    let handle = Handle(groupInfo)
    guard !handle.isNull else { return failNull("groupInfo") }
    return fail(
        ErrorCode.invalidParam,
        .unexpected(
            argument: "groupInfo", value: hexadecimal(handle.bits),
            expected: "what aclrtCreateGroupInfo has returned, which is never anything but null here"))
}

@c @implementation
public func aclrtGetAllGroupInfo(_ groupInfo: OpaquePointer?) -> aclError {
    guard address(of: groupInfo) != 0 else { return failNull("groupInfo") }
    return fail(ErrorCode.rtFeatureNotSupport, noGroups)
}

@c @implementation
public func aclrtGetGroupInfoDetail(
    _ groupInfo: OpaquePointer?, _ groupIndex: Int32, _ attr: aclrtGroupAttr, _ attrValue: UnsafeMutableRawPointer?,
    _ valueLen: Int, _ paramRetSize: UnsafeMutablePointer<Int>?
) -> aclError {
    guard address(of: groupInfo) != 0 else { return failNull("groupInfo") }
    guard address(of: attrValue) != 0 else { return failNull("attrValue") }
    guard address(of: paramRetSize) != 0 else { return failNull("paramRetSize") }
    return fail(ErrorCode.rtFeatureNotSupport, noGroups)
}
