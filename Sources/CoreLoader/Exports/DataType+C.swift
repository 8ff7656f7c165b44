// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

/// Bytes of one element. Types of less than a byte count as one; unknown types as 8.
@c @implementation
public func aclDataTypeSize(_ dataType: aclDataType) -> Int {
    switch dataType {
    case ACL_DT_UNDEFINED, ACL_STRING: 0
    case ACL_INT8, ACL_UINT8, ACL_BOOL, ACL_INT4, ACL_UINT1, ACL_HIFLOAT8, ACL_FLOAT8_E5M2, ACL_FLOAT8_E4M3FN,
        ACL_FLOAT8_E8M0:
        1
    case ACL_FLOAT16, ACL_INT16, ACL_UINT16, ACL_BF16: 2
    case ACL_FLOAT, ACL_INT32, ACL_UINT32, ACL_COMPLEX32: 4
    case ACL_COMPLEX128: 16
    default: 8
    }
}

@c @implementation
public func aclFloat16ToFloat(_ value: aclFloat16) -> Float { HalfFloat.value(value) }

@c @implementation
public func aclFloatToFloat16(_ value: Float) -> aclFloat16 { HalfFloat.bits(of: value) }
