// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

extension ONNXNodeProto {
    /// The names of all tensors that the node reads, its inner graphs included.
    var readNames: [String] { input + attribute.filter(\.hasG).flatMap(\.g.readNames) }
}

extension ONNXGraphProto {
    /// Every name that the graph reads or returns, its own and those of outer graphs.
    fileprivate var readNames: [String] { output.map(\.name) + node.flatMap(\.readNames) }
}

/// Which node makes each tensor. Throws E13014 where two of them make one.
func producers(of nodes: [ONNXNodeProto]) throws(ConversionError) -> [String: Int] {
    var producers: [String: Int] = [:]
    for (index, node) in nodes.enumerated() {
        for name in node.output where !name.isEmpty {
            if let other = producers[name] {
                throw ConversionError(
                    "E13014",
                    "Tensor [\(name)] is a result of node [\(nodes[other].name)] of type [\(nodes[other].opType)] and of node "
                        + "[\(node.name)] of type [\(node.opType)].",
                    cause: "Each tensor of a model has one name, and one node that makes it.")
            }
            producers[name] = index
        }
    }
    return producers
}

/// The nodes so that each comes after those whose results it reads; as they are where that holds already.
///
/// ONNX asks for this order, but GE and ONNX Runtime link nodes by the names of tensors.
func topologicallySorted(_ nodes: [ONNXNodeProto]) throws(ConversionError) -> [ONNXNodeProto] {
    let producers = try producers(of: nodes)
    let reads = nodes.enumerated().map { index, node in
        node.readNames.compactMap { producers[$0] }.filter { $0 != index }
    }
    if zip(nodes.indices, reads).allSatisfy({ index, sources in sources.allSatisfy { $0 < index } }) { return nodes }
    var order: [Int] = []
    // 0: not visited, 1: on the stack, 2: placed.
    var state = [UInt8](repeating: 0, count: nodes.count)
    for root in nodes.indices where state[root] == 0 {
        var stack = [(node: root, next: 0)]
        state[root] = 1
        while let (node, next) = stack.last {
            guard next < reads[node].count else {
                state[node] = 2
                order.append(node)
                stack.removeLast()
                continue
            }
            stack[stack.count - 1].next = next + 1
            let source = reads[node][next]
            guard state[source] != 1 else {
                throw ConversionError(
                    "E13014",
                    "Node [\(nodes[source].name)] of type [\(nodes[source].opType)] depends on its own result.",
                    cause: "The nodes of the model depend on each other in a circle.")
            }
            if state[source] == 0 {
                state[source] = 1
                stack.append((source, 0))
            }
        }
    }
    return order.map { nodes[$0] }
}
