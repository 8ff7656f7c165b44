// SPDX-License-Identifier: Apache-2.0

import GEGraph
import OfflineModel
import Testing

struct RoundTripTests {
    private static func withoutAdditions(_ model: Model) -> Model {
        var model = model
        for name in [
            "memory_size", "weight_size", "stream_num", "event_num", "om_info_list",
            OfflineModelWriter.producerAttribute,
        ] {
            model.attributes[name] = nil
        }
        return model
    }

    @Test func readsWhatItWrites() throws {
        let file = try parse(OfflineModelWriter.write(TestModels.small))
        #expect(Self.withoutAdditions(file.model) == TestModels.small)
        #expect(file.model.attributes.string(OfflineModelWriter.producerAttribute) == "PyAclMdl")
        #expect(file.model.attributes.int("stream_num") == 1)
        #expect(file.model.attributes.int("event_num") == 0)
        #expect(file.container.partitions.map(\.type) == [.inOutInfo, .modelDef, .weights, .tasks])
        #expect(file.container.header.name == "small")
        #expect(file.container.header.irVersion == 2)
    }

    @Test func keepsEveryKindOfNodeAndAttribute() throws {
        let source = TestModels.large
        let bytes = try OfflineModelWriter.write(source)
        let file = try parse(bytes)
        var expected = Self.withoutAdditions(source)
        // Constants of more than 4096 bytes stay in the weights, equal ones at one place.
        for number in expected.graph.nodes.indices where expected.graph.nodes[number].name.hasSuffix("weights") {
            var value = try #require(expected.graph.nodes[number].constant)
            value.data = .weights(512..<512 + 8192)
            expected.graph.nodes[number].attributes["value"] = .tensor(value)
        }
        #expect(Self.withoutAdditions(file.model) == expected)
        for (node, other) in zip(file.model.graph.nodes, expected.graph.nodes) { #expect(node == other) }
        #expect(file.model.attributes.int("memory_size") == 4096)
        let start = file.weights.lowerBound + 512
        let stored = bytes[start..<start + 8192]
        #expect(source.graph.nodes.first { $0.name == "weights" }?.constant?.data == .inline(Array(stored)))
        // 8192 bytes at 512, 8 at 8704, then 32 of padding, rounded up.
        #expect(file.weights.count == 8704 + 512)
        #expect(file.model.attributes.int("weight_size") == file.weights.count)
    }

    @Test func writesTheSameBytesAgain() throws {
        let bytes = try OfflineModelWriter.write(TestModels.small)
        let file = try parse(bytes)
        #expect(try OfflineModelWriter.write(file.model, description: file.description) == bytes)
        #expect(try OfflineModelWriter.write(TestModels.large) == OfflineModelWriter.write(TestModels.large))
    }

    @Test func fillsInWhatAGraphBuiltHereLeavesOut() throws {
        var model = TestModels.small
        for number in model.graph.nodes.indices {
            model.graph.nodes[number].inputDescs = []
            if model.graph.nodes[number].type == "Data" { model.graph.nodes[number].inputs = [] }
            model.graph.nodes[number].attributes["index"] = nil
        }
        #expect(try OfflineModelWriter.write(model) == OfflineModelWriter.write(TestModels.small))
    }

    @Test func derivesTheDescription() throws {
        let file = try parse(OfflineModelWriter.write(TestModels.small))
        let shape = [2, 3]
        #expect(
            file.description
                == ModelDescription(
                    inputs: [.init(name: "x", dataType: .float, format: .nd, dims: shape, size: 24)],
                    outputs: [.init(name: "relu:0:result", dataType: .float, format: .nd, dims: shape, size: 24)]))
        let large = try parse(OfflineModelWriter.write(TestModels.large)).description
        #expect(large.inputs.map(\.name) == ["x:with:colons", "cond"])
        #expect(large.inputs.map(\.size) == [32, 1])
        #expect(large.outputs.map(\.name) == ["output_0_branch_0", "output_1_odd_1"])
        #expect(large.outputs.map(\.size) == [32, 0])
        #expect(large.outputs[1].dims == [-1, 3])
    }

    @Test func keepsADescriptionThatIsGiven() throws {
        var description = ModelDescription(
            inputs: [
                .init(
                    name: "image", dataType: .uint8, format: .nhwc, dims: [1, -1, -1, 3], dimsV2: [1, 300, 200, 1],
                    range: [.init(lower: 1, upper: 1), .init(lower: 1, upper: -1)], size: 1234)
            ],
            outputs: [.init(name: "", dataType: .undefined, format: .undefined, dims: [], size: 0)])
        description.dynamicBatch = [1, 2, 8]
        description.dynamicImageSize = [[224, 224], [448, 640]]
        description.dynamicDims = [[1, 2, 3], [4, 5, 6]]
        description.dynamicOutputShapes = ["0,0,1,2", "1,0,2,2"]
        description.inputOrder = ["image", "other"]
        let bytes = try OfflineModelWriter.write(TestModels.small, description: description)
        #expect(try parse(bytes).description == description)
        #expect(try describe(bytes) == description)
    }

    @Test func cutsALongNameInTheHeader() throws {
        var model = TestModels.small
        model.name = String(repeating: "\u{E4}", count: 40)
        let file = try parse(OfflineModelWriter.write(model))
        #expect(file.container.header.name == String(repeating: "\u{E4}", count: 15))
        #expect(file.model.name == model.name)
    }

    @Test func refusesModelsThatCannotBeWritten() {
        func expectRefusal(_ text: String, _ change: (inout Model) -> Void) {
            var model = TestModels.small
            change(&model)
            let error = #expect(throws: OfflineModelError.self) { try OfflineModelWriter.write(model) }
            #expect(error?.description.contains(text) == true, "\(error?.description ?? "")")
        }
        let c = TestModels.small.graph.nodes[1]
        expectRefusal("two nodes are named 'add'") { $0.graph.nodes[3].name = "add" }
        expectRefusal("no NetOutput") { $0.graph.nodes.removeLast() }
        expectRefusal("constant 'c' has 12 bytes, its shape [4] needs 16") {
            $0.graph.nodes[1] = TestModels.const("c", Constant(TestModels.desc([4]), c.constant?.data ?? .inline([])))
        }
        expectRefusal("the elements of 'c' are not in the graph") {
            $0.graph.nodes[1] = TestModels.const("c", Constant(TestModels.desc([3]), .weights(0..<12)))
        }
        expectRefusal("attribute 'list' of node 'relu': the list holds something else") {
            $0.graph.nodes[3].attributes["list"] = .namedList([.int(1)])
        }
    }
}
