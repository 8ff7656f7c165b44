// SPDX-License-Identifier: Apache-2.0

import GEGraph
import OfflineModel
import Testing

@testable import CoreLoader

@Suite struct ModelFactsTests {
    private func tensor(_ name: String, _ dims: [Int] = [1], size: Int = 4) -> ModelDescription.Tensor {
        ModelDescription.Tensor(name: name, dataType: .float, format: .nd, dims: dims, size: size)
    }

    // MARK: Names

    @Test func namesOf127BytesStayAndLongerOnesAreReplaced() {
        let fits = String(repeating: "n", count: 127)
        let tooLong = String(repeating: "m", count: 128)
        let facts = ModelFacts(description: ModelDescription(inputs: [tensor(fits), tensor(tooLong)]))
        #expect(facts.shortName(.input, 0, modelID: 7) == fits)
        #expect(facts.shortName(.input, 1, modelID: 7) == "acl_modelId_7_input_1")
        #expect(facts.realName(of: "acl_modelId_7_input_1", modelID: 7)?.text == tooLong)
        #expect(facts.realName(of: "acl_modelId_7_input_2", modelID: 7) == nil)
        #expect(facts.realName(of: "acl_modelId_8_input_1", modelID: 7) == nil)
        #expect(facts.realName(of: fits, modelID: 7)?.text == fits)
    }

    @Test func aReplacementThatIsARealNameGetsLetters() {
        let long = String(repeating: "m", count: 200)
        var inputs = [tensor(long), tensor("acl_modelId_1_input_0")]
        func short() -> String {
            ModelFacts(description: ModelDescription(inputs: inputs)).shortName(.input, 0, modelID: 1)
        }
        #expect(short() == "acl_modelId_1_input_0_a")
        inputs.append(tensor("acl_modelId_1_input_0_a"))
        #expect(short() == "acl_modelId_1_input_0_b")
        for letter in "bcdefghijklmnopqrstuvwxyz" { inputs.append(tensor("acl_modelId_1_input_0_\(letter)")) }
        #expect(short() == "acl_modelId_1_input_0_aa")
        let facts = ModelFacts(description: ModelDescription(inputs: inputs))
        #expect(facts.realName(of: "acl_modelId_1_input_0_aa", modelID: 1)?.text == long)
    }

    @Test func originalNamesAreListedWithTheirLengths() {
        let graph = Graph(
            name: "g",
            nodes: [
                Node(
                    name: "fused", type: "Conv2D",
                    attributes: ["_datadump_original_op_names": .strings(["conv", "größe"])])
            ])
        let facts = ModelFacts(description: ModelDescription(), model: Model(name: "m", graph: graph))
        #expect(facts.originalNames(of: "fused") == "[4]conv[7]größe")
        #expect(facts.originalNames(of: "other").isEmpty)
    }

    // MARK: Gears

    private func gears(_ change: (inout ModelDescription) -> Void) -> ModelFacts {
        var description = ModelDescription(
            inputs: [tensor("a", [-1, 3, -1]), tensor("b", [2, -1]), tensor(ModelFacts.gearInputName, [3])],
            outputs: [tensor("y", [-1])])
        change(&description)
        return ModelFacts(description: description)
    }

    @Test func batchAndImageGears() {
        let facts = gears {
            $0.dynamicBatch = [1, 4, 8]
            $0.dynamicImageSize = [[112, 224], [224, 224]]
        }
        #expect(facts.hasGears)
        #expect(facts.index(of: .batch(4)) == 1)
        #expect(facts.index(of: .batch(2)) == nil)
        #expect(facts.index(of: .batch(UInt64.max)) == nil)
        #expect(facts.index(of: .imageSize(height: 224, width: 224)) == 1)
        #expect(facts.index(of: .imageSize(height: 224, width: 112)) == nil)
        #expect(Gear.imageSize(height: 112, width: 224).selector(in: facts) == [112, 224])
    }

    @Test func dimsGearsCountOnlyTheDynamicDimensions() {
        var facts = gears { $0.dynamicDims = [[1, 5, 7], [2, 6, 8]] }
        #expect(facts.designatedDims == [-1, 3, -1, 2, -1])
        #expect(facts.dynamicPositions == [0, 2, 4])
        #expect(facts.gearDims == [[1, 3, 5, 2, 7], [2, 3, 6, 2, 8]])
        #expect(facts.index(of: .dims([2, 3, 6, 2, 8])) == 1)
        #expect(facts.index(of: .dims([2, 3, 6, 2, 7])) == nil)
        #expect(Gear.dims([2, 3, 6, 2, 8]).selector(in: facts) == [2, 6, 8])
        facts = gears {
            $0.dynamicDims = [[7, 1, 5]]
            $0.inputOrder = ["b", "a"]
        }
        #expect(facts.gearDims == [[2, 7, 1, 3, 5]])
    }

    @Test func outputDimsOfAGear() throws {
        let facts = gears {
            $0.dynamicBatch = [1, 4]
            $0.dynamicOutputShapes = ["0,0,1,10", "1,0,4,10", "1,1,x"]
        }
        #expect(try facts.outputDims(gear: 1, output: 0) == [4, 10])
        #expect(throws: Failure.self) { try facts.outputDims(gear: 2, output: 0) }
    }

    @Test func outputDimsOfScalarsAndOfAllGears() throws {
        let facts = gears {
            $0.dynamicBatch = [1, 4]
            $0.dynamicOutputShapes = ["0,0,", "1,0", "-1,1,7,3"]
        }
        #expect(try facts.outputDims(gear: 0, output: 0) == [])
        #expect(try facts.outputDims(gear: 1, output: 0) == [])
        #expect(try facts.outputDims(gear: 1, output: 1) == [7, 3])
    }

    // MARK: AIPP

    @Test func aippInputsAreTiedToTheirParameters() {
        func data(_ name: String, _ index: Int64, _ attributes: [String: Attribute]) -> Node {
            Node(
                name: name, type: "Data", outputs: [TensorDesc(.uint8, [1])],
                attributes: attributes.merging(["index": .int(index)]) { first, _ in first })
        }
        let graph = Graph(
            name: "g",
            nodes: [
                data("parameters", 2, ["_data_related_aipp_mode": .string("dynamic_aipp_conf")]),
                data(
                    "image", 0,
                    [
                        "_data_related_aipp_mode": .string("dynamic_aipp"),
                        "_data_aipp_data_name_map": .string("parameters"),
                    ]),
                data("plain", 1, [:]),
            ])
        let facts = ModelFacts(description: ModelDescription(), model: Model(name: "m", graph: graph))
        #expect(facts.aipp.map(\.mode) == [.dynamic(parameters: 2), .none, .parameters])
        #expect(facts.aippParameterInput(ofImage: 0) == 2)
        #expect(facts.aippParameterInput(ofImage: 1) == nil)
        #expect(facts.aippImageInput(ofParameters: 2) == 0)
    }
}
