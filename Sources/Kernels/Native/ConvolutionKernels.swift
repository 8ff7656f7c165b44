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
        /// Row by row, where filters see one channel each.
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
            var loop = method == .direct ? PackedConvolutionKernel.cut(loop) : Self.cutRows(loop)
            unsafe loop.epilogue = list.steps
            starts.append(
                starts[starts.count - 1]
                    + (method == .direct
                        ? loop.filterGroups * loop.blocks * loop.groups : loop.rows * loop.blocksPerRow))
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

    /// Pixels that are worth a part of their own.
    private static let shortest = 64

    /// Whole rows, unless these are few and long.
    private static func cutRows(_ loop: ConvolutionLoop) -> ConvolutionLoop {
        var loop = loop
        let wanted = max(16 / max(loop.rows, 1), 1)
        loop.pixelsPerBlock = max((loop.outWidth + wanted - 1) / wanted, min(shortest, loop.outWidth), 1)
        return loop
    }
}
