// SPDX-License-Identifier: Apache-2.0

internal import VectorFunctions

/// Which of several kernels computes what they all can. The measurements are in docs/decisions/0017.
enum KernelChoice {
    enum Convolution {
        case direct
        /// Row by row: for few channels, and where filters see one channel each or four of four.
        case byRow, byChannel
        /// Winograd's minimal filtering with so many rows and columns of the result at a time.
        case tiles(Int)
    }

    /// A convolution or, in several loops, its transpose.
    static func convolution(_ loops: [ConvolutionLoop], keepsNaN: Bool, isConstant: Bool) -> Convolution {
        let loop = loops[0]
        if !keepsNaN, isConstant, loops.count == 1, let tile = tile(loop) { return .tiles(tile) }
        if loop.filterGroups > 1 {
            if loop.channels == 1, loop.outChannels < 8 { return .byChannel }
            if loop.channels == 4, loop.outChannels == 4 { return .byChannel }
        }
        return isQuickByRow(loop) ? .byRow : .direct
    }

    /// Whether sums that stay in the registers are worth more than tiles that do not end with a row.
    private static func isQuickByRow(_ loop: ConvolutionLoop) -> Bool {
        let taps = loop.windowPlanes * loop.windowHeight * loop.windowWidth
        if loop.outWidth < 4 { return false }
        // There half panels are quicker.
        if !CPULevel.current.hasWholePanels, loop.outChannels <= ConvolutionLoop.panel / 2 { return true }
        return taps > 1 && loop.channels <= (loop.windowPlanes > 1 ? 64 : 32)
    }

    /// The tile by which a convolution is quickest; nil where tiles do not pay.
    private static func tile(_ loop: ConvolutionLoop) -> Int? {
        guard loop.planes == 1, loop.windowPlanes == 1, loop.filterGroups == 1, loop.grid == nil,
            loop.windowHeight == 3, loop.windowWidth == 3, loop.strideY == 1, loop.strideX == 1, loop.dilationY == 1,
            loop.dilationX == 1, min(loop.channels, loop.outChannels) >= 16, loop.channels * loop.outChannels >= 1024
        else { return nil }
        let (small, large) = (WinogradLoop(loop, tile: 2), WinogradLoop(loop, tile: 4))
        // The weights are four times as large, or nearly twice: few tiles do not make up for reading them.
        let staysInCache = 4 * large.positions * loop.channels * loop.outChannels <= 1 << 20
        if large.tiles >= (staysInCache ? 4 : 40) { return 4 }
        return small.tiles >= 49 ? 2 : nil
    }
}
