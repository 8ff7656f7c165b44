// SPDX-License-Identifier: Apache-2.0

public import GEGraph

extension ProgramBuilder {
    /// Joins tensors of one type along `axis`, with the channels innermost if one of them has.
    public func concat(_ parts: [Value], axis: Int, output: TensorDesc) throws -> Value {
        let isChannelsLast = parts.contains { layout(of: $0).isChannelsLast }
        let rank = output.shape.count
        let order = isChannelsLast ? Layout.channelsLastOrder(rank: rank) : Array(0..<rank)
        let place = order.firstIndex(of: axis) ?? axis
        let inner = order[(place + 1)...].reduce(1) { $0 * output.shape[$1] }
        let runs = try parts.map { part in
            guard let bytes = output.dataType.byteCount(elements: shape(part)[axis] * inner) else {
                throw GraphError.invalidNode(
                    node: nodeName, type: "Concat", reason: "the shape \(shape(part)) is too large")
            }
            return bytes
        }
        let kernel = ConcatKernel(count: order[..<place].reduce(1) { $0 * output.shape[$1] }, runs: runs)
        guard isChannelsLast else { return try native(kernel, inputs: parts, outputs: [output])[0] }
        let buffers = try parts.map { try operandBuffer($0, .channelsLast(shape($0))) }
        return emit(kernel, inputs: buffers, output: output, layout: .channelsLast(output.shape))
    }
}

/// Joins dense tensors: `count` times a run of each input in turn.
struct ConcatKernel: NativeKernel {
    let count: Int
    /// Bytes of one run of each input.
    let runs: [Int]

    /// Each block is cut into pieces where it is large, and several blocks are a part where they are small.
    private static let partBytes = 1 << 18
    private var blockBytes: Int { runs.reduce(0, +) }
    private var pieces: Int { max(1, min(16, blockBytes / Self.partBytes)) }
    private var blocksPerPart: Int { max(1, Self.partBytes / max(blockBytes, 1)) }
    var parts: Int { max(1, (count + blocksPerPart - 1) / blocksPerPart * pieces) }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        let stride = blockBytes
        if pieces == 1 {
            let blocks = parts.lowerBound * blocksPerPart..<min(parts.upperBound * blocksPerPart, count)
            var offset = 0
            for (index, run) in runs.enumerated() {
                for block in blocks {
                    unsafe moveBytes(
                        from: operands.inputs[index] + block * run, to: operands.outputs[0] + block * stride + offset,
                        count: run)
                }
                offset += run
            }
            return
        }
        for part in parts {
            let (block, piece) = (part / pieces, part % pieces)
            // The bytes of the block that belong to this piece, and those of them that each input holds.
            let wanted = stride * piece / pieces..<stride * (piece + 1) / pieces
            var offset = 0
            for (index, run) in runs.enumerated() {
                let mine = wanted.clamped(to: offset..<offset + run)
                if !mine.isEmpty {
                    unsafe (operands.outputs[0] + block * stride + mine.lowerBound).copyMemory(
                        from: operands.inputs[index] + block * run + (mine.lowerBound - offset), byteCount: mine.count)
                }
                offset += run
            }
        }
    }
}
