// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph

/// Merges nodes that compute the same from the same inputs, and constants with the same elements.
func shareEqualNodes(_ draft: inout GraphDraft) throws(ConversionError) -> Bool {
    var changed = false
    var seen: [NodeKey: Int] = [:]
    for node in draft.topologicalOrder() {
        let candidate = draft.nodes[node]
        guard !Graph.dataTypes.contains(candidate.type), candidate.type != "NetOutput",
            !NodeFolding.randomTypes.contains(candidate.type), candidate.subgraphs.isEmpty
        else { continue }
        let key = NodeKey(candidate)
        if let twin = seen[key] {
            for output in candidate.outputs.indices {
                draft.replaceUses(of: TensorRef(node, output), with: TensorRef(twin, output))
            }
            draft.removeIfUnused(node)
            changed = true
        } else {
            seen[key] = node
        }
    }
    return changed
}

extension Node {
    /// The attribute that lists the operators of the network that went into a node.
    static let originalNamesKey = "_datadump_original_op_names"
}

/// What equal nodes have in common.
private struct NodeKey: Hashable {
    let type: String
    let inputs: [TensorRef?]
    /// Without the operators that the node was made of.
    let attributes: [String: Attribute]

    init(_ node: Node) {
        type = node.type
        inputs = node.inputs
        var attributes = node.attributes
        attributes[Node.originalNamesKey] = nil
        self.attributes = attributes
    }
}
