// SPDX-License-Identifier: Apache-2.0

internal import VectorFunctions

/// The transformation of a filter of 3 by 3 elements for `WinogradLoop`; its points are those of `TileTransform`.
enum WinogradWeights {
    private typealias Numbers = SIMD4<Double>

    /// Transforms one panel.
    ///
    /// Safety: `source` covers [3][3][channels][16] floats, `target` [side][side][channels][16].
    @unsafe
    static func transform(
        _ source: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>, channels: Int, tile: Int
    ) {
        let side = tile + 2
        let stride = channels * ConvolutionLoop.panel
        let count = Numbers.scalarCount
        var half = [Numbers](repeating: .zero, count: 3 * side)
        unsafe half.withUnsafeMutableBufferPointer { half in
            for offset in Swift.stride(from: 0, to: stride, by: count) {
                for column in 0..<3 {
                    transform(tile: tile, { unsafe load(source + offset + ($0 * 3 + column) * stride) }) {
                        unsafe half[$0 * 3 + column] = $1
                    }
                }
                for row in 0..<side {
                    transform(tile: tile, { unsafe half[row * 3 + $0] }) { column, value in
                        let place = unsafe target + offset + (row * side + column) * stride
                        for lane in 0..<count { unsafe place[lane] = Float(value[lane]) }
                    }
                }
            }
        }
    }

    private static func load(_ place: UnsafePointer<Float>) -> Numbers {
        unsafe Numbers(Double(place[0]), Double(place[1]), Double(place[2]), Double(place[3]))
    }

    /// Calls `put` with each of the `tile + 2` numbers that three neighbours become.
    @inline(__always)
    private static func transform(tile: Int, _ x: (Int) -> Numbers, _ put: (Int, Numbers) -> Void) {
        let (a, b, c) = (x(0), x(1), x(2))
        put(0, a)
        if tile == 2 {
            let (even, odd) = ((a + c) * 0.5, b * 0.5)
            put(1, even + odd)
            put(2, even - odd)
        } else {
            let root = 2.0.squareRoot()
            let (even, odd) = ((a * 2 + c) * (-1.0 / 3), b * (-root / 3))
            put(1, even + odd)
            put(2, even - odd)
            let (farEven, farOdd) = ((a + c * 2) * (1.0 / 6), b * (root / 6))
            put(3, farEven + farOdd)
            put(4, farEven - farOdd)
        }
        put(tile + 1, c)
    }
}
