// SPDX-License-Identifier: Apache-2.0

import VectorFunctions

extension ConvolutionLoop {
    /// The number in the whole result of the pixel at a place of this loop's.
    @inline(__always)
    func resultPixel(image: Int, plane: Int, row: Int, column: Int) -> Int {
        guard let grid else { return ((image * outPlanes + plane) * outHeight + row) * outWidth + column }
        let z = image * grid.planes + grid.firstZ + plane * grid.stepZ
        let y = z * grid.height + grid.firstY + row * grid.stepY
        return y * grid.width + grid.firstX + column * grid.stepX
    }

    /// How many pixels of the result lie between neighbours in a row.
    @inline(__always) var columnStep: Int { grid?.stepX ?? 1 }

    /// Calls `body` with the number in the result of the first pixel of each run of them that are `columnStep` apart, and
    /// how many there are.
    @inline(__always)
    func forEachRun(of pixels: Range<Int>, _ body: (Int, Int) -> Void) {
        if grid == nil { return body(pixels.lowerBound, pixels.count) }
        var pixel = pixels.lowerBound
        while pixel < pixels.upperBound {
            let line = pixel / outWidth
            let column = pixel - line * outWidth
            let plane = line / outHeight
            let count = min(outWidth - column, pixels.upperBound - pixel)
            body(
                resultPixel(
                    image: plane / outPlanes, plane: plane % outPlanes, row: line % outHeight, column: column), count)
            pixel += count
        }
    }
}
