// SPDX-License-Identifier: Apache-2.0

public import GEGraph
internal import VectorFunctions

/// Conversion between element types.
///
/// Between integers the low bits are kept, as numpy and ONNX Runtime do. Real to integer drops the fraction; what does
/// not fit becomes the nearest value that does, and NaN becomes 0 (the sources leave both undefined). To boolean:
/// whether the value differs from zero.
public func castKernel(from source: DataType, to target: DataType, count: Int) -> (any NativeKernel)? {
    if let kernel = vectorConversion(from: source, to: target, count: count) { return kernel }
    return switch source {
    case .float: fromReal(Float.self, target, count)
    case .double: fromReal(Double.self, target, count)
    case .float16: fromReal(Float16.self, target, count)
    case .bfloat16: fromReal(BFloat16.self, target, count)
    case .int8: fromInteger(Int8.self, target, count)
    case .int16: fromInteger(Int16.self, target, count)
    case .int32: fromInteger(Int32.self, target, count)
    case .int64: fromInteger(Int64.self, target, count)
    case .uint8: fromInteger(UInt8.self, target, count)
    case .uint16: fromInteger(UInt16.self, target, count)
    case .uint32: fromInteger(UInt32.self, target, count)
    case .uint64: fromInteger(UInt64.self, target, count)
    case .bool: fromBoolean(target, count)
    default: nil
    }
}

private func vectorConversion(from source: DataType, to target: DataType, count: Int) -> VectorConversionKernel? {
    let conversion: ElementConversion
    switch (source, target) {
    case (.float, .float16): conversion = .floatToHalf
    case (.float16, .float): conversion = .halfToFloat
    case (.float, .int32): conversion = .floatToInt32
    case (.float, .int64): conversion = .floatToInt64
    case (.float, .int8): conversion = .floatToInt8
    case (.float, .uint8): conversion = .floatToUInt8
    case (.float, .bool): conversion = .floatToBoolean
    default: return nil
    }
    return VectorConversionKernel(
        conversion, inputBytes: source.bitWidth / 8, outputBytes: target.bitWidth / 8, count: count)
}

private func fromReal<S: Element>(_: S.Type, _ target: DataType, _ count: Int) -> (any NativeKernel)?
where S.Wide: Real {
    switch target {
    case .float: UnaryKernel<S, Float>(count: count) { Float($0) }
    case .double: UnaryKernel<S, Double>(count: count) { Double($0) }
    case .float16: UnaryKernel<S, Float16>(count: count) { Float($0) }
    case .bfloat16: UnaryKernel<S, BFloat16>(count: count) { Float($0) }
    case .int8: UnaryKernel<S, Int8>(count: count) { Int8(saturating: $0) }
    case .int16: UnaryKernel<S, Int16>(count: count) { Int16(saturating: $0) }
    case .int32: UnaryKernel<S, Int32>(count: count) { Int32(saturating: $0) }
    case .int64: UnaryKernel<S, Int64>(count: count) { Int64(saturating: $0) }
    case .uint8: UnaryKernel<S, UInt8>(count: count) { UInt8(saturating: $0) }
    case .uint16: UnaryKernel<S, UInt16>(count: count) { UInt16(saturating: $0) }
    case .uint32: UnaryKernel<S, UInt32>(count: count) { UInt32(saturating: $0) }
    case .uint64: UnaryKernel<S, UInt64>(count: count) { UInt64(saturating: $0) }
    case .bool: UnaryKernel<S, Boolean>(count: count) { $0 != 0 }
    default: nil
    }
}

private func fromInteger<S: FixedWidthInteger & PlainElement>(
    _: S.Type, _ target: DataType, _ count: Int
) -> (any NativeKernel)? {
    switch target {
    case .float: UnaryKernel<S, Float>(count: count) { Float($0) }
    case .double: UnaryKernel<S, Double>(count: count) { Double($0) }
    case .float16: UnaryKernel<S, Float16>(count: count) { Float($0) }
    case .bfloat16: UnaryKernel<S, BFloat16>(count: count) { Float($0) }
    case .int8: UnaryKernel<S, Int8>(count: count) { Int8(truncatingIfNeeded: $0) }
    case .int16: UnaryKernel<S, Int16>(count: count) { Int16(truncatingIfNeeded: $0) }
    case .int32: UnaryKernel<S, Int32>(count: count) { Int32(truncatingIfNeeded: $0) }
    case .int64: UnaryKernel<S, Int64>(count: count) { Int64(truncatingIfNeeded: $0) }
    case .uint8: UnaryKernel<S, UInt8>(count: count) { UInt8(truncatingIfNeeded: $0) }
    case .uint16: UnaryKernel<S, UInt16>(count: count) { UInt16(truncatingIfNeeded: $0) }
    case .uint32: UnaryKernel<S, UInt32>(count: count) { UInt32(truncatingIfNeeded: $0) }
    case .uint64: UnaryKernel<S, UInt64>(count: count) { UInt64(truncatingIfNeeded: $0) }
    case .bool: UnaryKernel<S, Boolean>(count: count) { $0 != 0 }
    default: nil
    }
}

private func fromBoolean(_ target: DataType, _ count: Int) -> (any NativeKernel)? {
    switch target {
    case .float: UnaryKernel<Boolean, Float>(count: count) { $0 ? 1 : 0 }
    case .double: UnaryKernel<Boolean, Double>(count: count) { $0 ? 1 : 0 }
    case .float16: UnaryKernel<Boolean, Float16>(count: count) { $0 ? 1 : 0 }
    case .bfloat16: UnaryKernel<Boolean, BFloat16>(count: count) { $0 ? 1 : 0 }
    case .int8, .uint8: UnaryKernel<Boolean, UInt8>(count: count) { $0 ? 1 : 0 }
    case .int16, .uint16: UnaryKernel<Boolean, UInt16>(count: count) { $0 ? 1 : 0 }
    case .int32, .uint32: UnaryKernel<Boolean, UInt32>(count: count) { $0 ? 1 : 0 }
    case .int64, .uint64: UnaryKernel<Boolean, UInt64>(count: count) { $0 ? 1 : 0 }
    case .bool: UnaryKernel<Boolean, Boolean>(count: count) { $0 }
    default: nil
    }
}

extension FixedWidthInteger {
    /// The integer part of `value`, or the nearest bound of the type; 0 for NaN.
    @inline(__always)
    package init<R: BinaryFloatingPoint>(saturating value: R) {
        // The conversion of `max` to a real type may round up to a number that does not fit: hence `>=`.
        if value >= R(Self.max) {
            self = .max
        } else if value <= R(Self.min) {
            self = .min
        } else {
            self = value.isNaN ? 0 : Self(value)
        }
    }
}
