// SPDX-License-Identifier: Apache-2.0

import GEGraph

/// Removes nodes that hand on their first input unchanged.
func removeNoOps(_ draft: inout GraphDraft) throws(ConversionError) -> Bool {
    var changed = false
    for node in draft.liveNodes where draft.isLive(node) {
        guard let source = draft.unchangedInput(of: node) else { continue }
        // An input or a constant of the model is not an output of it without a node between.
        let type = draft.nodes[source.node].type
        if Graph.dataTypes.contains(type) || type == "Const",
            draft.users(of: TensorRef(node)).contains(where: { draft.nodes[$0.node].type == "NetOutput" })
        {
            continue
        }
        draft.bypass(node, to: source)
        changed = true
    }
    return changed
}

extension GraphDraft {
    /// The input that the only output of `node` equals, if it is known to equal one.
    fileprivate func unchangedInput(of node: Int) -> TensorRef? {
        guard nodes[node].outputs.count == 1, let x = nodes[node].inputs.first ?? nil,
            nodes[node].outputs[0].dataType == desc(x).dataType
        else { return nil }
        switch nodes[node].type {
        case "Identity", "Cast", "Dropout": return x
        case "Reshape", "Squeeze", "SqueezeV3", "Unsqueeze", "UnsqueezeV3", "Flatten", "ExpandDims", "Expand":
            return keepsShape(node, of: x) ? x : nil
        case "ConcatD": return nodes[node].inputs.count == 1 ? x : nil
        case "Transpose":
            guard let permutation = constant(nodes[node].inputs[1])?.ints else { return nil }
            return permutation == Array(permutation.indices) ? x : nil
        case "PadV3":
            guard let paddings = constant(nodes[node].inputs[1])?.ints else { return nil }
            return paddings.allSatisfy { $0 == 0 } ? x : nil
        case "StridedSliceV2":
            let strides = nodes[node].inputs.count > 4 ? nodes[node].inputs[4] : nil
            guard keepsShape(node, of: x), strides == nil || constant(strides)?.ints?.allSatisfy({ $0 > 0 }) == true
            else { return nil }
            return x
        case "Add":
            guard let (operand, number) = operandAndNumber(node), number == 0 else { return nil }
            return operand
        case "Mul":
            guard let (operand, number) = operandAndNumber(node), number == 1 else { return nil }
            return operand
        case "Sub":
            return uniformValue(nodes[node].inputs[1]) == 0 && keepsShape(node, of: x) ? x : nil
        case "RealDiv", "Pow":
            return uniformValue(nodes[node].inputs[1]) == 1 && keepsShape(node, of: x) ? x : nil
        default: return nil
        }
    }
}
