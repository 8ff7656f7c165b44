// SPDX-License-Identifier: Apache-2.0

internal import VectorFunctions

/// Which of two kernels computes what both can: the vector kernels or oneDNN's. The measurements are in
/// docs/decisions/0017.
enum KernelChoice {
    enum Convolution {
        case oneDNN
        case direct
        /// Winograd's minimal filtering with so many rows and columns of the result at a time.
        case tiles(Int)
    }

    /// A convolution over one or two dimensions, without groups, by constant filters.
    static func convolution(_ loop: ConvolutionLoop, keepsNaN: Bool) -> Convolution {
        if !keepsNaN, let tile = tile(loop) { return .tiles(tile) }
        switch CPULevel.current {
        case .baseline: return .direct
        #if arch(x86_64)
        // Panels that are not full compute numbers that nobody wants.
        case .avx2:
            let panel = ConvolutionLoop.panel
            return loop.outChannels % panel == 0 && loop.channels >= panel && loop.pixels <= 1024 ? .direct : .oneDNN
        case .avx512: return .oneDNN
        #endif
        }
    }

    /// The tile by which a convolution is quickest; nil where tiles do not pay.
    private static func tile(_ loop: ConvolutionLoop) -> Int? {
        guard loop.windowHeight == 3, loop.windowWidth == 3, loop.strideY == 1, loop.strideX == 1, loop.dilationY == 1,
            loop.dilationX == 1, min(loop.channels, loop.outChannels) >= 16, loop.channels * loop.outChannels >= 1024
        else { return nil }
        let (small, large) = (WinogradLoop(loop, tile: 2), WinogradLoop(loop, tile: 4))
        // The weights are four times as large, or nearly twice: few tiles do not make up for reading them.
        let staysInCache = 4 * large.positions * loop.channels * loop.outChannels <= 1 << 20
        if large.tiles >= (staysInCache ? 4 : 40) { return 4 }
        return small.tiles >= 49 ? 2 : nil
    }

    /// A product with a constant matrix.
    static let vectorProduct = CPULevel.current == .baseline
}
