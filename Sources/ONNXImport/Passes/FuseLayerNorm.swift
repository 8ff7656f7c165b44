// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// Recognises (x − mean) / √(mean((x − mean)²) + ε) · γ + β over the last dimensions as LayerNorm.
func fuseLayerNorm(_ draft: inout GraphDraft) throws(ConversionError) -> Bool {
    var changed = false
    for node in draft.liveNodes where draft.isLiveType(node, ["Add"]) {
        guard let match = draft.layerNorm(endingAt: node) else { continue }
        let axis = Attribute.int(Int64(match.axis))
        try draft.replace(
            node,
            with: Node(
                name: "", type: "LayerNorm", inputs: [match.x, match.gamma, match.beta],
                inputNames: ["x", "gamma", "beta"], outputNames: ["y"],
                attributes: [
                    "begin_norm_axis": axis, "begin_params_axis": axis, "epsilon": .float(Float(match.epsilon)),
                ]))
        changed = true
    }
    return changed
}

private struct LayerNormMatch {
    var x: TensorRef
    var gamma: TensorRef
    var beta: TensorRef
    var axis: Int
    var epsilon: Double
}

extension GraphDraft {
    fileprivate func layerNorm(endingAt add: Int) -> LayerNormMatch? {
        for (scaled, beta) in pairs(add) where constant(beta) != nil && nodes[scaled.node].type == "Mul" {
            for (normal, gamma) in pairs(scaled.node)
            where constant(gamma) != nil && nodes[normal.node].type == "RealDiv" {
                guard let (x, axis, epsilon) = normalized(normal.node) else { continue }
                let tail = Array(desc(x).shape[axis...])
                guard desc(gamma).shape == tail, desc(beta).shape == tail else { continue }
                return LayerNormMatch(x: x, gamma: gamma, beta: beta, axis: axis, epsilon: epsilon)
            }
        }
        return nil
    }

    /// Both orders of the inputs of a node with two.
    private func pairs(_ node: Int) -> [(TensorRef, TensorRef)] {
        guard nodes[node].inputs.count == 2, let left = nodes[node].inputs[0], let right = nodes[node].inputs[1] else {
            return []
        }
        return [(left, right), (right, left)]
    }

    /// The x, first axis and ε of (x − mean) / √(mean((x − mean)²) + ε).
    private func normalized(_ division: Int) -> (x: TensorRef, axis: Int, epsilon: Double)? {
        guard let centred = nodes[division].inputs[0], nodes[centred.node].type == "Sub",
            let x = nodes[centred.node].inputs[0], desc(x).dataType == .float, desc(x).isStatic,
            let mean = producer(of: centred.node, slot: 1, ["ReduceMean"]), nodes[mean].inputs[0] == x,
            let axis = trailingAxis(mean, rank: desc(x).shape.count),
            let root = producer(of: division, slot: 1, ["Sqrt"]), let sum = producer(of: root, slot: 0, ["Add"]),
            let (variance, epsilon) = operandAndNumber(sum), nodes[variance.node].type == "ReduceMean",
            trailingAxis(variance.node, rank: desc(x).shape.count) == axis,
            let square = nodes[variance.node].inputs[0], isSquare(square, of: centred)
        else { return nil }
        return (x, axis, epsilon)
    }

    private func isSquare(_ ref: TensorRef, of x: TensorRef) -> Bool {
        switch nodes[ref.node].type {
        case "Square": nodes[ref.node].inputs[0] == x
        case "Mul": nodes[ref.node].inputs == [x, x]
        case "Pow": nodes[ref.node].inputs[0] == x && uniformValue(nodes[ref.node].inputs[1]) == 2
        default: false
        }
    }

    /// The first axis of a mean that keeps dimensions and runs over all dimensions from there on.
    private func trailingAxis(_ mean: Int, rank: Int) -> Int? {
        guard nodes[mean].attributes.bool("keep_dims") == true, let axes = constant(nodes[mean].inputs[1])?.ints else {
            return nil
        }
        let positive = axes.map { $0 < 0 ? $0 + rank : $0 }.sorted()
        guard let first = positive.first, positive == Array(first..<rank) else { return nil }
        return first
    }
}
