// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// Types that only change the shape.
private let reshapeTypes: Set<String> = [
    "Reshape", "Squeeze", "SqueezeV3", "Unsqueeze", "UnsqueezeV3", "Flatten", "ExpandDims",
]

/// Lets the last of several reshapes in a row read what the first one reads.
func mergeReshapes(_ draft: inout GraphDraft) throws(ConversionError) -> Bool {
    var changed = false
    for node in draft.liveNodes where draft.isLiveType(node, reshapeTypes) {
        let shape = draft.nodes[node].outputs[0].shape
        guard draft.nodes[node].outputs[0].isStatic, !draft.isDynamic(TensorRef(node)),
            let before = draft.producer(of: node, slot: 0, reshapeTypes), let source = draft.nodes[before].inputs[0]
        else { continue }
        try draft.replace(node, withReshapeOf: source, to: shape)
        changed = true
    }
    return changed
}

/// Merges two transposes in a row, and turns a transpose that only moves dimensions of size 1 into a reshape.
func mergeTransposes(_ draft: inout GraphDraft) throws(ConversionError) -> Bool {
    var changed = false
    for node in draft.liveNodes where draft.isLiveType(node, ["Transpose"]) {
        guard let source = draft.nodes[node].inputs[0],
            let permutation = draft.constant(draft.nodes[node].inputs[1])?.ints
        else { continue }
        let shape = draft.desc(source).shape
        if draft.desc(source).isStatic, !draft.isDynamic(source), permutation.count == shape.count {
            let moved = permutation.filter { shape[$0] != 1 }
            if moved == moved.sorted() {
                try draft.replace(node, withReshapeOf: source, to: draft.nodes[node].outputs[0].shape)
                changed = true
                continue
            }
        }
        guard let before = draft.producer(of: node, slot: 0, ["Transpose"]), let first = draft.nodes[before].inputs[0],
            let inner = draft.constant(draft.nodes[before].inputs[1])?.ints, inner.count == permutation.count
        else { continue }
        let combined = Constant(ints: permutation.map { inner[$0] }, dataType: .int32)
        let perm = draft.addConstant(combined, name: "\(draft.nodes[node].name)_perm")
        draft.setInput(0, of: node, to: first)
        draft.setInput(1, of: node, to: perm)
        draft.removeIfUnused(before)
        changed = true
    }
    return changed
}

extension GraphDraft {
    fileprivate mutating func replace(
        _ node: Int, withReshapeOf source: TensorRef, to shape: [Int]
    ) throws(ConversionError) {
        let target = addConstant(Constant(ints: shape), name: "\(nodes[node].name)_shape")
        try replace(
            node,
            with: Node(
                name: "", type: "Reshape", inputs: [source, target], inputNames: ["x", "shape"], outputNames: ["y"],
                attributes: ["axis": .int(0), "num_axes": .int(-1), "allowzero": .int(1)]))
    }
}
