// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// Finds the elements of Const nodes: in the node itself, or in the weights partition.
struct ConstantReader {
    /// Constants of at most so many bytes are copied into the graph.
    static let inlineLimit = 4096

    /// The MODEL_DEF partition.
    let graph: CheckedBytes
    let weights: CheckedBytes

    /// The value of the Const node called `name`.
    func constant(_ tensor: AttributeReader.StoredTensor, of name: String) throws(OfflineModelError) -> Constant {
        let desc = tensor.desc
        guard let needed = desc.byteCount else {
            throw .malformedWeights("constant '\(name)' has the shape \(desc.shape), expected a fixed one")
        }
        if !tensor.data.isEmpty {
            let size = size(of: desc, needed: needed, stated: tensor.data.count)
            try OfflineModelError.requireMemory(min(size, tensor.data.count), of: UInt8.self)
            guard size <= tensor.data.count, let bytes = graph.copy(tensor.data.prefix(size)) else {
                throw .malformedWeights("constant '\(name)' has \(tensor.data.count) bytes, its shape needs \(needed)")
            }
            return Constant(desc, .inline(bytes))
        }
        let size = size(of: desc, needed: needed, stated: tensor.weightsSize)
        let (end, overflow) = tensor.weightsOffset.addingReportingOverflow(size)
        guard size >= needed, tensor.weightsOffset >= 0, !overflow, end <= weights.count else {
            throw .malformedWeights(
                "constant '\(name)' of \(needed) bytes is stated to have \(tensor.weightsSize) bytes at offset "
                    + "\(tensor.weightsOffset); the partition has \(weights.count)")
        }
        let range = tensor.weightsOffset..<end
        if size > ConstantReader.inlineLimit { return Constant(desc, .weights(range)) }
        return Constant(desc, .inline(weights.copy(range) ?? []))
    }

    /// Bytes of a constant. The shape says it, except where old files give the origin's shape for a blocked format;
    /// what files state may also hold 32 bytes of padding.
    private func size(of desc: TensorDesc, needed: Int, stated: Int) -> Int {
        let isBlocked = !desc.format.isPlain && stated > needed && stated - needed != 32
        return isBlocked || desc.dataType.bitWidth == 0 ? stated : needed
    }
}
