// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@testable import Executable

/// GE's control flow and shapes that are known late, as graphs that no ONNX model becomes.
@Suite struct RegionTests {
    // MARK: Building

    private func data(_ name: String, _ shape: [Int], type: DataType = .float, index: Int, parent: Int? = nil) -> Node {
        var attributes: [String: Attribute] = ["index": .int(Int64(index))]
        if let parent { attributes["_parent_node_index"] = .int(Int64(parent)) }
        return Node(name: name, type: "Data", outputs: [TensorDesc(type, shape)], attributes: attributes)
    }

    private func constant(_ name: String, _ values: [Float]) -> Node {
        Node(
            name: name, type: "Const", outputs: [TensorDesc(.float, [values.count])],
            attributes: ["value": .tensor(Constant(floats: values))])
    }

    private func node(
        _ name: String, _ type: String, _ inputs: [Int], _ descs: [TensorDesc] = [TensorDesc(.float, [-1])]
    )
        -> Node
    {
        Node(name: name, type: type, inputs: inputs.map { TensorRef($0) }, outputs: descs)
    }

    private func end(_ inputs: [Int]) -> Node {
        Node(name: "end", type: "NetOutput", inputs: inputs.map { TensorRef($0) })
    }

    /// x + number, as the body of a node whose input `parent` is x.
    private func adding(_ number: Float, name: String, parent: Int) -> Graph {
        Graph(
            name: name,
            nodes: [
                data("\(name)_x", [-1], index: 0, parent: parent), constant("\(name)_number", [number]),
                node("\(name)_sum", "Add", [0, 1]), end([2]),
            ])
    }

    // MARK: Running

    private func run(_ model: Model, _ inputs: [(desc: TensorDesc, bytes: [UInt8])], turns: Int = .max) throws
        -> [[Float]]
    {
        let dynamic = try DynamicModel(model, weightBytes: 0, threads: 1)
        let instance = unsafe DynamicInstance(dynamic, weights: UnsafeRawBufferPointer(start: nil, count: 0))
        let memories = try inputs.map { try OwnedMemory($0.bytes.count) }
        var tensors: [BoundTensor] = unsafe []
        for (input, memory) in zip(inputs, memories) {
            unsafe UnsafeMutableRawBufferPointer(start: memory.start, count: input.bytes.count).copyBytes(
                from: input.bytes)
            unsafe tensors.append(BoundTensor(input.desc, memory.start))
        }
        var asked = 0
        let results = try unsafe instance.execute(tensors, into: []) {
            asked += 1
            return asked < turns
        }
        return unsafe results.map { unsafe $0.copied().floats ?? [] }
    }

    private func floats(_ values: [Float]) -> (desc: TensorDesc, bytes: [UInt8]) {
        (TensorDesc(.float, [values.count]), bytes(Constant(floats: values)))
    }

    private func integer(_ value: Int) -> (desc: TensorDesc, bytes: [UInt8]) {
        (TensorDesc(.int32, []), bytes(Constant(ints: [value], dataType: .int32)))
    }

    private func bytes(_ constant: Constant) -> [UInt8] {
        if case .inline(let bytes) = constant.data { bytes } else { [] }
    }

    // MARK: Branches

    @Test(arguments: [(0, 10), (1, 20), (2, 30), (7, 30), (-1, 30)] as [(Int, Float)])
    func caseTakesTheLastBranchForOtherNumbers(branch: Int, added: Float) throws {
        var choice = node("choice", "Case", [0, 1])
        choice.subgraphs = ["ten", "twenty", "thirty"]
        let model = Model(
            name: "case",
            graph: Graph(
                name: "root",
                nodes: [data("which", [], type: .int32, index: 0), data("x", [-1], index: 1), choice, end([2])]),
            subgraphs: [
                adding(10, name: "ten", parent: 1), adding(20, name: "twenty", parent: 1),
                adding(30, name: "thirty", parent: 1),
            ])
        #expect(try run(model, [integer(branch), floats([1, 2])]) == [[1 + added, 2 + added]])
    }

