// SPDX-License-Identifier: Apache-2.0

import GEGraph
import OfflineModel
import Testing

/// What the files state was read by hand, field by field, without the code under test.
@Suite(.enabled(if: Samples.arePresent))
struct SampleTests {
    private typealias Tensor = ModelDescription.Tensor

    @Test func describesTheOldCaffeModel() throws {
        let file = try parse(Samples.bytes("hilens_landmark68.om"))
        #expect(file.container.header.version == 0x1000_0000)
        #expect(file.container.header.platformVersion == "1.11.z.0")
        #expect(file.container.partitions.map(\.type) == [.modelDef, .weights, .tasks])
        #expect(file.weights == 296 + 11652..<296 + 11652 + 279_552)
        #expect(
            file.description.inputs == [
                Tensor(name: "data", dataType: .float, format: .nchw, dims: [1, 1, 40, 40], size: 6400)
            ])
        #expect(
            file.description.outputs == [
                Tensor(
                    name: "output_0_Dense2_0", dataType: .float16, format: .nc1hwc0, dims: [1, 136, 1, 1], size: 288)
            ])
        #expect(file.model.graph.nodes.count == 34)
        let conv = try #require(file.model.graph.nodes.first { $0.name == "Conv1" })
        #expect(conv.type == "Convolution")
        #expect(conv.attributes.ints("pad") == [2, 2, 2, 2])
        #expect(conv.attributes["before_pad"] == .ints([]))
        #expect(
            conv.inputs.map { $0.map { file.model.graph.nodes[$0.node].name } }
                == ["transdata_for_nd_0", "Conv1_const_1", "Conv1_const_2"])
        // The shape is the origin's, the bytes are blocked: [7 blocks, 9 x 16, 16] of two bytes.
        let dense = try #require(file.model.graph.nodes.first { $0.name == "Dense2_const_1" }?.constant)
        #expect(dense.desc.shape == [136, 100, 1, 1])
        #expect(dense.desc.format == .fractalZ)
        #expect(dense.data == .weights(246_784..<246_784 + 32_256))
    }

    @Test func describesTheTensorFlowModel() throws {
        let bytes = try Samples.bytes("modelzoo_a3c_pong_v1.om")
        let file = try parse(bytes)
        #expect(
            file.description.inputs == [
                Tensor(name: "s", dataType: .float, format: .nhwc, dims: [1, 42, 42, 1], size: 7056)
            ])
        #expect(
            file.description.outputs == [
                Tensor(name: "out_a:0", dataType: .int32, format: .nhwc, dims: [1], size: 4)
            ])
        #expect(try describe(bytes) == file.description)
        #expect(file.model.attributes.string("atc_version") == "1.75.22.0.220")
        #expect(file.model.attributes.int("memory_size") == 90624)
        let graph = file.model.graph
        #expect(graph.nodes.count == 25)
        let conv = try #require(graph.nodes.first { $0.name == "W_0/conv1/Conv2DW_0/conv1/Relu" })
        #expect(conv.inputNames == ["__input0", "__input1", "__input2"])
        #expect(conv.attributes["_input_name_key"] == nil)
        #expect(conv.inputDescs[0].shape == [1, 1, 42, 42, 16])
        #expect(conv.inputDescs[0].format == .nc1hwc0)
        #expect(conv.inputDescs[0].originShape == [1, 42, 42, 1])
        #expect(conv.inputDescs[0].originFormat == .nhwc)
        let filter = try #require(graph.nodes.first { $0.name == "dynamic_const_20661_27" }?.constant)
        #expect(filter.desc.shape == [9, 2, 16, 16])
        #expect(filter.desc.dataType == .float16)
        #expect(filter.data == .weights(512..<9728))
        let bias = try #require(graph.nodes.first { $0.name == "dynamic_const_20661_22" }?.constant)
        let start = file.weights.lowerBound + 316_928
        #expect(bias.data == .inline(Array(bytes[start..<start + 64])))
        // A control edge, an absent optional input.
        let transData = try #require(graph.nodes.first { $0.name == "trans_TransData_13" })
        #expect(transData.controlInputs.map { graph.nodes[$0].name } == ["W_0/flat/Reshape/shape"])
        #expect(transData.inputs.count == 1)
        #expect(graph.nodes.first { $0.name == "W_0/actor/ap/MatMul" }?.inputs.last == .some(nil))
    }

    @Test func describesTheModelWithAnInOutPartition() throws {
        let bytes = try Samples.bytes("ge_root_model.om")
        let file = try parse(bytes)
        #expect(
            file.description.inputs == [
                Tensor(name: "_arg_0", dataType: .int32, format: .nd, dims: [16], size: 0)
            ])
        #expect(
            file.description.outputs == [
                Tensor(name: "output_0_out_0", dataType: .int32, format: .nd, dims: [-1], size: 0)
            ])
        #expect(try describe(bytes) == file.description)
        // NetOutput stands first in the file.
        #expect(file.model.graph.nodes.map(\.name) == ["_arg_0", "fused_op1", "Node_Output"])
        #expect(file.weights.isEmpty)
    }

    @Test func describesTheDynamicModel() throws {
        let bytes = try Samples.bytes("ge_dynamic_and_static.om")
        let file = try parse(bytes)
        #expect(file.container.isDynamicShape)
        #expect(file.container.subModels.count == 2)
        #expect(file.container.subModels[0].map(\.type) == [.modelDef, .weights, .kernels, .tasks])
        let square = Tensor(name: "", dataType: .float, format: .nchw, dims: [2, 2], size: 16)
        func named(_ name: String) -> Tensor {
            var tensor = square
            tensor.name = name
            return tensor
        }
        #expect(file.description.inputs == [named("data_1"), named("data_2")])
        #expect(file.description.outputs == [named("output_0_known_op_0"), named("output_1_unknown_op_1")])
        #expect(file.model.subgraphs.map(\.name) == ["sub_1", "sub_2"])
        // Compressed attribute names and values.
        let call = try #require(file.model.graph.nodes.first { $0.name == "known_op" })
        #expect(call.subgraphs == ["sub_1"])
        #expect(call.attributes.string("_kernelname") == "FakeKernelName")
        #expect(call.attributes.string("compile_info_json") == #"{"vars": {"tune_shape_list":[[-1,-1,0]]}}"#)
        #expect(call.attributes.int("op_para_size") == 2048)
        #expect(call.attributes.string("tvm_magic") == "RT_DEV_BINARY_MAGIC_ELF_AIVEC")
        #expect(file.model.attributes["attr_name_enum"] == nil)
        let body = file.model.subgraphs[1]
        #expect(body.nodes.first { $0.name == "data_a" }?.attributes.int("_parent_node_index") == 0)
        let constant = try #require(body.nodes.first { $0.name == "const_2" }?.constant)
        #expect(constant.floats?.count == 4)
    }

    @Test func describesTheFlowModels() throws {
        let flow = try parse(Samples.bytes("ge_flow_model.om"))
        #expect(flow.container.kind == .flow)
        #expect(flow.container.partitions.map(\.type) == [.modelDef, .flowModel, .flowSubModel, .flowSubModel])
        #expect(flow.description.inputs.map(\.name) == ["_arg_0"])
        #expect(
            flow.description.outputs == [
                Tensor(name: "output_0_out_0", dataType: .int32, format: .nd, dims: [-1], size: 0)
            ])
        let pipeline = try parse(Samples.bytes("ge_llm_model_buff.om"))
        #expect(pipeline.container.header.name == "eg_graph")
        #expect(pipeline.description.inputs.map(\.name) == ["data0", "data1", "data2", "data3"])
        #expect(pipeline.description.inputs.allSatisfy { $0.dims == [8192, 8192] && $0.size == 8192 * 8192 * 4 })
        #expect(
            pipeline.description.outputs.map(\.name)
                == ["output_0_eg_graphSubPipelineGraph2_PartitionedCall_2_0"])
    }

    @Test(arguments: [
        "hiai_batchnorm.om", "hiai_resnet20_weight_quant8.om", "hiai_tf_conv_opversion_3.om", "hiai_tf_softmax_v100.om",
    ])
    func refusesKirinModels(_ name: String) throws {
        let bytes = try Samples.bytes(name)
        #expect(throws: Never.self) { try container(bytes) }
        for read in [{ _ = try parse(bytes) }, { _ = try describe(bytes) }] {
            let error = try #require(throws: OfflineModelError.self) { try read() }
            #expect(error.code == 500_002)
            #expect(error.description.contains("HiAI DDK for Kirin phones"))
        }
    }
}
