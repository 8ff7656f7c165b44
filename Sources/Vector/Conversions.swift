// SPDX-License-Identifier: Apache-2.0

internal import CLanes
import VectorFunctions

func convert(_ conversion: ElementConversion, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ count: Int) {
    switch conversion {
    case .floatToHalf: fromFloats(x, y, 2, count) { lanes_store_half($0, $1) }
    case .floatToInt32: fromFloats(x, y, 4, count) { lanes_store_int32(number($0, -0x1p31, 0x1p31), $1) }
    case .floatToInt64: fromFloats(x, y, 8, count) { lanes_store_int64(number($0, -0x1p63, 0x1p63), $1) }
    case .floatToInt8: fromFloats(x, y, 1, count) { lanes_store_int8(number($0, -128, 127), $1) }
    case .floatToUInt8: fromFloats(x, y, 1, count) { lanes_store_uint8(number($0, 0, 255), $1) }
    case .floatToBoolean: fromFloats(x, y, 1, count) { lanes_store_boolean($0, $1) }
    case .halfToFloat: fromHalves(x, y.assumingMemoryBound(to: Float.self), count)
    }
}

/// The nearest number from `low` to `high`; 0 where x is NaN.
@inline(__always) private func number(_ x: Lanes, _ low: Float, _ high: Float) -> Lanes {
    atMost(all(high), atLeast(all(low), lanes_choose(lanes_is_nan(x), .zero, x)))
}

@inline(__always)
private func fromFloats(
    _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ bytes: Int, _ count: Int,
    _ write: (Lanes, UnsafeMutableRawPointer) -> Void
) {
    let x = x.assumingMemoryBound(to: Float.self)
    var index = 0
    while index + laneCount <= count {
        write(load(x + index), y + index * bytes)
        index += laneCount
    }
    if index < count {
        var results = (Lanes.zero, Lanes.zero)
        withUnsafeMutableBytes(of: &results) {
            guard let start = $0.baseAddress else { return }
            write(load(x + index, first: count - index), start)
            (y + index * bytes).copyMemory(from: start, byteCount: (count - index) * bytes)
        }
    }
}

private func fromHalves(_ x: UnsafeRawPointer, _ y: Output, _ count: Int) {
    var index = 0
    while index + laneCount <= count {
        store(lanes_load_half(x + 2 * index), y + index)
        index += laneCount
    }
    if index < count {
        var rest = Lanes.zero
        withUnsafeMutableBytes(of: &rest) {
            guard let start = $0.baseAddress else { return }
            start.copyMemory(from: x + 2 * index, byteCount: 2 * (count - index))
            store(lanes_load_half(start), y + index, first: count - index)
        }
    }
}
