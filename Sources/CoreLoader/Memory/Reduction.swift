// SPDX-License-Identifier: Apache-2.0

/// `aclrtReduceAsync`: combines memory with memory, element by element, in place.
enum Reduction: UInt32, Sendable {
    case sum = 10
    case maximum, minimum, equal

    /// Element types, by `aclDataType`.
    enum Element: Int32, Sendable {
        case float32 = 0
        case float16 = 1
        case int8 = 2
        case int32 = 3
        case uint8 = 4
        case int16 = 6
        case uint16 = 7
        case uint32 = 8
        case bfloat16 = 27
        case int4 = 29

        var bytes: Int {
            switch self {
            case .int8, .uint8, .int4: 1
            case .float16, .int16, .uint16, .bfloat16: 2
            case .float32, .int32, .uint32: 4
            }
        }
    }

    /// Both ranges have been checked and hold `bytes` bytes.
    func apply(_ element: Element, to destination: UInt, from source: UInt, bytes: Int) {
        guard let target = pointer(to: destination), let other = pointer(to: source) else { return }
        let memory = unsafe UnsafeMutableRawBufferPointer(start: target, count: bytes)
        let operand = unsafe UnsafeRawBufferPointer(start: other, count: bytes)
        switch element {
        case .float32: unsafe combine(memory, operand, Float.self)
        case .int8: unsafe combine(memory, operand, Int8.self)
        case .uint8: unsafe combine(memory, operand, UInt8.self)
        case .int16: unsafe combine(memory, operand, Int16.self)
        case .uint16: unsafe combine(memory, operand, UInt16.self)
        case .int32: unsafe combine(memory, operand, Int32.self)
        case .uint32: unsafe combine(memory, operand, UInt32.self)
        case .float16:
            unsafe map(memory, operand, UInt16.self) {
                HalfFloat.bits(of: choose(HalfFloat.value($0), HalfFloat.value($1)))
            }
        case .bfloat16: unsafe map(memory, operand, UInt16.self) { Self.bfloat(choose(Self.float($0), Self.float($1))) }
        case .int4:
            unsafe map(memory, operand, UInt8.self) { left, right in
                let low = choose(Self.nibble(left), Self.nibble(right))
                let high = choose(Self.nibble(left >> 4), Self.nibble(right >> 4))
                return UInt8(bitPattern: high << 4) | UInt8(bitPattern: low) & 0xf
            }
        }
    }

    private func map<Value>(
        _ memory: UnsafeMutableRawBufferPointer, _ operand: UnsafeRawBufferPointer, _ type: Value.Type,
        _ combine: (Value, Value) -> Value
    ) {
        let step = MemoryLayout<Value>.size
        // Unaligned accesses: the addresses are the caller's.
        for offset in stride(from: 0, to: memory.count / step * step, by: step) {
            let left = unsafe memory.loadUnaligned(fromByteOffset: offset, as: type)
            let right = unsafe operand.loadUnaligned(fromByteOffset: offset, as: type)
            unsafe memory.storeBytes(of: combine(left, right), toByteOffset: offset, as: type)
        }
    }

    private func combine(
        _ memory: UnsafeMutableRawBufferPointer, _ operand: UnsafeRawBufferPointer, _ type: Float.Type
    ) {
        unsafe map(memory, operand, type) { choose($0, $1) }
    }

    private func combine<Value: FixedWidthInteger>(
        _ memory: UnsafeMutableRawBufferPointer, _ operand: UnsafeRawBufferPointer, _ type: Value.Type
    ) {
        unsafe map(memory, operand, type) { choose($0, $1) }
    }

    private func choose(_ left: Float, _ right: Float) -> Float {
        switch self {
        case .sum: left + right
        case .maximum: max(left, right)
        case .minimum: min(left, right)
        case .equal: left == right ? 1 : 0
        }
    }

    private func choose<Value: FixedWidthInteger>(_ left: Value, _ right: Value) -> Value {
        switch self {
        case .sum: left &+ right
        case .maximum: max(left, right)
        case .minimum: min(left, right)
        case .equal: left == right ? 1 : 0
        }
    }

    private static func float(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

    /// Rounds to nearest, ties to even; a NaN stays one.
    private static func bfloat(_ value: Float) -> UInt16 {
        guard !value.isNaN else { return 0x7fc0 }
        let bits = value.bitPattern
        return UInt16((UInt64(bits) + 0x7fff + UInt64(bits >> 16 & 1)) >> 16)
    }

    /// The signed number in the low four bits.
    private static func nibble(_ byte: UInt8) -> Int8 { Int8(bitPattern: byte << 4) >> 4 }
}
