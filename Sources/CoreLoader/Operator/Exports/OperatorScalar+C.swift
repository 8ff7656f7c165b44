// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclCreateScalar(_ value: UnsafeMutableRawPointer?, _ dataType: aclDataType) -> OpaquePointer? {
    handle { () throws(Failure) in
        switch dataType {
        case ACL_FLOAT, ACL_FLOAT16, ACL_BF16, ACL_DOUBLE, ACL_INT8, ACL_INT16, ACL_INT32, ACL_INT64, ACL_UINT8,
            ACL_UINT16, ACL_UINT32, ACL_UINT64, ACL_BOOL, ACL_COMPLEX64, ACL_COMPLEX128:
            break
        default:
            throw .operatorArgument(
                "dataType", value: "\(dataType.rawValue)",
                reason: "a scalar is a float, an integer of at least 8 bits, a bool or a complex number")
        }
        let bytes = unsafe UnsafePointer(value?.assumingMemoryBound(to: UInt8.self))
        let scalar = OperatorScalar(
            dataType: dataType.rawValue, bytes: try copied(bytes, UInt64(aclDataTypeSize(dataType)), "value"))
        return OperatorObjects.scalars.insert(scalar)
    }
}

@c @implementation
public func aclDestroyScalar(_ scalar: OpaquePointer?) -> aclnnStatus {
    if Handle(scalar).isNull { return ErrorCode.success }
    return OperatorObjects.scalars.destroy(scalar, "scalar")
}
