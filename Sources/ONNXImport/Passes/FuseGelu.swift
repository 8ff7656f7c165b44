// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// Recognises x · (1 + erf(x / √2)) / 2 as Gelu, whatever the order of its factors.
func fuseGelu(_ draft: inout GraphDraft) throws(ConversionError) -> Bool {
    var changed = false
    for node in draft.liveNodes where draft.isLiveType(node, ["Mul", "RealDiv"]) {
        var factor = 1.0
        var operands: [TensorRef] = []
        guard draft.collectFactors(of: node, isRoot: true, &factor, &operands), operands.count == 2,
            nearlyEqual(factor, 0.5)
        else { continue }
        for (x, other) in [(operands[0], operands[1]), (operands[1], operands[0])]
        where draft.isOnePlusErf(other, of: x) && draft.desc(x).dataType == .float {
            try draft.replace(node, with: .gelu(x))
            changed = true
            break
        }
    }
    return changed
}

extension Node {
    fileprivate static func gelu(_ x: TensorRef) -> Node {
        Node(
            name: "", type: "GeluV2", inputs: [x], inputNames: ["x"], outputNames: ["y"],
            attributes: ["approximate": .string("none")])
    }
}

extension GraphDraft {
    /// Splits a tree of products into one number and the factors that are no constants. Inner products must have no
    /// other reader.
    fileprivate func collectFactors(
        of node: Int, isRoot: Bool, _ number: inout Double, _ operands: inout [TensorRef]
    ) -> Bool {
        guard isRoot || users(of: TensorRef(node)).count == 1 else { return false }
        for (slot, ref) in nodes[node].inputs.enumerated() {
            guard let ref else { return false }
            let isDivisor = nodes[node].type == "RealDiv" && slot == 1
            if let value = uniformValue(ref) {
                number *= isDivisor ? 1 / value : value
                continue
            }
            guard !isDivisor, desc(ref).shape == nodes[node].outputs[0].shape else { return false }
            if ["Mul", "RealDiv"].contains(nodes[ref.node].type),
                collectFactors(of: ref.node, isRoot: false, &number, &operands)
            {
                continue
            }
            operands.append(ref)
        }
        return operands.count <= 2
    }

    /// Whether `ref` is 1 + erf(x / √2).
    fileprivate func isOnePlusErf(_ ref: TensorRef, of x: TensorRef) -> Bool {
        guard nodes[ref.node].type == "Add", let (erf, one) = operandAndNumber(ref.node), one == 1,
            nodes[erf.node].type == "Erf", let argument = nodes[erf.node].inputs[0]
        else { return false }
        let scaled = argument.node
        switch nodes[scaled].type {
        case "RealDiv":
            guard nodes[scaled].inputs[0] == x, let divisor = uniformValue(nodes[scaled].inputs[1]) else {
                return false
            }
            return nearlyEqual(divisor, 2.0.squareRoot())
        case "Mul":
            guard let (operand, number) = operandAndNumber(scaled), operand == x else { return false }
            return nearlyEqual(number, 0.5.squareRoot())
        default: return false
        }
    }
}
