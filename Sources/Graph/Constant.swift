// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// A tensor with its elements: the value of a Const node or of a tensor attribute.
public struct Constant: Hashable, Sendable {
    public var desc: TensorDesc
    public var data: Data

    /// Where the elements are.
    public enum Data: Hashable, Sendable {
        /// In the graph itself, densely packed, little-endian.
        case inline([UInt8])
        /// In the model's weights partition, at this byte range from the partition's start.
        case weights(Range<Int>)

        /// Elements are hashed as a block, which is many times as fast as one after the other; large constants with the
        /// same beginning are rare.
        public func hash(into hasher: inout Hasher) {
            switch self {
            case .inline(let elements):
                hasher.combine(elements.count)
                unsafe elements.withUnsafeBytes {
                    unsafe hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: $0.prefix(1 << 16)))
                }
            case .weights(let range): hasher.combine(range)
            }
        }
    }

    public init(_ desc: TensorDesc, _ data: Data) {
        self.desc = desc
        self.data = data
    }

    /// A constant of `values` (shape `[values.count]` unless given); as int32 each is the nearest that the type holds.
    public init(ints values: [Int], shape: [Int]? = nil, dataType: DataType = .int64) {
        precondition(dataType == .int64 || dataType == .int32)
        var bytes: [UInt8] = []
        for value in values {
            if dataType == .int64 {
                unsafe withUnsafeBytes(of: Int64(value).littleEndian) { unsafe bytes.append(contentsOf: $0) }
            } else {
                unsafe withUnsafeBytes(of: Int32(clamping: value).littleEndian) { unsafe bytes.append(contentsOf: $0) }
            }
        }
        self.init(TensorDesc(dataType, shape ?? [values.count]), .inline(bytes))
    }

    public init(floats values: [Float], shape: [Int]? = nil) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * 4)
        for value in values {
            unsafe withUnsafeBytes(of: value.bitPattern.littleEndian) { unsafe bytes.append(contentsOf: $0) }
        }
        self.init(TensorDesc(.float, shape ?? [values.count]), .inline(bytes))
    }

    /// The inline elements of an integer constant; nil when they lie in the weights or are not integers.
    public var ints: [Int]? {
        guard case .inline(let bytes) = data else { return nil }
        return unsafe bytes.withUnsafeBytes { raw -> [Int]? in
            switch desc.dataType {
            case .int64:
                (0..<raw.count / 8).map { unsafe Int(raw.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
            case .int32:
                (0..<raw.count / 4).map { unsafe Int(raw.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self)) }
            case .bool, .uint8: bytes.map { Int($0) }
            case .int8: bytes.map { Int(Int8(bitPattern: $0)) }
            default: nil
            }
        }
    }

    /// The inline elements of a float32 constant; nil when they lie in the weights or are of another type.
    public var floats: [Float]? {
        guard case .inline(let bytes) = data, desc.dataType == .float else { return nil }
        return unsafe bytes.withUnsafeBytes { raw in
            (0..<raw.count / 4).map { unsafe raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
        }
    }
}
