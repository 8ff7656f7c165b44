// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import GEGraph
import SwiftProtobuf
import Testing

@testable import OfflineModel

/// Graphs that no writer of ours produces.
struct GraphTests {
    private func op(_ name: String, _ type: String = "Relu", _ inputs: [String] = [], outputs: Int = 1) -> IROpDef {
        .with {
            $0.name = name
            $0.type = type
            $0.input = inputs
            $0.outputDesc = Array(repeating: IRTensorDescriptor.with { $0.dtype = 1 }, count: outputs)
        }
    }

    private func file(
        _ graphs: [IRGraphDef], attributes: [String: IRAttrDef] = [:], weights: [UInt8] = []
    ) throws -> [UInt8] {
        let model = IRModelDef.with {
            $0.graph = graphs
            $0.attr = attributes.map { IRAttrEntry($0.key, $0.value) }
        }
        let definition: [UInt8] = try model.serializedBytes()
        return ContainerBuilder([(.modelDef, definition), (.weights, weights)]).bytes
    }

    private func graph(_ ops: [IROpDef]) -> IRGraphDef {
        .with {
            $0.name = "root"
            $0.op = ops
        }
    }

    private func expectRefusal(_ text: String, code: Int32 = 500_002, _ bytes: [UInt8]) {
        let error = #expect(throws: OfflineModelError.self) { try parse(bytes) }
        #expect(error?.description.contains(text) == true, "\(error?.description ?? "loaded")")
        #expect(error?.code == code)
    }

    @Test func sortsNodesStably() throws {
        let ops = [
            op("out", "NetOutput", ["b:0", "a:0"]), op("b", "Relu", ["x:0", "last:-1"]), op("x", "Data"),
            op("a", "Relu", ["x:0"]), op("last", "Neg"),
        ]
        let graph = try parse(file([graph(ops)])).model.graph
        #expect(graph.nodes.map(\.name) == ["x", "a", "last", "b", "out"])
        #expect(graph.nodes[3].inputs == [TensorRef(0)])
        #expect(graph.nodes[3].controlInputs == [2])
        #expect(graph.nodes[4].inputs == [TensorRef(3), TensorRef(1)])
        #expect(throws: Never.self) { try graph.validate() }
    }

    @Test func keepsAnOrderThatIsOne() throws {
        let ops = [op("z", "Data"), op("y", "Relu", ["z:0"]), op("a", "Data"), op("out", "NetOutput", ["y:0", "a:0"])]
        #expect(try parse(file([graph(ops)])).model.graph.nodes.map(\.name) == ["z", "y", "a", "out"])
    }

    @Test func sortsManyNodesQuickly() throws {
        let count = 20_000
        var ops = (0..<count).map { op("n\($0)", "Relu", $0 == 0 ? [] : ["n\($0 - 1):0"]) }
        ops.append(op("out", "NetOutput", ["n\(count - 1):0"]))
        let graph = try parse(file([graph(ops.reversed())])).model.graph
        #expect(graph.nodes.map(\.name) == ops.map(\.name))
    }

    @Test func refusesContradictions() throws {
        let out = op("out", "NetOutput", ["a:0"])
        let contradictions: [(String, [IROpDef])] = [
            ("two nodes are named 'a'", [op("a"), op("a"), out]),
            ("node 0 (Relu) has no name", [op(""), out]),
            ("takes an output of 'b', which does not exist", [op("a", "Relu", ["b:0"]), out]),
            ("takes an output of 'gone', which does not exist", [op("a", "Relu", ["gone:-1"]), out]),
            ("takes output 1 of 'b', which has 1", [op("b"), op("a", "Relu", ["b:1"]), out]),
            ("takes output 0 of 'b', which has 0", [op("b", outputs: 0), op("a", "Relu", ["b:0"]), out]),
            ("in a circle", [op("a", "Relu", ["b:0"]), op("b", "Relu", ["a:0"]), out]),
            ("in a circle", [op("a", "Relu", ["a:0"]), out]),
            ("in a circle", [op("a", "Relu", ["b:-1"]), op("b", "Relu", ["a:-1"]), out]),
            ("no NetOutput", [op("a")]),
            ("input 'b' of node 'a' is not of the form", [op("b"), op("a", "Relu", ["b"]), out]),
            ("input 'b:x' of node 'a' is not of the form", [op("b"), op("a", "Relu", ["b:x"]), out]),
            ("input ':0' of node 'a' is not of the form", [op("b"), op("a", "Relu", [":0"]), out]),
            ("input 'b:-2' of node 'a' is not of the form", [op("b"), op("a", "Relu", ["b:-2"]), out]),
            ("is not of the form", [op("b"), op("a", "Relu", ["b:99999999999999999999"]), out]),
        ]
        for (text, ops) in contradictions { expectRefusal(text, try file([graph(ops)])) }
        expectRefusal("it has no graph", try file([], weights: [1]))
        expectRefusal("the file has no such partition", ContainerBuilder([(.weights, [1])]).bytes)
        expectRefusal("no protobuf field can be read", ContainerBuilder([(.modelDef, [0xFF, 0xFF])]).bytes)
    }

