// SPDX-License-Identifier: Apache-2.0

extension Graph {
    /// Checks that names are unique, that every input is produced by an earlier node, that there is an output node, which
    /// nobody reads, and that every tensor is within limits.
    public func validate() throws(GraphError) {
        var names = Set<String>(minimumCapacity: nodes.count)
        for (index, node) in nodes.enumerated() {
            guard names.insert(node.name).inserted else { throw .duplicateName(node.name) }
            try node.checkLimits()
            for (slot, ref) in node.inputs.enumerated() {
                guard let ref else { continue }
                guard ref.node >= 0, ref.node < index, nodes[ref.node].outputs.indices.contains(ref.output) else {
                    throw .danglingInput(node: node.name, slot: slot)
                }
                guard nodes[ref.node].type != "NetOutput" else {
                    throw .invalidNode(
                        node: node.name, type: node.type,
                        reason: "input \(slot) reads '\(nodes[ref.node].name)', which is the end of the graph")
                }
            }
        }
        guard outputNode != nil else { throw .missingOutputNode(graph: name) }
    }
}

extension Node {
    /// Refuses tensors that cannot be, of which sizes could not be computed.
    public func checkLimits() throws(GraphError) {
        for desc in inputDescs { try check(desc, "an input") }
        for desc in outputs { try check(desc, "an output") }
        if let constant { try check(constant.desc, "the value") }
    }

    private func check(_ desc: TensorDesc, _ what: String) throws(GraphError) {
        guard desc.isWithinLimits else {
            throw .invalidNode(
                node: name, type: type,
                reason: "\(what) has the type \(desc.dataType), the shape \(desc.shape)"
                    + (desc.size.map { " and a size of \($0) bytes" } ?? "")
                    + ", expected at most \(TensorDesc.rankLimit) dimensions and \(TensorDesc.byteLimit) bytes")
        }
    }
}
