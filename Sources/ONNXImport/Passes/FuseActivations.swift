// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// Recognises clip(x + 3, 0, 6) / 6 as HardSigmoid.
func fuseHardSigmoid(_ draft: inout GraphDraft) throws(ConversionError) -> Bool {
    var changed = false
    for node in draft.liveNodes where draft.isLiveType(node, ["Mul", "RealDiv"]) {
        guard let clip = draft.sixth(of: node), let x = draft.clippedPlusThree(clip) else { continue }
        try draft.replace(node, with: .hardSigmoid(x))
        changed = true
    }
    return changed
}

/// Recognises x · HardSigmoid(x) with a slope of 1/6, and x · clip(x + 3, 0, 6) / 6, as HardSwish.
func fuseHardSwish(_ draft: inout GraphDraft) throws(ConversionError) -> Bool {
    var changed = false
    for node in draft.liveNodes where draft.isLiveType(node, ["Mul", "RealDiv"]) {
        if let x = draft.hardSwishByProduct(node) ?? draft.hardSwishBySixth(node) {
            try draft.replace(
                node,
                with: Node(
                    name: "", type: "HardSwish", inputs: [x], inputNames: ["x"], outputNames: ["y"]))
            changed = true
        }
    }
    return changed
}

/// Recognises x · Sigmoid(x) as Swish.
func fuseSwish(_ draft: inout GraphDraft) throws(ConversionError) -> Bool {
    var changed = false
    for node in draft.liveNodes where draft.isLiveType(node, ["Mul"]) {
        guard let (x, _) = draft.productWithFunction(node, ["Sigmoid"]) else { continue }
        try draft.replace(
            node,
            with: Node(
                name: "", type: "Swish", inputs: [x], inputNames: ["x"], outputNames: ["y"],
                attributes: ["scale": .float(1)]))
        changed = true
    }
    return changed
}

extension Node {
    fileprivate static func hardSigmoid(_ x: TensorRef) -> Node {
        Node(
            name: "", type: "HardSigmoid", inputs: [x], inputNames: ["input_x"], outputNames: ["output_y"],
            attributes: ["alpha": .float(1 / 6), "beta": .float(0.5)])
    }
}

extension GraphDraft {
    /// The input of a node that divides by 6.
    fileprivate func sixth(of node: Int) -> TensorRef? {
        guard let x = nodes[node].inputs[0] else { return nil }
        if nodes[node].type == "RealDiv" {
            return uniformValue(nodes[node].inputs[1]) == 6 && keepsShape(node, of: x) ? x : nil
        }
        guard let (operand, number) = operandAndNumber(node), nearlyEqual(number, 1.0 / 6) else { return nil }
        return operand
    }

    /// The x of clip(x + 3, 0, 6).
    fileprivate func clippedPlusThree(_ ref: TensorRef) -> TensorRef? {
        let clip = ref.node
        let sum: TensorRef?
        switch nodes[clip].type {
        case "Relu6": sum = nodes[clip].inputs[0]
        case "ClipByValue":
            sum =
                uniformValue(nodes[clip].inputs[1]) == 0 && uniformValue(nodes[clip].inputs[2]) == 6
                ? nodes[clip].inputs[0] : nil
        default: sum = nil
        }
        guard let sum, nodes[sum.node].type == "Add", let (x, number) = operandAndNumber(sum.node), number == 3,
            desc(x).dataType == .float
        else { return nil }
        return x
    }

    /// For `Mul(x, f(x))`: x and the node that is f, if its type is one of `types`.
    fileprivate func productWithFunction(_ node: Int, _ types: Set<String>) -> (x: TensorRef, function: Int)? {
        guard nodes[node].type == "Mul", let left = nodes[node].inputs[0], let right = nodes[node].inputs[1] else {
            return nil
        }
        for (x, other) in [(left, right), (right, left)]
        where types.contains(nodes[other.node].type) && nodes[other.node].inputs.first == x
            && desc(x).dataType == .float
        {
            return (x, other.node)
        }
        return nil
    }

    fileprivate func hardSwishByProduct(_ node: Int) -> TensorRef? {
        guard let (x, function) = productWithFunction(node, ["HardSigmoid"]),
            let alpha = nodes[function].attributes.float("alpha"), let beta = nodes[function].attributes.float("beta"),
            nearlyEqual(Double(alpha), 1.0 / 6), beta == 0.5
        else { return nil }
        return x
    }

    fileprivate func hardSwishBySixth(_ node: Int) -> TensorRef? {
        guard let product = sixth(of: node), nodes[product.node].type == "Mul",
            let left = nodes[product.node].inputs[0], let right = nodes[product.node].inputs[1]
        else { return nil }
        if clippedPlusThree(right) == left { return left }
        if clippedPlusThree(left) == right { return right }
        return nil
    }
}
