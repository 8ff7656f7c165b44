// SPDX-License-Identifier: Apache-2.0

import GEGraph

/// A tensor with its elements as doubles, whatever its type; integers beyond 2^53 are not used in these tests.
struct Tensor {
    var type: DataType
    var shape: [Int]
    var values: [Double]
    var format = Format.nd

    init(_ type: DataType, _ shape: [Int], _ values: [Double], format: Format = .nd) {
        precondition(values.count == shape.reduce(1, *))
        self.type = type
        self.shape = shape
        self.values = values
        self.format = format
    }

    static func ints(_ values: [Int], _ type: DataType = .int64) -> Tensor {
        Tensor(type, [values.count], values.map { Double($0) })
    }

    var desc: TensorDesc { TensorDesc(type, shape, format: format) }
    var constant: Constant { Constant(desc, .inline(bytes)) }

    /// The element at the given place, which is taken modulo the shape from the right: numpy's broadcasting.
    func broadcast(_ place: [Int]) -> Double {
        let place = place.suffix(shape.count)
        return values[zip(place, shape).reduce(0) { $0 * $1.1 + ($1.1 == 1 ? 0 : $1.0) }]
    }

    subscript(_ place: Int...) -> Double { values[zip(place, shape).reduce(0) { $0 * $1.1 + $1.0 }] }

    // MARK: Bytes

    var bytes: [UInt8] {
        func pack(_ convert: (Double) -> some FixedWidthInteger) -> [UInt8] {
            values.flatMap { value -> [UInt8] in
                unsafe withUnsafeBytes(of: convert(value).littleEndian) { unsafe Array($0) }
            }
        }
        return switch type {
        case .float: pack { Float($0).bitPattern }
        case .double: pack { $0.bitPattern }
        case .float16: pack { Float16($0).bitPattern }
        case .bfloat16: pack { Self.bfloat16($0) }
        case .int8: pack { Int8($0) }
        case .int16: pack { Int16($0) }
        case .int32: pack { Int32($0) }
        case .int64: pack { Int64($0) }
        case .uint8, .bool: pack { UInt8($0) }
        case .uint16: pack { UInt16($0) }
        case .uint32: pack { UInt32($0) }
        case .uint64: pack { UInt64($0) }
        default: preconditionFailure("no test uses \(type)")
        }
    }

    init(_ desc: TensorDesc, bytes: [UInt8]) {
        func unpack<T: BitwiseCopyable>(_: T.Type, _ convert: (T) -> Double) -> [Double] {
            let size = MemoryLayout<T>.size
            return unsafe bytes.withUnsafeBytes { raw in
                (0..<raw.count / size).map { unsafe convert(raw.loadUnaligned(fromByteOffset: $0 * size, as: T.self)) }
            }
        }
        let values: [Double] =
            switch desc.dataType {
            case .float: unpack(Float.self) { Double($0) }
            case .double: unpack(Double.self) { $0 }
            case .float16: unpack(Float16.self) { Double($0) }
            case .bfloat16: unpack(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
            case .int8: unpack(Int8.self) { Double($0) }
            case .int16: unpack(Int16.self) { Double($0) }
            case .int32: unpack(Int32.self) { Double($0) }
            case .int64: unpack(Int64.self) { Double($0) }
            case .uint8, .bool: unpack(UInt8.self) { Double($0) }
            case .uint16: unpack(UInt16.self) { Double($0) }
            case .uint32: unpack(UInt32.self) { Double($0) }
            case .uint64: unpack(UInt64.self) { Double($0) }
            default: preconditionFailure("no test uses \(desc.dataType)")
            }
        self.init(desc.dataType, desc.shape, values, format: desc.format)
    }

    /// Of the two neighbours the nearer one, of equally near ones the even one: found by search, not by arithmetic.
    static func bfloat16(_ value: Double) -> UInt16 {
        if value.isNaN { return 0x7fc0 }
        if value.isInfinite { return value > 0 ? 0x7f80 : 0xff80 }
        let low = UInt16(Float(value).bitPattern >> 16)
        func number(_ bits: UInt16) -> Double { Double(Float(bitPattern: UInt32(bits) << 16)) }
        let candidates = [low &- 1, low, low &+ 1].filter { !number($0).isNaN && (number($0) < 0) == (value < 0) }
        return candidates.min {
            let (left, right) = (abs(number($0) - value), abs(number($1) - value))
            return left == right ? $0 % 2 < $1 % 2 : left < right
        } ?? low
    }

    /// The same tensor with its elements rounded to what its type can hold.
    var rounded: Tensor { Tensor(desc, bytes: bytes) }
}

/// SplitMix64: the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// A tensor of numbers in `range`, whole ones for types that hold no others.
    mutating func tensor(
        _ type: DataType, _ shape: [Int], _ range: ClosedRange<Double> = -2...2, format: Format = .nd
    ) -> Tensor {
        let count = shape.reduce(1, *)
        let isReal = [.float, .double, .float16, .bfloat16].contains(type)
        let values = (0..<count).map { _ in
            let value = Double.random(in: range, using: &self)
            return isReal ? value : value.rounded()
        }
        return Tensor(type, shape, values, format: format).rounded
    }
}

/// All places of a shape in row-major order.
func places(_ shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { prefixes, size in prefixes.flatMap { prefix in (0..<size).map { prefix + [$0] } } }
}
