// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic
import SystemMemory

/// Loop: a body is executed a number of times, or as long as it wants; some results go into the next turn, others are
/// collected along a new first dimension.
///
/// Source: ONNX's operator Loop, which GE has no counterpart of. Inputs: the number of turns, the first condition (either
/// may be absent), what the turns carry, then what all turns read. The body sees the number of the turn and the condition
/// in their places. Its outputs: the next condition, what is carried, what is collected.
struct LoopStage: Stage {
    let node: Node
    let body: Body
    /// How many tensors the turns carry.
    let carriedCount: Int
    let inputs: [RegionPlan.Source?]
    let outputs: [Int]
    /// Types and shapes of what is collected, should there be no turn.
    let collected: [TensorDesc]

    @unsafe
    func run(_ frame: inout Frame, while goesOn: () -> Bool) throws {
        var tensors = try unsafe inputs.map { try unsafe $0.map { try unsafe frame.tensor($0) } }
        let turns = unsafe tensors[0]?.firstInteger() ?? Int.max
        var goes = unsafe (tensors[1]?.firstInteger() ?? 1) != 0
        var collections = try collected.map { try Collection($0) }
        var turn = 0
        while turn < turns, goes {
            guard goesOn() else { throw ExecutableError.stopped }
            try SystemMemory.check()
            unsafe tensors[0] = try unsafe .scalar(Constant(ints: [turn], shape: [], dataType: .int64))
            unsafe tensors[1] = try unsafe .scalar(Constant(TensorDesc(.bool, []), .inline([1])))
            let arguments = try unsafe body.bind(tensors, of: node)
            let plan = try unsafe body.region.plan(for: arguments)
            let results = try unsafe plan.run(arguments, into: [], while: goesOn)
            if let next = unsafe results[body.results[0]].firstInteger() { goes = next != 0 }
            for index in collections.indices {
                try unsafe collections[index].append(results[body.results[1 + carriedCount + index]])
            }
            // The next turn writes where this one's results are.
            for index in 0..<carriedCount {
                unsafe tensors[2 + index] = try unsafe results[body.results[1 + index]].moved()
            }
            turn += 1
        }
        for index in 0..<carriedCount {
            if let tensor = unsafe tensors[2 + index] { unsafe frame.put(tensor, into: outputs[index]) }
        }
        for (index, collection) in collections.enumerated() {
            unsafe frame.put(try unsafe collection.finished(node), into: outputs[carriedCount + index])
        }
    }

    /// Results of the turns, one behind the other.
    private struct Collection {
        private var desc: TensorDesc
        private var count = 0
        private var bytes: [UInt8] = []
        private var isUniform = true

        init(_ desc: TensorDesc) throws { self.desc = desc }

        @unsafe
        mutating func append(_ tensor: BoundTensor) throws {
            if count == 0 { desc = unsafe tensor.desc }
            if unsafe tensor.desc.shape != desc.shape { isUniform = false }
            count += 1
            guard SystemMemory.hasRoom(toGrow: bytes) else { throw MemoryExhausted(byteCount: 2 * bytes.count) }
            try unsafe SystemMemory.require(tensor.byteCount)
            unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: tensor.address, count: tensor.byteCount))
        }

        @unsafe
        func finished(_ node: Node) throws -> BoundTensor {
            guard isUniform else {
                throw GraphError.invalidNode(
                    node: node.name, type: node.type, reason: "its turns give results of different shapes to collect")
            }
            var whole = desc
            whole.shape = [count] + desc.shape.map { max($0, 0) }
            let memory = try OwnedMemory(bytes.count)
            unsafe bytes.withUnsafeBytes { source in
                if let start = source.baseAddress {
                    unsafe memory.start.copyMemory(from: start, byteCount: source.count)
                }
            }
            return unsafe BoundTensor(whole, in: memory)
        }
    }
}

extension BoundTensor {
    /// A constant in memory of its own.
    static func scalar(_ constant: Constant) throws(MemoryExhausted) -> BoundTensor {
        let memory = try OwnedMemory(constant.desc.byteCount ?? 0)
        if case .inline(let bytes) = constant.data {
            for (index, byte) in bytes.enumerated() {
                unsafe memory.start.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
            }
        }
        return unsafe BoundTensor(constant.desc, in: memory)
    }
}
