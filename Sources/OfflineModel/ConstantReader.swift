// SPDX-License-Identifier: Apache-2.0

import GEGraph

/// Finds the elements of Const nodes: in the node itself, or in the weights partition.
struct ConstantReader {
    /// Constants of at most so many bytes are copied into the graph.
    static let inlineLimit = 4096

    let attributes: AttributeReader
    let weights: CheckedBytes

    /// The value of the Const node called `name`.
    func constant(_ tensor: IRTensorDef, of name: String) throws(OfflineModelError) -> Constant {
        var desc = try attributes.desc(tensor.desc)
        let offset = desc.attributes.int("data_offset") ?? Int(tensor.desc.dataOffset)
        let stated = desc.attributes.int("weight_size") ?? Int(tensor.desc.weightSize)
        desc.attributes["data_offset"] = nil
        desc.attributes["weight_size"] = nil
        guard let needed = desc.byteCount else {
            throw .malformedWeights("constant '\(name)' has the shape \(desc.shape), expected a fixed one")
        }
        if !tensor.data.isEmpty {
            let size = size(of: desc, needed: needed, stated: tensor.data.count)
            guard size <= tensor.data.count else {
                throw .malformedWeights("constant '\(name)' has \(tensor.data.count) bytes, its shape needs \(needed)")
            }
            return Constant(desc, .inline([UInt8](tensor.data.prefix(size))))
        }
        let size = size(of: desc, needed: needed, stated: stated)
        let (end, overflow) = offset.addingReportingOverflow(size)
        guard size >= needed, offset >= 0, !overflow, end <= weights.count else {
            throw .malformedWeights(
                "constant '\(name)' of \(needed) bytes is stated to have \(stated) bytes at offset \(offset); "
                    + "the partition has \(weights.count)")
        }
        if size > ConstantReader.inlineLimit { return Constant(desc, .weights(offset..<end)) }
        return Constant(desc, .inline(weights.copy(offset..<end) ?? []))
    }

    /// Bytes of a constant. The shape says it, except where old files give the origin's shape for a blocked format;
    /// what files state may also hold 32 bytes of padding.
    private func size(of desc: TensorDesc, needed: Int, stated: Int) -> Int {
        let isBlocked = !desc.format.isPlain && stated > needed && stated - needed != 32
        return isBlocked || desc.dataType.bitWidth == 0 ? stated : needed
    }
}
