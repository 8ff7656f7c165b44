// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph
import SaturatingArithmetic

/// `scale · x + shift`, with one number for each channel.
struct Affine {
    /// One number each, or one for every channel.
    var scale: [Double]
    var shift: [Double]

    /// The same with exactly `count` numbers.
    func spread(to count: Int) -> Affine? {
        func spread(_ values: [Double]) -> [Double]? {
            values.count == count ? values : values.count == 1 ? [Double](repeating: values[0], count: count) : nil
        }
        guard let scale = spread(scale), let shift = spread(shift) else { return nil }
        return Affine(scale: scale, shift: shift)
    }

    var isShiftOnly: Bool { scale.allSatisfy { $0 == 1 } }
}

/// Folds batch normalisation and multiplication, division, addition and subtraction of constants into the constants of
/// the convolution, product or batch normalisation before them.
func foldAffine(_ draft: inout GraphDraft) throws(ConversionError) -> Bool {
    var changed = false
    for node in draft.topologicalOrder() where draft.isLive(node) {
        for slot in 0..<min(2, draft.nodes[node].inputs.count) {
            guard let ref = draft.nodes[node].inputs[slot], ref.output == 0, draft.users(of: ref).count == 1 else {
                continue
            }
            if try draft.fold(node, into: ref.node, slot: slot) {
                changed = true
                break
            }
        }
    }
    return changed
}

extension GraphDraft {
    private static let convolutions: Set<String> = ["Conv2D", "Conv3D", "Conv2DTranspose", "Conv3DTranspose"]
    private static let products: Set<String> = ["MatMulV2", "BatchMatMulV2"]
    private static let affineTypes: Set<String> = ["Mul", "RealDiv", "Add", "Sub", "BatchNorm"]

    fileprivate mutating func fold(_ node: Int, into producer: Int, slot: Int) throws(ConversionError) -> Bool {
        let type = nodes[producer].type
        let rank = nodes[producer].outputs[0].shape.count
        guard Self.convolutions.contains(type) || Self.products.contains(type) || type == "BatchNorm",
            Self.affineTypes.contains(nodes[node].type), budget.take(foldingCost(producer))
        else { return false }
        if Self.convolutions.contains(type) {
            guard let affine = affine(of: node, slot: slot, channelAxis: 1),
                scaleConvolution(producer, by: affine)
            else { return false }
        } else if Self.products.contains(type) {
            guard let affine = affine(of: node, slot: slot, channelAxis: rank - 1), scaleProduct(producer, by: affine)
            else { return false }
        } else if type == "BatchNorm" {
            guard nodes[producer].outputs.count == 1, let affine = affine(of: node, slot: slot, channelAxis: 1),
                scaleNormalization(producer, by: affine)
            else { return false }
        } else {
            return false
        }
        recordOrigin(of: producer, absorbing: node)
        bypass(node, to: TensorRef(producer))
        return true
    }

    /// Bytes of the constants that are made anew, and of the names that are written down.
    private func foldingCost(_ producer: Int) -> Int {
        let constants = nodes[producer].inputs.dropFirst().compactMap { constant($0)?.desc.byteCount }
        let names = nodes[producer].attributes.strings(Node.originalNamesKey) ?? []
        return 2 * constants.reduce(0, +) + 64 * names.count
    }

    /// Writes down, as GE does, of which operators of the network `producer` consists and whose result it gives.
    private mutating func recordOrigin(of producer: Int, absorbing node: Int) {
        let names = [producer, node].flatMap {
            nodes[$0].attributes.strings(Node.originalNamesKey) ?? [nodes[$0].name]
        }
        setAttribute(Node.originalNamesKey, of: producer, to: .strings(names))
        var desc = nodes[producer].outputs[0]
        desc.attributes["_datadump_origin_name"] = .string(names.last ?? nodes[node].name)
        desc.attributes["_datadump_origin_output_index"] = .int(0)
        setOutput(0, of: producer, to: desc)
    }

