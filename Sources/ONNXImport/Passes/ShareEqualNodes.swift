// SPDX-License-Identifier: Apache-2.0

import GEGraph

/// Merges nodes that compute the same from the same inputs, and constants with the same elements.
func shareEqualNodes(_ draft: inout GraphDraft) throws(ConversionError) -> Bool {
    var changed = false
    var seen: [NodeKey: [Int]] = [:]
    for node in draft.topologicalOrder() {
        let candidate = draft.nodes[node]
        guard !Graph.dataTypes.contains(candidate.type), candidate.type != "NetOutput",
            !GraphDraft.randomTypes.contains(candidate.type), candidate.subgraphs.isEmpty
        else { continue }
        let key = NodeKey(candidate)
        if let twin = seen[key]?.first(where: { draft.nodes[$0].hasAttributes(of: candidate) }) {
            for output in candidate.outputs.indices {
                draft.replaceUses(of: TensorRef(node, output), with: TensorRef(twin, output))
            }
            draft.removeIfUnused(node)
            changed = true
        } else {
            seen[key, default: []].append(node)
        }
    }
    return changed
}

extension Node {
    /// The attribute that lists the operators of the network that went into a node.
    static let originalNamesKey = "_datadump_original_op_names"

    /// Whether the nodes compute the same, whatever they were made of.
    fileprivate func hasAttributes(of other: Node) -> Bool {
        var (mine, others) = (attributes, other.attributes)
        mine[Node.originalNamesKey] = nil
        others[Node.originalNamesKey] = nil
        return mine == others
    }
}

/// What equal nodes have in common and what is quick to hash; attributes are compared afterwards.
private struct NodeKey: Hashable {
    let type: String
    let inputs: [TensorRef?]
    /// Of a constant: its type, shape and first bytes.
    let dataType: Int32
    let shape: [Int]
    let start: [UInt8]

    init(_ node: Node) {
        type = node.type
        inputs = node.inputs
        let constant = node.constant
        dataType = constant?.desc.dataType.rawValue ?? -1
        shape = constant?.desc.shape ?? []
        if case .inline(let bytes)? = constant?.data {
            start = Array(bytes.prefix(64))
        } else {
            start = []
        }
    }
}
