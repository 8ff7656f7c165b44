// SPDX-License-Identifier: Apache-2.0

internal import COneDNN
public import GEGraph

extension ProgramBuilder {
    /// Joins tensors of one type along `axis`.
    public func concat(_ parts: [Value], axis: Int, output: TensorDesc) throws -> Value {
        if parts.contains(where: { !isPlain($0) }), let joined = try concatBlocked(parts, axis: axis, output: output) {
            return joined
        }
        let inner = output.shape[(axis + 1)...].reduce(1, *)
        let runs = try parts.map { part in
            guard let bytes = output.dataType.byteCount(elements: shape(part)[axis] * inner) else {
                throw GraphError.invalidNode(
                    node: nodeName, type: "Concat", reason: "the shape \(shape(part)) is too large")
            }
            return bytes
        }
        let kernel = ConcatKernel(count: output.shape[..<axis].reduce(1, *), runs: runs)
        return try native(kernel, inputs: parts, outputs: [output])[0]
    }

    private func concatBlocked(_ parts: [Value], axis: Int, output: TensorDesc) throws -> Value? {
        let engine = try Engine.shared()
        let layouts = try parts.map { try layout(of: $0) }
        let attributes = try Attributes()
        let handles: [const_dnnl_memory_desc_t?] = unsafe layouts.map { unsafe $0.handle }
        // An array may be released after its last use, and the handles do not count as one.
        let descriptor = withExtendedLifetime(layouts) {
            unsafe try? PrimitiveDescriptor("dnnl_concat_primitive_desc_create") {
                unsafe dnnl_concat_primitive_desc_create(
                    &$0, engine.handle, nil, Int32(parts.count), Int32(axis), handles, attributes.handle)
            }
        }
        guard let descriptor, !descriptor.isReference else { return nil }
        let operands = try parts.indices.map {
            (DNNL_ARG_MULTIPLE_SRC + Int32($0), try operand(parts[$0], layouts[$0]))
        }
        return emit(
            descriptor, operands, result: DNNL_ARG_DST, output: output, layout: try descriptor.destination())
    }

    /// A copy of `buffer` in another layout.
    func emitReorder(from source: MemoryDescriptor, _ buffer: Int, to target: MemoryDescriptor) throws -> Int {
        let engine = try Engine.shared()
        let attributes = try Attributes()
        let descriptor = try unsafe PrimitiveDescriptor("dnnl_reorder_primitive_desc_create") {
            unsafe dnnl_reorder_primitive_desc_create(
                &$0, source.handle, engine.handle, target.handle, engine.handle, attributes.handle)
        }
        let result = addBuffer(.activation, target.byteCount)
        addStep(
            Program.Step(
                name: nodeName, type: nodeType,
                kind: .primitive(
                    descriptor,
                    [
                        (DNNL_ARG_FROM, Program.Operand(buffer: buffer, layout: source)),
                        (DNNL_ARG_TO, Program.Operand(buffer: result, layout: target)),
                    ]),
                scratchBytes: descriptor.scratchpadBytes, reads: [buffer], writes: [result], canRunInPlace: false))
        return result
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
