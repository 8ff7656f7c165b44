// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Poolings over windows, and over whole images.
enum Pooling {
    static let operators: [Operator] = [
        pooling("MaxPool", isMaximum: true, spatialRank: 2), pooling("MaxPoolV2", isMaximum: true, spatialRank: 2),
        pooling("MaxPoolV3", isMaximum: true, spatialRank: 2), pooling("MaxPool3D", isMaximum: true, spatialRank: 3),
        pooling("AvgPool", isMaximum: false, spatialRank: 2), pooling("AvgPoolV2", isMaximum: false, spatialRank: 2),
        pooling("AvgPool3D", isMaximum: false, spatialRank: 3), pooling("AvgPool3DD", isMaximum: false, spatialRank: 3),
        globalAverage,
    ]

    private struct Plan {
        let layout: ImageLayout
        let window: Window
        /// Batch, channels, spatial.
        let image: [Int]
        let output: [Int]
        let isGlobal: Bool
    }

    private static func pooling(_ type: String, isMaximum: Bool, spatialRank: Int) -> Operator {
        // Only real numbers are averaged.
        let types = isMaximum ? Types.reals.union([.int8, .uint8]) : Types.reals
        let plan: @Sendable (Inference) throws(GraphError) -> Plan = { node throws(GraphError) in
            try makePlan(node, node.staticInput(0, of: types), spatialRank)
        }
        return Operator(
            type,
            infer: { node throws(GraphError) in
                let plan = try plan(node)
                let x = try node.input(0)
                return [try node.output(x.dataType, plan.layout.own(plan.output), format: x.format)]
            },
            lower: { lowering in
                let plan = try plan(lowering.inference)
                let x = try plan.layout.channelsFirst(lowering.input(0), lowering.builder)
                return [try plan.layout.own(lowering.builder) { try emit(plan, x, isMaximum: isMaximum, lowering) }]
            },
            fusesFollowers: true)
    }

    private static func makePlan(_ node: Inference, _ x: TensorDesc, _ spatialRank: Int) throws(GraphError) -> Plan {
        let fallback =
            spatialRank == 3
            ? "NDHWC" : node.node.type.hasSuffix("V2") || node.node.type.hasSuffix("V3") ? "NCHW" : "NHWC"
        let layout = try ImageLayout(node, x, spatialRank: spatialRank, fallback: fallback)
        let image = layout.channelsFirst(x.shape)
        let isGlobal = node.attributes.bool("global_pooling") == true
        let spatial = Array(image[2...])
        guard let kernel = isGlobal ? spatial : try Window.spatial(node, "ksize", layout) else {
            throw node.invalid("attribute ksize is missing")
        }
        guard !isGlobal || !spatial.contains(0) else { throw node.invalid("the image \(spatial) is empty") }
        var window = try Window(node, layout, kernel: kernel, input: spatial, dilations: "dilation")
        if isGlobal {
            (window.strides, window.padsBegin) = (kernel.map { _ in 1 }, kernel.map { _ in 0 })
            (window.dilations, window.padsEnd) = (window.strides, window.padsBegin)
        }
        for dimension in kernel.indices where window.padsBegin[dimension] >= window.reach(dimension) {
            throw node.invalid("the padding \(window.padsBegin) exceeds the window \(kernel)")
        }
        let ceil = node.attributes.bool("ceil_mode") ?? ((node.attributes.int("ceil_mode") ?? 0) != 0)
        let sizes = try window.outputSizes(node, input: spatial, ceil: ceil)
        return Plan(
            layout: layout, window: window, image: image, output: [image[0], image[1]] + sizes, isGlobal: isGlobal)
    }

    private static func emit(_ plan: Plan, _ x: Value, isMaximum: Bool, _ lowering: Lowering) throws -> Value {
        let (builder, attributes) = (lowering.builder, lowering.attributes)
        let type = lowering.outputs[0].dataType
        let output = TensorDesc(type, plan.output)
        let divisor = attributes.int("divisor_override") ?? 0
        let excludesPadding =
            attributes.bool("exclusive") ?? attributes.bool("count_include_pad").map { !$0 }
            ?? (attributes.int("count_include_pad").map { $0 == 0 } ?? true)
        let geometry = PoolingGeometry(
            image: plan.image, output: plan.output, window: plan.window.kernel, strides: plan.window.strides,
            dilations: plan.window.dilations, padsBegin: plan.window.padsBegin, padsEnd: plan.window.padsEnd)
        let function: PoolingFunction =
            isMaximum ? .maximum : .average(excludesPadding: excludesPadding, divisor: divisor)
        if type == .float, !plan.output.contains(0), !plan.image.contains(0) {
            if plan.isGlobal, divisor == 0 {
                let axes = Array(2..<plan.image.count)
                let function: ReductionFunction = isMaximum ? .maximum : .mean
                if let result = try builder.reduction(x, function, axes: axes, output: output) { return result }
            }
            return try builder.pooling(x, geometry, function, output: output)
        }
        let kernel = poolingKernel(type, geometry, function)
        guard let kernel else { throw lowering.inference.invalid("there is no kernel for type \(type)") }
        return try builder.native(kernel, inputs: [x], outputs: [output])[0]
    }

    /// The mean of each channel, its dimensions kept as 1.
    private static let globalAverage = Operator(
        "GlobalAveragePool",
        infer: { node throws(GraphError) in
            let x = try node.input(0, of: Types.reals)
            guard x.shape.count >= 3 else {
                throw node.invalid("the input has the shape \(x.shape), expected at least 3 dimensions")
            }
            return [
                try node.output(
                    x.dataType, Array(x.shape[..<2]) + Array(repeating: 1, count: x.shape.count - 2), format: x.format)
            ]
        },
        lower: { lowering in
            let x = try lowering.input(0)
            return [try Reduction.apply(.mean, x, Array(2..<lowering.builder.shape(x).count), lowering)]
        },
        fusesFollowers: true)
}
