// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension DataType {
    /// The type that ONNX numbers `elementType` (TensorProto.DataType); nil for types without a GE counterpart.
    init?(onnx elementType: Int32) {
        switch ONNXTensorProto.DataType(rawValue: Int(elementType)) {
        case .float?: self = .float
        case .uint8?: self = .uint8
        case .int8?: self = .int8
        case .uint16?: self = .uint16
        case .int16?: self = .int16
        case .int32?: self = .int32
        case .int64?: self = .int64
        case .string?: self = .string
        case .bool?: self = .bool
        case .float16?: self = .float16
        case .double?: self = .double
        case .uint32?: self = .uint32
        case .uint64?: self = .uint64
        case .complex64?: self = .complex64
        case .complex128?: self = .complex128
        case .bfloat16?: self = .bfloat16
        case .float8E4M3Fn?: self = .float8E4M3FN
        case .float8E5M2?: self = .float8E5M2
        case .int4?: self = .int4
        default: return nil
        }
    }
}

/// Reads the bytes of tensors that lie in files next to the model.
typealias ExternalDataReader = (_ location: String, _ offset: Int, _ length: Int) throws(ConversionError) -> [UInt8]

extension Constant {
    /// The value of an ONNX tensor, densely packed and little-endian.
    /// - what: names the tensor in messages.
    init(_ tensor: ONNXTensorProto, what: String, external: ExternalDataReader) throws(ConversionError) {
        guard let type = DataType(onnx: tensor.dataType), type.bitWidth > 0 else {
            throw ConversionError(
                "E13014", "The data type [\(tensor.dataType)] of \(what) is not supported.",
                cause: "The number is that of ONNX's TensorProto.DataType.")
        }
        let shape = tensor.dims.map { Int($0) }
        let desc = TensorDesc(type, shape)
        guard let size = desc.byteCount, desc.isWithinLimits else {
            throw ConversionError("E13014", "The shape \(shape) of \(what) is not that of a tensor.")
        }
        let bytes: [UInt8]
        if tensor.dataLocation == .external {
            bytes = try Self.externalBytes(of: tensor, what: what, size: size, external: external)
        } else if !tensor.rawData.isEmpty {
            bytes = [UInt8](tensor.rawData)
        } else {
            bytes = Self.typedBytes(of: tensor, type: type)
        }
        guard bytes.count == size else {
            throw ConversionError(
                "E13014",
                "The values of \(what) take \(bytes.count) bytes, but its type and shape \(shape) need \(size).",
                cause: "The model file is damaged or cut off.")
        }
        self.init(desc, .inline(bytes))
    }

    /// - size: bytes that the type and shape need; no others are read, whatever the entries say.
    private static func externalBytes(
        of tensor: ONNXTensorProto, what: String, size: Int, external: ExternalDataReader
    ) throws(ConversionError) -> [UInt8] {
        let entries = Dictionary(tensor.externalData.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        guard let location = entries["location"] else {
            throw ConversionError("E13014", "The external data of \(what) has no location.")
        }
        func number(_ key: String, default fallback: Int) throws(ConversionError) -> Int {
            guard let text = entries[key] else { return fallback }
            guard let number = Int(text), number >= 0 else {
                throw ConversionError("E13014", "The \(key) [\(text)] of the external data of \(what) is not a size.")
            }
            return number
        }
        let length = try number("length", default: size)
        guard length == size else {
            throw ConversionError(
                "E13014", "The external data of \(what) takes \(length) bytes, but its type and shape need \(size).",
                cause: "The model file is damaged or cut off.")
        }
        return try external(location, try number("offset", default: 0), size)
    }

    /// The elements of the typed lists; small types are spread over 32-bit integers there.
    private static func typedBytes(of tensor: ONNXTensorProto, type: DataType) -> [UInt8] {
        switch type {
        case .float: packed(tensor.floatData)
        case .double: packed(tensor.doubleData)
        case .int64: packed(tensor.int64Data)
        case .uint64: packed(tensor.uint64Data)
        case .uint32: packed(tensor.uint64Data.map { UInt32(truncatingIfNeeded: $0) })
        case .int32: packed(tensor.int32Data)
        case .float16, .bfloat16, .int16, .uint16: packed(tensor.int32Data.map { UInt16(truncatingIfNeeded: $0) })
        case .complex64: packed(tensor.floatData)
        case .complex128: packed(tensor.doubleData)
        default: tensor.int32Data.map { UInt8(truncatingIfNeeded: $0) }
        }
    }

    /// The bytes of numbers in memory order, which on every machine that Swift runs on here is little-endian.
    static func packed<T: BitwiseCopyable>(_ values: [T]) -> [UInt8] {
        unsafe values.withUnsafeBytes { unsafe [UInt8]($0) }
    }

    /// A float32 constant of `values`.
    init(packing values: [Float], shape: [Int]) {
        self.init(TensorDesc(.float, shape), .inline(Self.packed(values)))
    }

    /// A scalar of any arithmetic type; nil for types that have no such scalar here.
    init?(scalar value: Double, dataType: DataType, shape: [Int] = []) {
        let bytes: [UInt8]
        switch dataType {
        case .float: bytes = Self.packed([Float(value)])
        case .double: bytes = Self.packed([value])
        case .float16: bytes = Self.packed([Float16(value)])
        case .bfloat16: bytes = Self.packed([UInt16(truncatingIfNeeded: Float(value).bitPattern >> 16)])
        case .int64: bytes = Self.packed([Int64(clamping: value)])
        case .int32: bytes = Self.packed([Int32(clamping: value)])
        case .int16: bytes = Self.packed([Int16(clamping: value)])
        case .int8: bytes = Self.packed([Int8(clamping: value)])
        case .uint8: bytes = Self.packed([UInt8(clamping: value)])
        case .uint16: bytes = Self.packed([UInt16(clamping: value)])
        case .uint32: bytes = Self.packed([UInt32(clamping: value)])
        case .uint64: bytes = Self.packed([UInt64(clamping: value)])
        case .bool: bytes = [value == 0 ? 0 : 1]
        default: return nil
        }
        self.init(TensorDesc(dataType, shape), .inline(bytes))
    }

    /// The one element of an inline constant of one element, as a number.
    var scalar: Double? {
        guard desc.elementCount == 1 else { return nil }
        if let value = floats?.first { return Double(value) }
        if let value = ints?.first { return Double(value) }
        guard desc.dataType == .double, case .inline(let bytes) = data, bytes.count == 8 else { return nil }
        return unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(as: Double.self) }
    }
}

extension FixedWidthInteger {
    /// The nearest value of this type; 0 for NaN.
    fileprivate init(clamping value: Double) {
        if value.isNaN {
            self = 0
        } else {
            self = Self(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
        }
    }
}
