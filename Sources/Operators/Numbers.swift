// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

extension Constant {
    /// A scalar of the given type, rounded to it; nil for a type that holds no real numbers or cannot hold this one.
    init?(number: Double, dataType: DataType) {
        guard let bytes = Constant.bytes([number], dataType) else { return nil }
        self.init(TensorDesc(dataType, []), .inline(bytes))
    }

    /// A constant of one dimension; nil as above.
    init?(numbers: [Double], dataType: DataType) {
        guard let bytes = Constant.bytes(numbers, dataType) else { return nil }
        self.init(TensorDesc(dataType, [numbers.count]), .inline(bytes))
    }

    private static func bytes(_ numbers: [Double], _ dataType: DataType) -> [UInt8]? {
        func integers<T: FixedWidthInteger>(_ type: T.Type) -> [UInt8]? {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(numbers.count * MemoryLayout<T>.size)
            for number in numbers {
                guard let value = T(exactly: number) else { return nil }
                unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
            }
            return bytes
        }
        func patterns<T: FixedWidthInteger>(_ pattern: (Double) -> T) -> [UInt8] {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(numbers.count * MemoryLayout<T>.size)
            for number in numbers {
                unsafe withUnsafeBytes(of: pattern(number).littleEndian) { unsafe bytes.append(contentsOf: $0) }
            }
            return bytes
        }
        return switch dataType {
        case .float: patterns { Float($0).bitPattern }
        case .double: patterns { $0.bitPattern }
        case .float16: patterns { Float16($0).bitPattern }
        case .bfloat16: patterns { UInt16(truncatingIfNeeded: roundedToUpperHalf(Float($0))) }
        case .int8: integers(Int8.self)
        case .int16: integers(Int16.self)
        case .int32: integers(Int32.self)
        case .int64: integers(Int64.self)
        case .uint8, .bool: integers(UInt8.self)
        case .uint16: integers(UInt16.self)
        case .uint32: integers(UInt32.self)
        case .uint64: integers(UInt64.self)
        default: nil
        }
    }

    /// The upper 16 bits of a float32, rounded to nearest even; the numbers made here are no NaN.
    private static func roundedToUpperHalf(_ value: Float) -> UInt32 {
        let pattern = value.bitPattern
        return (pattern &+ 0x7fff &+ ((pattern >> 16) & 1)) >> 16
    }

    /// The elements as numbers; nil when they lie in the weights or are no real numbers. 64-bit integers beyond 2^53
    /// are rounded.
    var numbers: [Double]? {
        if let ints { return ints.map { Double($0) } }
        guard case .inline(let bytes) = data else { return nil }
        func read<T: BitwiseCopyable>(_ type: T.Type, _ number: (T) -> Double) -> [Double] {
            unsafe bytes.withUnsafeBytes { raw in
                (0..<raw.count / MemoryLayout<T>.size).map {
                    unsafe number(raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: type))
                }
            }
        }
        return switch desc.dataType {
        case .float: read(UInt32.self) { Double(Float(bitPattern: $0)) }
        case .double: read(UInt64.self) { Double(bitPattern: $0) }
        case .float16: read(UInt16.self) { Double(Float16(bitPattern: $0)) }
        case .bfloat16: read(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
        case .int16: read(Int16.self) { Double($0) }
        case .uint16: read(UInt16.self) { Double($0) }
        case .uint32: read(UInt32.self) { Double($0) }
        case .uint64: read(UInt64.self) { Double($0) }
        default: nil
        }
    }
}
