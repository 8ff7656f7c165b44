// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic
import SystemMemory

/// If and Case: one of several bodies, chosen by the value of input 0. PartitionedCall: the one body.
///
/// Source: GE's prototypes of If and Case: a number that is no branch of Case chooses the last one.
struct BranchStage: Stage {
    let node: Node
    /// In the order of If's sub-graphs (then, else) or of Case's branches.
    let bodies: [Body]
    let hasSelector: Bool
    /// The node's inputs; nil where nobody reads them.
    let inputs: [RegionPlan.Source?]
    let outputs: [Int]

    @unsafe
    func run(_ frame: inout Frame, while goesOn: () -> Bool) throws {
        guard hasSelector else { return try unsafe run(bodies[0], &frame, while: goesOn) }
        guard let selector = inputs.first ?? nil, let value = try unsafe frame.tensor(selector).firstInteger() else {
            throw GraphError.invalidNode(
                node: node.name, type: node.type, reason: "input 0, which chooses the branch, has no element")
        }
        try unsafe run(bodies[Self.branch(value, of: node, count: bodies.count)], &frame, while: goesOn)
    }

    static func branch(_ value: Int, of node: Node, count: Int) -> Int {
        if node.type.hasSuffix("Case") { return (0..<count).contains(value) ? value : count - 1 }
        return value != 0 ? 0 : count - 1
    }

    @unsafe
    private func run(_ body: Body, _ frame: inout Frame, while goesOn: () -> Bool) throws {
        let arguments = try unsafe body.arguments.map { argument in
            guard let source = inputs[argument] else {
                throw GraphError.danglingInput(node: node.name, slot: argument)
            }
            return try unsafe frame.tensor(source)
        }
        let plan = try unsafe body.region.plan(for: arguments)
        var destinations = unsafe [UnsafeMutableRawPointer?](repeating: nil, count: body.results.count)
        for (output, result) in body.results.enumerated() {
            guard unsafe destinations.indices.contains(result), let slot = unsafe frame.slots[outputs[output]]
            else { continue }
            let room = unsafe slot.byteCount
            if plan.outputDescs?[result].byteCount == room { unsafe destinations[result] = unsafe slot.address }
        }
        let results = try unsafe plan.run(arguments, into: destinations, while: goesOn)
        for (output, result) in body.results.enumerated() {
            unsafe frame.put(results[result], into: outputs[output])
        }
    }
}

extension Frame {
    /// Makes `tensor` the content of a slot. What has its memory already, which somebody may wait for, gets a copy.
    mutating func put(_ tensor: BoundTensor, into slot: Int) {
        guard let target = unsafe slots[slot], unsafe target.byteCount == tensor.byteCount else {
            unsafe slots[slot] = unsafe tensor
            return
        }
        // Safe: both have so many bytes; where a result was written in place they are the same.
        if unsafe target.address != tensor.address {
            unsafe target.address.copyMemory(from: tensor.address, byteCount: tensor.byteCount)
        }
        unsafe slots[slot]?.desc = unsafe tensor.desc
    }
}

/// While: the second body is executed as long as the first one gives true.
///
/// Source: GE's prototype of While: inputs and outputs are the same tensors, before the first and after the last turn.
struct WhileStage: Stage {
    let node: Node
    let condition: Body
    let body: Body
    let inputs: [RegionPlan.Source?]
    let outputs: [Int]

    @unsafe
    func run(_ frame: inout Frame, while goesOn: () -> Bool) throws {
        var carried = try unsafe inputs.map { try unsafe $0.map { try unsafe frame.tensor($0) } }
        while true {
            guard goesOn() else { throw ExecutableError.stopped }
            let question = try unsafe condition.bind(carried, of: node)
            let answer = try unsafe condition.region.plan(for: question).run(question, into: [], while: goesOn)
            guard let value = unsafe answer.first?.firstInteger() else {
                throw GraphError.invalidNode(node: node.name, type: node.type, reason: "its condition has no element")
            }
            if value == 0 { break }
            let arguments = try unsafe body.bind(carried, of: node)
            let plan = try unsafe body.region.plan(for: arguments)
            let results = try unsafe plan.run(arguments, into: [], while: goesOn)
            // The next turn writes where this one's results are.
            for (output, result) in body.results.enumerated() {
                guard unsafe output < carried.count else { continue }
                let kept = unsafe try results[result].moved()
                unsafe carried[output] = unsafe kept
            }
        }
        for (output, slot) in outputs.enumerated() {
            if let tensor = unsafe carried[output] { unsafe frame.put(tensor, into: slot) }
        }
    }
}

extension Body {
    /// The tensors for the region's inputs, from those of the node.
    @unsafe
    func bind(_ tensors: [BoundTensor?], of node: Node) throws(GraphError) -> [BoundTensor] {
        var bound: [BoundTensor] = unsafe []
        for argument in arguments {
            guard let tensor = unsafe tensors[argument] else {
                throw .danglingInput(node: node.name, slot: argument)
            }
            unsafe bound.append(tensor)
        }
        return unsafe bound
    }
}

extension BoundTensor {
    /// The same elements in memory of their own.
    func moved() throws(MemoryExhausted) -> BoundTensor {
        let memory = unsafe try OwnedMemory(byteCount)
        unsafe memory.start.copyMemory(from: address, byteCount: byteCount)
        return unsafe BoundTensor(desc, in: memory)
    }
}
