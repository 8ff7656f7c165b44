// SPDX-License-Identifier: Apache-2.0

internal import CProcessor
internal import VectorFunctions

/// A convolution, or a product with a constant matrix, as one loop or, where it is transposed, as several that compute some pixels of the result each; see
/// `ConvolutionLoop` for the operands.
struct VectorConvolutionKernel: NativeKernel {
    enum Method {
        /// Blocks of pixels, panel by panel.
        case direct
        /// Row by row, for few channels.
        case byRow
        /// Row by row, where filters see one channel each or four of four.
        case byChannel
    }

    private let method: Method
    private let loops: [ConvolutionLoop]
    /// The number of each loop's first part, and behind them that of all parts.
    private let starts: [Int]
    private let steps: StepList
    private let functions = CPULevel.current.functions

    init(_ method: Method, _ loops: [ConvolutionLoop], _ steps: [EpilogueStep]) {
        let list = StepList(steps)
        self.steps = list
        self.method = method
        var starts = [0]
        self.loops = loops.map { loop in
            var (loop, parts) = Self.cut(loop, method)
            unsafe loop.epilogue = list.steps
            starts.append(starts[starts.count - 1] + parts)
            return loop
        }
        self.starts = starts
    }

    var tableBytes: Int { loops.count * (MemoryLayout<ConvolutionLoop>.stride + MemoryLayout<Int>.stride) }
    var parts: Int { starts[loops.count] }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        for (index, loop) in loops.enumerated() {
            let mine = parts.clamped(to: starts[index]..<starts[index + 1])
            if mine.isEmpty { continue }
            let local = mine.lowerBound - starts[index]..<mine.upperBound - starts[index]
            unsafe withUnsafePointer(to: loop) { loop in
                let (inputs, output) = unsafe (operands.inputs, operands.output(0, as: Float.self))
                switch method {
                case .direct: unsafe functions.convolve(loop, inputs, output, local)
                case .byRow: unsafe functions.convolveByRow(loop, inputs, output, local)
                case .byChannel: unsafe functions.convolveByChannel(loop, inputs, output, local)
                }
            }
        }
    }

    /// The loop with its work cut, and the number of its parts.
    private static func cut(_ loop: ConvolutionLoop, _ method: Method) -> (ConvolutionLoop, parts: Int) {
        var loop = loop
        switch method {
        case .direct:
            cutPixels(&loop)
            return (loop, loop.filterGroups * loop.blocks * loop.groups)
        case .byRow:
            cutPixels(&loop)
            loop.rowsPerBlock = max(loop.pixelsPerBlock / max(loop.outWidth, 1), 1)
            cutRows(&loop)
            return (loop, loop.filterGroups * loop.blocksOfRows * loop.groups)
        case .byChannel:
            cutRows(&loop)
            return (loop, loop.blocksOfRows)
        }
    }

    /// Bytes that a block of pixels, or a group of panels, should find in the second cache.
    private static let cached = Int(processor_second_cache()) / 2
    /// Pixels that fill the tiles of every level.
    private static let tile = 24

    /// Weights that are larger than the image are read once, by parts that share the image; else each part is a block of
    /// pixels, as large as the cache.
    private static func cutPixels(_ loop: inout ConvolutionLoop) {
        let pixelBytes = max(4 * loop.channels * loop.strideX * loop.strideY, 1)
        let weightBytes = 4 * loop.depth * loop.outChannels
        // Tiles do not cross the end of a row of the image.
        let tile = loop.isPointwise || loop.outWidth > cached / pixelBytes ? tile : loop.outWidth
        let fitting = max(cached / pixelBytes / tile, 1) * tile
        if weightBytes > pixelBytes * loop.pixels {
            // As few blocks as fit twice as much, and these of about the same size.
            let blocks = max((loop.pixels + 4 * fitting - 1) / (4 * fitting), 1)
            loop.pixelsPerBlock = max((loop.pixels + blocks * tile - 1) / (blocks * tile), 1) * tile
            loop.panelsPerGroup = max(min(2, loop.panels), 1)
        } else {
            // The block's results should stay there, too, since each panel writes a part of every pixel.
            let fitting = max(cached / (pixelBytes + 4 * loop.outChannels) / tile, 1) * tile
            // Some parts more than threads, so that these have about the same to do.
            let fair = (loop.pixels / 16 + tile - 1) / tile * tile
            loop.pixelsPerBlock = max(min(fitting, max(fair, tile), loop.pixels), 1)
            loop.panelsPerGroup = max(loop.panels, 1)
        }
    }

    /// Cuts rows where these are few and long.
    private static func cutRows(_ loop: inout ConvolutionLoop) {
        let wanted = max(leastParts / max(loop.rows, 1), 1)
        loop.pixelsPerBlock = max((loop.outWidth + wanted - 1) / wanted, min(shortest, loop.outWidth), 1)
    }

    /// Parts that keep any number of threads busy, and pixels of a row that are worth a part of their own.
    private static let (leastParts, shortest) = (16, 64)
}