    @Test func partitionedCallsAreExecutedAtEveryDepth() throws {
        var outer = node("outer", "PartitionedCall", [0])
        outer.subgraphs = ["middle"]
        var inner = node("inner", "PartitionedCall", [0])
        inner.subgraphs = ["sum"]
        let middle = Graph(
            name: "middle", nodes: [data("m", [-1], index: 0), inner, node("twice", "Add", [1, 1]), end([2])])
        let model = Model(
            name: "calls", graph: Graph(name: "root", nodes: [data("x", [-1], index: 0), outer, end([1])]),
            subgraphs: [middle, adding(1, name: "sum", parent: 0)])
        #expect(try run(model, [floats([1, 2, 3])]) == [[4, 6, 8]])
    }

    // MARK: Loops

    private func halving(while limit: Float) -> Model {
        var loop = node("loop", "While", [0])
        loop.subgraphs = ["goes", "halve"]
        let goes = Graph(
            name: "goes",
            nodes: [
                data("c", [-1], index: 0), constant("limit", [limit]),
                node("sum", "ReduceSumD", [0]), node("goes_on", "Greater", [2, 1], [TensorDesc(.bool, [1])]), end([3]),
            ])
        var sumGoes = goes
        sumGoes.nodes[2].attributes = ["axes": .ints([0]), "keep_dims": .bool(true)]
        let halve = Graph(
            name: "halve",
            nodes: [data("h", [-1], index: 0), constant("half", [0.5]), node("product", "Mul", [0, 1]), end([2])])
        return Model(
            name: "while", graph: Graph(name: "root", nodes: [data("x", [-1], index: 0), loop, end([1])]),
            subgraphs: [sumGoes, halve])
    }

    @Test func whileGoesOnAsLongAsItsConditionHolds() throws {
        #expect(try run(halving(while: 3), [floats([8, 8])]) == [[1, 1]])
        #expect(try run(halving(while: 100), [floats([8, 8])]) == [[8, 8]])
    }

    @Test func aLoopWithoutEndCanBeStopped() throws {
        #expect(throws: ExecutableError.stopped) { _ = try run(halving(while: -1), [floats([8])], turns: 50) }
    }

    // MARK: Refusals

    @Test func graphsThatContainThemselvesAreRefused() throws {
        var call = node("call", "PartitionedCall", [0])
        call.subgraphs = ["self"]
        let body = Graph(name: "self", nodes: [data("b", [-1], index: 0), call, end([1])])
        let model = Model(
            name: "circle", graph: Graph(name: "root", nodes: [data("x", [-1], index: 0), call, end([1])]),
            subgraphs: [body])
        #expect(throws: GraphError.self) { _ = try run(model, [floats([1])]) }
    }

    @Test func bodiesThatDoNotFitAreRefused() throws {
        let x = data("x", [-1], index: 0)
        for (type, names) in [
            ("PartitionedCall", ["nowhere"]), ("PartitionedCall", []), ("Case", []), ("While", ["sum"]),
        ] {
            var call = node("call", type, [0])
            call.subgraphs = names
            let model = Model(
                name: "bad", graph: Graph(name: "root", nodes: [x, call, end([1])]),
                subgraphs: [adding(1, name: "sum", parent: 0)])
            #expect(throws: GraphError.self, "\(type) \(names)") { _ = try run(model, [floats([1])]) }
        }
        // A body that asks for an input which the node does not have, and one that gives too few outputs.
        var call = node("call", "PartitionedCall", [0])
        call.subgraphs = ["sum"]
        for body in [
            adding(1, name: "sum", parent: 5), Graph(name: "sum", nodes: [data("d", [-1], index: 0), end([])]),
        ] {
            let model = Model(name: "bad", graph: Graph(name: "root", nodes: [x, call, end([1])]), subgraphs: [body])
            #expect(throws: GraphError.self) { _ = try run(model, [floats([1])]) }
        }
    }

    @Test func chainsOfCountedResultsHaveAnEnd() throws {
        var nodes = [data("x", [4], index: 0)]
        for number in 0..<400 {
            nodes.append(
                Node(
                    name: "find\(number)", type: "NonZero", inputs: [TensorRef(nodes.count - 1)],
                    outputs: [TensorDesc(.int64, [-1, -1])], attributes: ["dtype": .dataType(.int64)]))
        }
        nodes.append(end([nodes.count - 1]))
        let model = Model(name: "chain", graph: Graph(name: "root", nodes: nodes))
        #expect(throws: GraphError.self) { _ = try run(model, [floats([1, 1, 1, 1])]) }
    }
}