    /// What `node` does to its input `slot`, if that is the same for all elements of a channel.
    private func affine(of node: Int, slot: Int, channelAxis: Int) -> Affine? {
        let inputs = nodes[node].inputs
        guard let x = inputs[slot], desc(x).dataType == .float, keepsShape(node, of: x) else { return nil }
        let type = nodes[node].type
        if type == "BatchNorm" {
            guard slot == 0, channelAxis == 1, nodes[node].outputs.count == 1 else { return nil }
            return normalization(node)
        }
        guard inputs.count == 2,
            let values = channelValues(inputs[1 - slot], axis: channelAxis, shape: desc(x).shape)
        else { return nil }
        let affine: Affine? =
            switch (type, slot) {
            case ("Mul", _): Affine(scale: values, shift: [0])
            case ("RealDiv", 0): Affine(scale: values.map { 1 / $0 }, shift: [0])
            case ("Add", _): Affine(scale: [1], shift: values)
            case ("Sub", 0): Affine(scale: [1], shift: values.map { -$0 })
            case ("Sub", 1): Affine(scale: [-1], shift: values)
            default: nil
            }
        // Weights that a factor makes infinite would add up to NaN.
        let isScalable = affine?.scale.allSatisfy { abs($0) <= Double(Float.greatestFiniteMagnitude) }
        return isScalable == true ? affine : nil
    }

    /// A batch normalisation with constant parameters as scale and shift.
    private func normalization(_ node: Int) -> Affine? {
        let inputs = nodes[node].inputs
        guard inputs.count == 5, let scale = constant(inputs[1])?.floats, let offset = constant(inputs[2])?.floats,
            let mean = constant(inputs[3])?.floats, let variance = constant(inputs[4])?.floats
        else { return nil }
        let epsilon = Double(nodes[node].attributes.float("epsilon") ?? 1e-4)
        let factors = zip(scale, variance).map { Double($0) / (Double($1) + epsilon).squareRoot() }
        guard factors.allSatisfy(\.isFinite) else { return nil }
        let shifts = zip(zip(offset, mean), factors).map { Double($0.0) - Double($0.1) * $1 }
        return Affine(scale: factors, shift: shifts)
    }

    /// The elements of a constant that has one for each channel of a tensor of `shape`, or one for all.
    private func channelValues(_ ref: TensorRef?, axis: Int, shape: [Int]) -> [Double]? {
        guard let constant = constant(ref), constant.desc.shape.count <= shape.count else { return nil }
        let lead = [Int](repeating: 1, count: shape.count - constant.desc.shape.count)
        let full = lead + constant.desc.shape
        let isPerChannel = full.indices.allSatisfy { $0 == axis ? full[$0] == shape[axis] : full[$0] == 1 }
        guard isPerChannel || constant.desc.elementCount == 1 else { return nil }
        return constant.floats?.map { Double($0) }
    }

    /// Replaces the filter and bias of a convolution.
    private mutating func scaleConvolution(_ node: Int, by affine: Affine) -> Bool {
        let isTransposed = nodes[node].type.hasSuffix("Transpose")
        let filterSlot = isTransposed ? 2 : 1
        let channels = nodes[node].outputs[0].shape[1]
        let groups = nodes[node].attributes.int("groups") ?? 1
        guard nodes[node].attributes.string("data_format")?.hasPrefix("NC") == true,
            let affine = affine.spread(to: channels), groups > 0
        else { return false }
        if !affine.isShiftOnly {
            guard let filter = constant(nodes[node].inputs[filterSlot]), var values = filter.floats else {
                return false
            }
            let shape = filter.desc.shape
            if isTransposed {
                // [in, out / groups, …]: which outputs a row belongs to follows from its group.
                guard shape[0] % groups == 0, shape[1] * groups == channels else { return false }
                let rowsPerGroup = shape[0] / groups
                scale(&values, blocks: shape[0] * shape[1]) { block in
                    let (row, column) = (block / shape[1], block % shape[1])
                    return affine.scale[row / rowsPerGroup * shape[1] + column]
                }
            } else {
                guard shape[0] == channels else { return false }
                scale(&values, blocks: channels) { affine.scale[$0] }
            }
            replaceConstant(
                filterSlot, of: node, with: Constant(filter.desc, .inline(Constant.packed(values))), "filter")
        }
        return addBias(affine, to: node, slot: filterSlot + 1, count: channels)
    }

