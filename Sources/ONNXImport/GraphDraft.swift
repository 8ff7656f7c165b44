// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph
import SaturatingArithmetic

/// A graph that is being built and rewritten: nodes keep their number, know their users, and come in any order.
///
/// A rewrite appends nodes, redirects users and removes nodes; `finished` sorts and renumbers once at the end.
struct GraphDraft {
    /// One input slot of one node.
    struct Use: Hashable {
        let node: Int
        let slot: Int
    }

    private(set) var nodes: [Node] = []
    private var users: [TensorRef: Set<Use>] = [:]
    /// How many slots read any output of a node.
    private var useCounts: [Int] = []
    private var isRemoved: [Bool] = []
    /// Nodes of which the results have sizes that executions decide about. Their descriptors hold stand-ins for these.
    private var dynamicNodes: Set<Int> = []
    /// What such nodes give for the stand-ins, where that follows from them.
    private var standInValues: [TensorRef: Constant] = [:]
    var standIns = StandIns(.first)
    /// Whether some size has no limit that could be told.
    var hasUnlimitedSizes = false
    /// What may still be computed at conversion.
    var budget = FoldingBudget(modelBytes: 0)

    /// The nodes that are still there, oldest first.
    var liveNodes: [Int] { nodes.indices.filter { !isRemoved[$0] } }

    func isLive(_ node: Int) -> Bool { !isRemoved[node] }

    /// - isDynamic: whether executions decide about sizes of its results.
    /// - standIns: the values of its results for the stand-ins of such sizes.
    @discardableResult
    mutating func append(_ node: Node, isDynamic: Bool = false, standIns: [Constant]? = nil) -> Int {
        let index = nodes.count
        if isDynamic || node.inputs.contains(where: { $0.map { self.isDynamic($0) } ?? false }) {
            dynamicNodes.insert(index)
        }
        for (output, value) in (standIns ?? []).enumerated() { standInValues[TensorRef(index, output)] = value }
        nodes.append(node)
        useCounts.append(0)
        isRemoved.append(false)
        for (slot, ref) in node.inputs.enumerated() {
            if let ref { addUse(Use(node: index, slot: slot), of: ref) }
        }
        return index
    }

    private mutating func addUse(_ use: Use, of ref: TensorRef) {
        users[ref, default: []].insert(use)
        useCounts[ref.node] += 1
    }

    func desc(_ ref: TensorRef) -> TensorDesc { nodes[ref.node].outputs[ref.output] }

    func constant(_ ref: TensorRef?) -> Constant? { ref.flatMap { nodes[$0.node].constant } }

    /// Whether executions decide about the sizes of `ref`, or it may be so.
    func isDynamic(_ ref: TensorRef) -> Bool { dynamicNodes.contains(ref.node) }

    /// Whether that holds for any node.
    var hasDynamicNodes: Bool { !dynamicNodes.isEmpty }

    /// The value of `ref`: of a constant, or for the stand-ins.
    func standIn(_ ref: TensorRef?) -> Constant? { ref.flatMap { constant($0) ?? standInValues[$0] } }

    /// Who reads `ref`.
    func users(of ref: TensorRef) -> Set<Use> { users[ref] ?? [] }

    /// The node that is the one reader of `ref`; nil if there are several readers or none.
    func onlyUser(of ref: TensorRef) -> Use? {
        let all = users(of: ref)
        return all.count == 1 ? all.first : nil
    }

    func isUnused(_ node: Int) -> Bool { useCounts[node] == 0 }

    mutating func setInput(_ slot: Int, of node: Int, to ref: TensorRef?) {
        while nodes[node].inputs.count <= slot {
            nodes[node].inputs.append(nil)
        }
        if let old = nodes[node].inputs[slot] {
            users[old]?.remove(Use(node: node, slot: slot))
            useCounts[old.node] -= 1
        }
        nodes[node].inputs[slot] = ref
        if let ref { addUse(Use(node: node, slot: slot), of: ref) }
    }

    mutating func setInputName(_ name: String, slot: Int, of node: Int) {
        while nodes[node].inputNames.count <= slot {
            nodes[node].inputNames.append("")
        }
        nodes[node].inputNames[slot] = name
    }

    /// Lets everyone who reads `old` read `new` instead.
    mutating func replaceUses(of old: TensorRef, with new: TensorRef) {
        for use in users(of: old) {
            setInput(use.slot, of: use.node, to: new)
        }
    }

    mutating func setAttribute(_ name: String, of node: Int, to value: Attribute) {
        nodes[node].attributes[name] = value
    }

    mutating func setOutput(_ output: Int, of node: Int, to desc: TensorDesc) {
        nodes[node].outputs[output] = desc
    }

    mutating func setName(_ name: String, of node: Int) { nodes[node].name = name }

    /// Takes a node without users out of the graph, and then the nodes that only it read; inputs of the model stay.
    mutating func removeIfUnused(_ node: Int) {
        var candidates = [node]
        while let next = candidates.popLast() {
            guard !isRemoved[next], isUnused(next), nodes[next].type != "NetOutput",
                !Graph.dataTypes.contains(nodes[next].type)
            else { continue }
            isRemoved[next] = true
            let producers = Set(nodes[next].inputs.compactMap { $0?.node })
            for (slot, ref) in nodes[next].inputs.enumerated() where ref != nil {
                setInput(slot, of: next, to: nil)
            }
            nodes[next].attributes = [:]
            candidates.append(contentsOf: producers)
        }
    }

    mutating func removeUnused() {
        for node in nodes.indices.reversed() {
            removeIfUnused(node)
        }
    }

    /// Live nodes so that each comes after the producers of its inputs; otherwise in the order of their numbers.
    func topologicalOrder() -> [Int] {
        var order: [Int] = []
        order.reserveCapacity(nodes.count)
        // 0: not visited, 1: on the stack, 2: placed.
        var state = [UInt8](repeating: 0, count: nodes.count)
        for root in nodes.indices where !isRemoved[root] && state[root] == 0 {
            var stack = [(node: root, next: 0)]
            state[root] = 1
            while let top = stack.last {
                guard
                    let slot = nodes[top.node].inputs[top.next...].firstIndex(where: { ref in
                        ref.map { state[$0.node] == 0 } ?? false
                    })
                else {
                    order.append(top.node)
                    state[top.node] = 2
                    stack.removeLast()
                    continue
                }
                stack[stack.count - 1].next = slot + 1
                let producer = nodes[top.node].inputs[slot]!.node
                state[producer] = 1
                stack.append((producer, 0))
            }
        }
        return order
    }

    /// The graph of the live nodes, sorted and renumbered.
    func finished(name: String) -> Graph {
        let order = topologicalOrder()
        var number = [Int](repeating: -1, count: nodes.count)
        for (new, old) in order.enumerated() {
            number[old] = new
        }
        let sorted = order.map { old in
            var node = nodes[old]
            node.inputs = node.inputs.map { $0.map { TensorRef(number[$0.node], $0.output) } }
            return node
        }
        return Graph(name: name, nodes: sorted)
    }
}
