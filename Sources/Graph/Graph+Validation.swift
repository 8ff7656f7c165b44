// SPDX-License-Identifier: Apache-2.0

extension Graph {
    /// Checks that names are unique, that every input is produced by an earlier node, and that there is an output node.
    public func validate() throws(GraphError) {
        var names = Set<String>(minimumCapacity: nodes.count)
        for (index, node) in nodes.enumerated() {
            guard names.insert(node.name).inserted else { throw .duplicateName(node.name) }
            for (slot, ref) in node.inputs.enumerated() {
                guard let ref else { continue }
                guard ref.node >= 0, ref.node < index, nodes[ref.node].outputs.indices.contains(ref.output) else {
                    throw .danglingInput(node: node.name, slot: slot)
                }
            }
        }
        guard outputNode != nil else { throw .missingOutputNode(graph: name) }
    }
}
