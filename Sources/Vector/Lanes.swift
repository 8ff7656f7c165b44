// SPDX-License-Identifier: Apache-2.0
// This folder is compiled once for each level of instructions, as a part of the modules in VectorLevels.

internal import CLanes
import VectorFunctions

/// Sixteen floats: one register of AVX-512, two of AVX2, four of the baseline and of NEON.
typealias Lanes = SIMD16<Float>
typealias Whole = SIMD16<Int32>
typealias Input = VectorFunctions.Input
typealias Output = VectorFunctions.Output

let laneCount = 16

@inline(__always) func load(_ address: Input) -> Lanes { UnsafeRawPointer(address).loadUnaligned(as: Lanes.self) }

@inline(__always) func store(_ value: Lanes, _ address: Output) {
    UnsafeMutableRawPointer(address).storeBytes(of: value, as: Lanes.self)
}

/// The first `count` elements, the others 0.
@inline(__always) func load(_ address: Input, first count: Int) -> Lanes {
    count >= laneCount ? load(address) : lanes_load_first(address, count)
}

@inline(__always) func store(_ value: Lanes, _ address: Output, first count: Int) {
    if count >= laneCount { return store(value, address) }
    lanes_store_first(value, address, count)
}

@inline(__always) func all(_ value: Float) -> Lanes { Lanes(repeating: value) }

/// a · b + c, rounded once where the level can.
@inline(__always) func multiplyAdd(_ a: Lanes, _ b: Lanes, _ c: Lanes) -> Lanes { lanes_multiply_add(a, b, c) }

@inline(__always) func sum(_ x: Lanes) -> Float { lanes_sum(x) }

@inline(__always) func squareRoot(_ x: Lanes) -> Lanes { lanes_square_root(x) }

/// `chosen` where a is less than b, else `other`.
@inline(__always) func choose(where a: Lanes, isLess b: Lanes, _ chosen: Lanes, else other: Lanes) -> Lanes {
    lanes_choose(lanes_less(a, b), chosen, other)
}

/// The first `count` of `x`, then those of `other`.
@inline(__always) func choose(first count: Int, _ x: Lanes, else other: Lanes) -> Lanes {
    lanes_choose(lanes_first(count), x, other)
}

/// The result of `combine` over all numbers; in the order of a tree, so it must be free.
@inline(__always) func fold(_ x: Lanes, _ combine: (Lanes, Lanes) -> Lanes) -> Float {
    let eight = combine(x, lanes_swap_8(x))
    let four = combine(eight, lanes_swap_4(eight))
    let two = combine(four, lanes_swap_2(four))
    return combine(two, lanes_swap_1(two))[0]
}

/// `x` where it is NaN, else `other`.
@inline(__always) func keepNaN(_ x: Lanes, else other: Lanes) -> Lanes { lanes_choose(lanes_is_nan(x), x, other) }

/// The larger, and `x` where it is NaN.
@inline(__always) func atLeast(_ bound: Lanes, _ x: Lanes) -> Lanes { choose(where: x, isLess: bound, bound, else: x) }

/// The smaller, and `x` where it is NaN.
@inline(__always) func atMost(_ bound: Lanes, _ x: Lanes) -> Lanes { choose(where: bound, isLess: x, bound, else: x) }

/// The larger; NaN where one is.
@inline(__always) func maximum(_ a: Lanes, _ b: Lanes) -> Lanes { keepNaN(a, else: atLeast(a, b)) }

/// The smaller; NaN where one is.
@inline(__always) func minimum(_ a: Lanes, _ b: Lanes) -> Lanes { keepNaN(a, else: atMost(a, b)) }

@inline(__always) func bits(_ x: Lanes) -> Whole { unsafeBitCast(x, to: Whole.self) }
@inline(__always) func float(bits x: Whole) -> Lanes { unsafeBitCast(x, to: Lanes.self) }

@inline(__always) func magnitude(_ x: Lanes) -> Lanes { float(bits: bits(x) & Whole(repeating: 0x7fff_ffff)) }

/// The magnitude of `x` with the sign of `sign`.
@inline(__always) func copySign(_ x: Lanes, _ sign: Lanes) -> Lanes {
    float(bits: bits(x) & Whole(repeating: 0x7fff_ffff) | bits(sign) & Whole(repeating: .min))
}