    /// Replaces the right-hand matrix and the bias of a product.
    private mutating func scaleProduct(_ node: Int, by affine: Affine) -> Bool {
        guard let columns = nodes[node].outputs[0].shape.last, let affine = affine.spread(to: columns),
            let weights = nodes[node].inputs[1], desc(weights).shape.count == 2
        else { return false }
        if !affine.isShiftOnly {
            guard let matrix = constant(weights), var values = matrix.floats else { return false }
            let attributes = nodes[node].attributes
            let isTransposed = (attributes.bool("adj_x2") ?? attributes.bool("transpose_x2")) == true
            if isTransposed {
                scale(&values, blocks: columns) { affine.scale[$0] }
            } else {
                scale(&values, blocks: values.count) { affine.scale[$0 % columns] }
            }
            replaceConstant(1, of: node, with: Constant(matrix.desc, .inline(Constant.packed(values))), "weights")
        }
        return addBias(affine, to: node, slot: 2, count: columns)
    }

    /// bias · scale + shift becomes the bias.
    private mutating func addBias(_ affine: Affine, to node: Int, slot: Int, count: Int) -> Bool {
        var old = [Float](repeating: 0, count: count)
        if slot < nodes[node].inputs.count, let ref = nodes[node].inputs[slot] {
            guard let given = constant(ref)?.floats, given.count == count else { return false }
            old = given
        }
        let bias = old.indices.map { Float(Double(old[$0]) * affine.scale[$0] + affine.shift[$0]) }
        replaceConstant(slot, of: node, with: Constant(packing: bias, shape: [count]), "bias")
        setInputName("bias", slot: slot, of: node)
        return true
    }

    /// Replaces scale and offset of a batch normalisation with constant parameters.
    private mutating func scaleNormalization(_ node: Int, by affine: Affine) -> Bool {
        guard let channels = nodes[node].outputs[0].shape.dropFirst().first, let affine = affine.spread(to: channels),
            let scale = constant(nodes[node].inputs[1])?.floats, let offset = constant(nodes[node].inputs[2])?.floats,
            scale.count == channels, offset.count == channels
        else { return false }
        let newScale = scale.indices.map { Float(Double(scale[$0]) * affine.scale[$0]) }
        let newOffset = offset.indices.map { Float(Double(offset[$0]) * affine.scale[$0] + affine.shift[$0]) }
        replaceConstant(1, of: node, with: Constant(packing: newScale, shape: [channels]), "scale")
        replaceConstant(2, of: node, with: Constant(packing: newOffset, shape: [channels]), "offset")
        return true
    }

    /// Lets input `slot` of `node` be a constant called `name`; the one that nobody reads any more goes.
    private mutating func replaceConstant(_ slot: Int, of node: Int, with value: Constant, _ name: String) {
        let old = slot < nodes[node].inputs.count ? nodes[node].inputs[slot] : nil
        setInput(slot, of: node, to: addConstant(value, name: "\(nodes[node].name)_\(name)"))
        if let old { removeIfUnused(old.node) }
    }
}

/// Multiplies each of `blocks` equal parts of `values` by its own number.
private func scale(_ values: inout [Float], blocks: Int, by factor: (Int) -> Double) {
    guard blocks > 0 else { return }
    let size = values.count / blocks
    for block in 0..<blocks {
        let factor = factor(block)
        for index in block * size..<(block + 1) * size {
            values[index] = Float(Double(values[index]) * factor)
        }
    }
}
