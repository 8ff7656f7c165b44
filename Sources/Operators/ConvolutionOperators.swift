// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Convolutions and their transposes over two or three spatial dimensions.
enum Convolution {
    static let operators: [Operator] = [
        convolution("Conv2D", spatialRank: 2), convolution("Conv3D", spatialRank: 3),
        convolution("DepthwiseConv2D", spatialRank: 2, isDepthwise: true),
        deconvolution("Conv2DTranspose", spatialRank: 2, first: 1),
        deconvolution("Conv2DTransposeD", spatialRank: 2, first: 0),
        deconvolution("Conv3DTranspose", spatialRank: 3, first: 1),
        deconvolution("Conv3DTransposeD", spatialRank: 3, first: 0),
    ]

    /// What inference finds out and lowering uses.
    private struct Plan {
        let layout: ImageLayout
        let geometry: ConvolutionGeometry
        /// How the filter is transposed to [O, I, window…] (for a transpose: [I, O, window…]); nil where it is so.
        let filterPermutation: [Int]?
        /// The filter's shape after that.
        let filterShape: [Int]
        /// Batch, channels, spatial.
        let output: [Int]
    }

    private static func convolution(_ type: String, spatialRank: Int, isDepthwise: Bool = false) -> Operator {
        let plan: @Sendable (Inference) throws(GraphError) -> Plan = { node throws(GraphError) in
            try convolutionPlan(node, spatialRank: spatialRank, isDepthwise: isDepthwise)
        }
        return Operator(
            type,
            infer: { node throws(GraphError) in
                let plan = try plan(node)
                try checkBias(node, 2, channels: plan.output[1])
                return [
                    try node.output(node.input(0).dataType, plan.layout.own(plan.output), format: node.input(0).format)
                ]
            },
            lower: { [try apply(plan($0.inference), $0, first: 0, isTransposed: false)] },
            fusesFollowers: true)
    }

