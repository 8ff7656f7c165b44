// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// The element type of a tensor, with the numbers that `ge::DataType` and `aclDataType` share.
///
/// Source: GE's graph IR (`DataType`) and AscendCL's `acl_base.h`; the numbers are identical where both define one.
public enum DataType: Int32, CaseIterable, Sendable, Hashable {
    case float = 0
    case float16 = 1
    case int8 = 2
    case int32 = 3
    case uint8 = 4
    case int16 = 6
    case uint16 = 7
    case uint32 = 8
    case int64 = 9
    case uint64 = 10
    case double = 11
    case bool = 12
    case string = 13
    case qint8 = 18
    case qint16 = 19
    case qint32 = 20
    case quint8 = 21
    case quint16 = 22
    case resource = 23
    case complex64 = 16
    case complex128 = 17
    case bfloat16 = 27
    /// GE's DT_UNDEFINED; AscendCL writes it as −1.
    case undefined = 28
    case int4 = 29
    case uint1 = 30
    case int2 = 31
    case uint2 = 32
    case complex32 = 33
    case hifloat8 = 34
    case float8E5M2 = 35
    case float8E4M3FN = 36

    /// Bits per element; 0 for types without a fixed size (string, resource, undefined).
    public var bitWidth: Int {
        switch self {
        case .float, .int32, .uint32, .qint32, .complex32: 32
        case .float16, .int16, .uint16, .bfloat16, .qint16, .quint16: 16
        case .int8, .uint8, .bool, .qint8, .quint8, .hifloat8, .float8E5M2, .float8E4M3FN: 8
        case .int64, .uint64, .double, .complex64: 64
        case .complex128: 128
        case .int4: 4
        case .int2, .uint2: 2
        case .uint1: 1
        case .string, .resource, .undefined: 0
        }
    }

    /// Bytes that `count` densely packed elements take, or nil on overflow. Sub-byte types round up to whole bytes.
    public func byteCount(elements count: Int) -> Int? {
        let (bits, overflow) = count.multipliedReportingOverflow(by: bitWidth)
        guard !overflow, bits >= 0, bits <= Int.max - 7 else { return nil }
        return (bits + 7) / 8
    }

    public var isFloatingPoint: Bool {
        switch self {
        case .float, .float16, .bfloat16, .double, .hifloat8, .float8E5M2, .float8E4M3FN: true
        default: false
        }
    }
}
