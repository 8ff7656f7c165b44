// SPDX-License-Identifier: Apache-2.0

import GEGraph

/// A tensor of elements that are only compared, never calculated with.
struct Elements: Equatable {
    let type: DataType
    let shape: [Int]
    var bytes: [UInt8]

    var elementBytes: Int { type.bitWidth / 8 }

    /// Each element is what `element` returns for its coordinates.
    init(_ type: DataType, _ shape: [Int], _ element: ([Int]) -> [UInt8]) {
        self.type = type
        self.shape = shape
        bytes = coordinates(shape).flatMap(element)
    }

    /// Pseudo-random elements; those of float types are small whole numbers, so that no conversion can change them.
    init(_ type: DataType, _ shape: [Int], seed: UInt64) {
        var random = MovementRandom(seed)
        self.init(type, shape) { _ in Elements.encode(Int(random.next() >> 40), type) }
    }

    /// The given whole numbers.
    init(_ type: DataType, _ shape: [Int], _ numbers: [Int]) {
        self.type = type
        self.shape = shape
        bytes = numbers.flatMap { Elements.encode($0, type) }
    }

    subscript(_ coordinates: [Int]) -> [UInt8] {
        var number = 0
        for (coordinate, size) in zip(coordinates, shape) {
            precondition(coordinate >= 0 && coordinate < size)
            number = number * size + coordinate
        }
        return Array(bytes[number * elementBytes..<(number + 1) * elementBytes])
    }

    var constant: Constant { Constant(TensorDesc(type, shape), .inline(bytes)) }

    static func encode(_ number: Int, _ type: DataType) -> [UInt8] {
        func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
            (0..<MemoryLayout<T>.size).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        }
        return switch type {
        case .float: little(Float(number % 4096).bitPattern)
        case .double: little(Double(number).bitPattern)
        case .float16: little(Float16(number % 1024).bitPattern)
        case .bfloat16: little(UInt16(Float(number % 128).bitPattern >> 16))
        case .bool: [UInt8(number & 1)]
        case .complex64: little(UInt64(truncatingIfNeeded: number &* 0x1_0000_01b3))
        case .complex128: little(Double(number).bitPattern) + little(Double(-number).bitPattern)
        default: Array(little(number).prefix(type.bitWidth / 8))
        }
    }

    static func zero(_ type: DataType) -> [UInt8] { [UInt8](repeating: 0, count: type.bitWidth / 8) }

    /// One type for each size of element, and those that take a road of their own.
    static let types: [DataType] = [
        .bool, .int8, .uint8, .float16, .bfloat16, .int16, .float, .int32, .int64, .double, .complex64, .complex128,
    ]
}

/// The coordinates of all elements of a tensor in row-major order.
func coordinates(_ shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { rows, size in rows.flatMap { row in (0..<size).map { row + [$0] } } }
}

/// Seeded pseudo-random numbers, so that failures repeat.
struct MovementRandom {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ (state >> 33)) &* 0xff51_afd7_ed55_8ccd
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() >> 33) % range.count
    }

    mutating func shape(rank: Int, _ range: ClosedRange<Int> = 1...5) -> [Int] { (0..<rank).map { _ in number(range) } }

    mutating func order(_ count: Int) -> [Int] {
        var rest = Array(0..<count)
        return (0..<count).map { _ in rest.remove(at: number(0...rest.count - 1)) }
    }
}
