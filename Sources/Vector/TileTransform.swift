// SPDX-License-Identifier: Apache-2.0

/// The transformations of Winograd's minimal filtering F(tile, 3), along one dimension.
protocol TileTransform {
    /// Rows and columns of a tile of the result.
    static var tile: Int { get }
    /// Calls `put` with each of the `tile + 2` numbers that `tile + 2` neighbours become.
    static func input(_ x: (Int) -> Lanes, _ put: (Int, Lanes) -> Void)
    /// Calls `put` with each of the `tile` sums that `tile + 2` products become.
    static func output(_ x: (Int) -> Lanes, _ put: (Int, Lanes) -> Void)
}

extension TileTransform {
    @inline(__always) static var side: Int { tile + 2 }
}

/// With the points 0, 1, −1 and infinity.
enum TwoTransform: TileTransform {
    @inline(__always) static var tile: Int { 2 }

    @inline(__always)
    static func input(_ x: (Int) -> Lanes, _ put: (Int, Lanes) -> Void) {
        let (a, b, c, d) = (x(0), x(1), x(2), x(3))
        put(0, a - c)
        put(1, b + c)
        put(2, c - b)
        put(3, b - d)
    }

    @inline(__always)
    static func output(_ x: (Int) -> Lanes, _ put: (Int, Lanes) -> Void) {
        let (a, b, c, d) = (x(0), x(1), x(2), x(3))
        put(0, a + b + c)
        put(1, b - c - d)
    }
}

/// With the points 0, ±√½, ±√2 and infinity, whose errors are a quarter of those with ±1 and ±2.
enum FourTransform: TileTransform {
    @inline(__always) static var tile: Int { 4 }
    @inline(__always) private static var root: Lanes { all(1.414_213_56) }
    @inline(__always) private static var halfRoot: Lanes { all(0.707_106_78) }

    @inline(__always)
    static func input(_ x: (Int) -> Lanes, _ put: (Int, Lanes) -> Void) {
        let (a, b, c, d, e, f) = (x(0), x(1), x(2), x(3), x(4), x(5))
        put(0, multiplyAdd(c, all(-2.5), a + e))
        let even = multiplyAdd(c, all(-2), e)
        let odd = multiplyAdd(b, -root, d * halfRoot)
        put(1, even + odd)
        put(2, even - odd)
        let farEven = multiplyAdd(c, all(-0.5), e)
        let farOdd = multiplyAdd(b, -halfRoot, d * root)
        put(3, farEven + farOdd)
        put(4, farEven - farOdd)
        put(5, multiplyAdd(d, all(-2.5), b + f))
    }

    @inline(__always)
    static func output(_ x: (Int) -> Lanes, _ put: (Int, Lanes) -> Void) {
        let (a, b, c, d, e, f) = (x(0), x(1), x(2), x(3), x(4), x(5))
        let (near, far, nearOdd, farOdd) = (b + c, d + e, b - c, d - e)
        put(0, a + near + far)
        put(1, multiplyAdd(nearOdd, halfRoot, farOdd * root))
        put(2, multiplyAdd(near, all(0.5), far * all(2)))
        put(3, multiplyAdd(nearOdd, all(0.353_553_39), multiplyAdd(farOdd, all(2.828_427_12), f)))
    }
}