    @Test func refusesTensorsOfTooHighRank() throws {
        var node = op("a")
        node.outputDesc[0].shape.dim = Array(repeating: 1, count: 129)
        expectRefusal(
            "129 dimensions, expected at most 128", try file([graph([node, op("out", "NetOutput", ["a:0"])])]))
    }

    @Test func checksSubgraphs() throws {
        func root(_ names: [String]) -> IRGraphDef {
            var call = op("call", "PartitionedCall")
            call.subgraphName = names
            return graph([call, op("out", "NetOutput", ["call:0"])])
        }
        func body(_ name: String, calls: [String] = []) -> IRGraphDef {
            var body = root(calls)
            body.name = name
            return body
        }
        #expect(try parse(file([root(["f"]), body("f", calls: ["g"]), body("g")])).model.subgraphs.count == 2)
        expectRefusal("names the sub-graph 'g', which does not exist", try file([root(["g"]), body("f")]))
        expectRefusal("two sub-graphs are named 'f'", try file([root(["f"]), body("f"), body("f")]))
        expectRefusal("sub-graphs call each other in a circle", try file([root([]), body("f", calls: ["f"])]))
        expectRefusal(
            "sub-graphs call each other in a circle",
            try file([root(["f"]), body("f", calls: ["g"]), body("g", calls: ["f"])]))
    }

    private func const(
        _ shape: [Int64], offset: Int64 = 0, size: Int64 = 0, data: [UInt8] = [], layout: String = "ND"
    ) -> [IROpDef] {
        var node = op("c", "Const")
        let value = IRAttrDef.with { value in
            value.t = .with { tensor in
                tensor.desc.dtype = 1
                tensor.desc.shape.dim = shape
                tensor.desc.layout = layout
                tensor.desc.dataOffset = offset
                tensor.desc.weightSize = size
                tensor.data = .init(data)
            }
        }
        node.attr = [IRAttrEntry("value", value)]
        return [node, op("out", "NetOutput", ["c:0"])]
    }

