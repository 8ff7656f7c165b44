// SPDX-License-Identifier: Apache-2.0

internal import VectorFunctions

/// A convolution as one loop or, where it is transposed, as several that compute some pixels of the result each; see
/// `ConvolutionLoop` for the operands.
struct VectorConvolutionKernel: NativeKernel {
    enum Method {
        /// Pixels are cut into tiles wherever they lie.
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
            loop = PackedConvolutionKernel.cut(loop)
            return (loop, loop.filterGroups * loop.blocks * loop.groups)
        case .byRow:
            loop = PackedConvolutionKernel.cut(loop)
            loop.rowsPerBlock = max(loop.pixelsPerBlock / max(loop.outWidth, 1), 1)
            cutRows(&loop)
            return (loop, loop.filterGroups * loop.blocksOfRows * loop.groups)
        case .byChannel:
            cutRows(&loop)
            return (loop, loop.blocksOfRows)
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