    /// - first: the slot of x; GE's form with an input for the size of the result has that one in slot 0.
    private static func deconvolution(_ type: String, spatialRank: Int, first: Int) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let plan = try deconvolutionPlan(node, spatialRank: spatialRank, first: first)
                try checkBias(node, first + 2, channels: plan.output[1])
                let x = try node.input(first)
                return [try node.output(x.dataType, plan.layout.own(plan.output), format: x.format)]
            },
            lower: {
                let plan = try deconvolutionPlan($0.inference, spatialRank: spatialRank, first: first)
                return [try apply(plan, $0, first: first, isTransposed: true)]
            },
            fusesFollowers: true)
    }

    private static func checkBias(_ node: Inference, _ slot: Int, channels: Int) throws(GraphError) {
        if node.hasInput(slot) {
            let bias = try node.input(slot)
            guard bias.elementCount == channels else {
                throw node.invalid("the bias has the shape \(bias.shape), expected \(channels) elements")
            }
        }
        guard !node.hasInput(slot + 1) else { throw node.invalid("input \(slot + 1), offset_w, is not supported") }
    }

    private static func apply(_ plan: Plan, _ lowering: Lowering, first: Int, isTransposed: Bool) throws -> Value {
        let builder = lowering.builder
        let type = lowering.outputs[0].dataType
        // Halves are calculated in float32, doubles by a kernel of our own.
        let working: DataType = type == .double ? .double : .float
        let x = try plan.layout.channelsFirst(lowering.cast(lowering.input(first), to: working), builder)
        var filter = try lowering.cast(lowering.input(first + 1), to: working)
        if let permutation = plan.filterPermutation { filter = try builder.transpose(filter, permutation) }
        filter = try builder.reshape(filter, to: plan.filterShape)
        let slot = first + 2
        let bias = try (lowering.inputs.count > slot ? lowering.inputs[slot] : nil).map {
            try builder.reshape(lowering.cast($0, to: working), to: [plan.output[1]])
        }
        let output = TensorDesc(working, plan.output)
        let result = try plan.layout.own(builder) {
            isTransposed
                ? try builder.deconvolution(x, filter: filter, bias: bias, plan.geometry, output: output)
                : try builder.convolution(x, filter: filter, bias: bias, plan.geometry, output: output)
        }
        return try lowering.cast(result, to: type)
    }

    // MARK: Shapes

    private static func convolutionPlan(
        _ node: Inference, spatialRank: Int, isDepthwise: Bool
    ) throws(GraphError) -> Plan {
        let x = try node.staticInput(0, of: Types.reals)
        let filter = try node.staticInput(1, of: [x.dataType])
        let layout = try ImageLayout(node, x, spatialRank: spatialRank, fallback: spatialRank == 2 ? "NHWC" : "NDHWC")
        let image = layout.channelsFirst(x.shape)
        let (permutation, oriented) = try orient(node, filter, layout)
        var shape = oriented
        var groups = node.attributes.int("groups") ?? 1
        if isDepthwise {
            // [multiplier, C, window…] or, as a grouped convolution's, [C · multiplier, 1, window…].
            groups = image[1]
            if shape[1] != 1 {
                guard shape[0] == 1 || shape[1] == image[1] else { throw filterError(node, filter, image) }
                guard shape[0] == 1 else { throw node.invalid("a channel multiplier of \(shape[0]) is not supported") }
                shape = [shape[1], 1] + shape[2...]
            }
        } else if groups == 1, shape[1] > 0, image[1] != shape[1], image[1] % shape[1] == 0 {
            // Files leave the number of groups to the shape of the filter.
            groups = image[1] / shape[1]
        }
        guard groups > 0, image[1] % groups == 0, shape[1] == image[1] / groups, shape[0] > 0, shape[0] % groups == 0
        else {
            throw filterError(node, filter, image)
        }
        let window = try Window(node, layout, kernel: Array(shape[2...]), input: Array(image[2...]))
        let sizes = try window.outputSizes(node, input: Array(image[2...]))
        return Plan(
            layout: layout,
            geometry: ConvolutionGeometry(
                strides: window.strides, dilations: window.dilations, padsBegin: window.padsBegin,
                padsEnd: window.padsEnd, groups: groups),
            filterPermutation: permutation, filterShape: shape, output: [image[0], shape[0]] + sizes)
    }

    private static func deconvolutionPlan(
        _ node: Inference, spatialRank: Int, first: Int
    ) throws(GraphError) -> Plan {
        let x = try node.staticInput(first, of: Types.reals)
        let filter = try node.staticInput(first + 1, of: [x.dataType])
        let layout = try ImageLayout(node, x, spatialRank: spatialRank, fallback: spatialRank == 2 ? "NHWC" : "NDHWC")
        let image = layout.channelsFirst(x.shape)
        let (permutation, shape) = try orient(node, filter, layout)
        let groups = node.attributes.int("groups") ?? 1
        guard groups > 0, shape[0] == image[1], image[1] % groups == 0 else { throw filterError(node, filter, image) }
        let (channels, overflow) = shape[1].multipliedReportingOverflow(by: groups)
        guard !overflow else { throw filterError(node, filter, image) }
        var window = try Window(node, layout, kernel: Array(shape[2...]), input: Array(image[2...]))
        let extra = try Window.spatial(node, "output_padding", layout) ?? window.kernel.map { _ in 0 }
        let wanted = try wantedSizes(node, layout, first: first)
        var sizes: [Int] = []
        for dimension in window.kernel.indices {
            // Where the windows reach, before padding is cut off.
            let (steps, overflow) = max(image[dimension + 2] - 1, 0)
                .multipliedReportingOverflow(by: window.strides[dimension])
            let (end, overflows) = steps.addingReportingOverflow(window.reach(dimension))
            guard !overflow, !overflows, (0...Int(Int32.max)).contains(extra[dimension]) else {
                throw node.invalid("the strides or output_padding \(extra) are out of range")
            }
            let size =
                wanted?[dimension]
                ?? end - window.padsBegin[dimension] - window.padsEnd[dimension] + extra[dimension]
            guard size > 0, size <= Int(Int32.max) else {
                throw node.invalid("the output would have the size \(size) in spatial dimension \(dimension)")
            }
            sizes.append(size)
            window.padsEnd[dimension] = end - window.padsBegin[dimension] - size
        }
        return Plan(
            layout: layout,
            geometry: ConvolutionGeometry(
                strides: window.strides, dilations: window.dilations, padsBegin: window.padsBegin,
                padsEnd: window.padsEnd, groups: groups),
            filterPermutation: permutation, filterShape: shape, output: [image[0], channels] + sizes)
    }

    /// The spatial sizes of the result that the node asks for; nil where they follow from the other attributes.
    private static func wantedSizes(_ node: Inference, _ layout: ImageLayout, first: Int) throws(GraphError) -> [Int]? {
        let sizes = first > 0 && node.hasInput(0) ? try node.constantInts(0) : node.attributes.ints("input_size") ?? []
        guard sizes.contains(where: { $0 != 0 }) else { return nil }
        guard sizes.count == layout.spatialRank + 2 else {
            throw node.invalid("the size of the result is \(sizes), expected \(layout.spatialRank + 2) numbers")
        }
        return Array(layout.channelsFirst(sizes)[2...])
    }

    private static func filterError(_ node: Inference, _ filter: TensorDesc, _ image: [Int]) -> GraphError {
        node.invalid(
            "the filter \(filter.shape) does not fit \(image[1]) channels in "
                + "\(node.attributes.int("groups") ?? 1) groups"
        )
    }

    /// The filter's shape as [O, I, window…] and the permutation that makes it so.
    private static func orient(
        _ node: Inference, _ filter: TensorDesc, _ layout: ImageLayout
    ) throws(GraphError) -> (permutation: [Int]?, shape: [Int]) {
        let rank = layout.spatialRank + 2
        guard filter.shape.count == rank else {
            throw node.invalid("the filter has the shape \(filter.shape), expected \(rank) dimensions")
        }
        let permutation: [Int]
        switch filter.format {
        case .nchw, .ncdhw: return (nil, filter.shape)
        case .hwcn, .dhwcn: permutation = [rank - 1, rank - 2] + Array(0..<rank - 2)
        case .nhwc, .ndhwc: permutation = [0, rank - 1] + Array(1..<rank - 1)
        case .nd, .undefined:
            if !layout.channelsLast { return (nil, filter.shape) }
            permutation = [rank - 1, rank - 2] + Array(0..<rank - 2)
        default: throw node.invalid("the filter has the format \(filter.format.rawValue), which is not supported")
        }
        return (permutation, permutation.map { filter.shape[$0] })
    }
}