    @Test func findsConstants() throws {
        let weights = (0..<9000).map { UInt8(truncatingIfNeeded: $0) }
        func data(_ ops: [IROpDef]) throws -> Constant.Data? {
            try parse(file([graph(ops)], weights: weights)).model.graph.nodes[0].constant?.data
        }
        #expect(try data(const([2], data: [1, 2, 3, 4, 5, 6, 7, 8])) == .inline([1, 2, 3, 4, 5, 6, 7, 8]))
        #expect(
            try data(const([2], data: [UInt8](repeating: 5, count: 40))) == .inline([UInt8](repeating: 5, count: 8)))
        #expect(try data(const([1], offset: 512, size: 36)) == .inline([0, 1, 2, 3]))
        #expect(try data(const([1], offset: 512)) == .inline([0, 1, 2, 3]))
        #expect(try data(const([1024], offset: 100, size: 4096)) == .inline(Array(weights[100..<4196])))
        #expect(try data(const([1025], offset: 100, size: 4100)) == .weights(100..<4200))
        #expect(try data(const([3, 2], offset: 0, size: 256, layout: "FRACTAL_Z")) == .inline(Array(weights[0..<256])))
        #expect(try data(const([0], offset: 9000)) == .inline([]))
        for (ops, text) in [
            (const([2], data: [1, 2, 3]), "constant 'c' has 3 bytes, its shape needs 8"),
            (const([-1], offset: 0, size: 4), "expected a fixed one"),
            (const([.max, 16], offset: 0, size: 4), "expected a fixed one"),
            (const([1], offset: 8997, size: 4), "the partition has 9000"),
            (const([1], offset: -1, size: 4), "the partition has 9000"),
            (const([1], offset: .max, size: 4), "the partition has 9000"),
            (const([1 << 50], offset: 0, size: 1 << 52), "the partition has 9000"),
        ] {
            expectRefusal(text, try file([graph(ops)], weights: weights))
        }
    }

    @Test func expandsCompressedAttributes() throws {
        func list(_ texts: [String]) -> IRAttrDef {
            .with { attribute in attribute.list = .with { ($0.valType, $0.s) = (.string, texts.map { .init($0.utf8) }) }
            }
        }
        let names = (0..<200).map { "name \($0)" }
        let tables: [String: IRAttrDef] = [
            "om_compress_version": .with { $0.i = 1 },
            "attr_name_enum": list(names), "attr_value_enum": list(["zero", "one"]),
            "attrs_use_string_value": .with { attribute in
                attribute.list = .with { ($0.valType, $0.b) = (.bool, names.indices.map { $0 % 2 == 1 }) }
            },
        ]
        func attributes(_ attributes: [String: IRAttrDef]) throws -> [String: Attribute] {
            var node = op("a")
            node.attr = attributes.map { IRAttrEntry($0.key, $0.value) }
            let bytes = try file([graph([node, op("out", "NetOutput", ["a:0"])])], attributes: tables)
            return try parse(bytes).model.graph.nodes[0].attributes
        }
        let expanded = try attributes([
            "\u{0}\u{1}": .with { $0.i = 1 }, "\u{0}\u{2}": .with { $0.i = 1 },
            // 127 = 0 + 1 x 127, 131 = 4 + 1 x 127
            "\u{0}\u{1}\u{2}": .with { attribute in attribute.list = .with { ($0.valType, $0.i) = (.int, [1, 0]) } },
            "\u{0}\u{5}\u{2}": .with { $0.b = true }, "plain": .with { $0.i = 1 },
        ])
        #expect(
            expanded == [
                "name 0": .int(1), "name 1": .string("one"), "name 127": .strings(["one", "zero"]),
                "name 131": .bool(true), "plain": .int(1),
            ])
        for name in ["\u{0}\u{4A}\u{2}", "\u{0}\u{1}\u{1}\u{7F}", "\u{0}" + String(repeating: "\u{7F}", count: 60)] {
            #expect(throws: OfflineModelError.self) { try attributes([name: .with { $0.i = 0 }]) }
        }
        for number in [-1, 2, Int64.max] {
            #expect(throws: OfflineModelError.self) { try attributes(["\u{0}\u{2}": .with { $0.i = number }]) }
        }
    }

    @Test func derivesGearsFromTheCaseNode() throws {
        func ints(_ values: [Int64]) -> IRAttrDef {
            .with { attribute in attribute.list = .with { ($0.valType, $0.i) = (.int, values) } }
        }
        func description(type: Int64, gears: Int64 = 2) throws -> ModelDescription {
            var node = op("case", "Case")
            node.attr = [
                IRAttrEntry("_batch_num", .with { $0.i = gears }), IRAttrEntry("_pred_value_0", ints([1, 2])),
                IRAttrEntry("_pred_value_1", ints([8, 4])), IRAttrEntry("mbatch_dynamic_type", .with { $0.i = type }),
            ]
            return try parse(file([graph([node, op("out", "NetOutput", ["case:0"])])])).description
        }
        #expect(try description(type: 1).dynamicBatch == [1, 8])
        #expect(try description(type: 2).dynamicImageSize == [[1, 2], [8, 4]])
        #expect(try description(type: 3).dynamicDims == [[1, 2], [8, 4]])
        #expect(throws: OfflineModelError.self) { try description(type: 4) }
        #expect(throws: OfflineModelError.self) { try description(type: 1, gears: .max) }
    }
}
