// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Batch normalisation with known statistics.
enum BatchNormalization {
    static let operators: [Operator] = [batchNorm, inference("BNInference"), inference("BNInferenceD")]

    /// Inputs x, scale, offset, mean, variance. Further outputs repeat mean and variance, as TensorFlow's do.
    private static let batchNorm = Operator(
        "BatchNorm",
        infer: { node throws(GraphError) in
            let x = try checkedInput(node, parameters: 1...4)
            guard node.attributes.bool("is_training") != true else {
                throw node.invalid("attribute is_training is true; training is not supported")
            }
            let vector = try node.output(x.dataType, [x.shape[try channelAxis(node, x)]])
            let y = try node.output(x.dataType, x.shape, format: x.format)
            return Array([y, vector, vector, vector, vector].prefix(node.outputCount(of: 5)))
        },
        lower: { lowering in
            let epsilon = Double(lowering.attributes.float("epsilon") ?? 1e-4)
            let (scale, offset) = (try lowering.input(1), try lowering.input(2))
            let (mean, variance) = (try lowering.input(3), try lowering.input(4))
            let y = try normalize(lowering, mean, variance, scale, offset) {
                let factor = $0.scale / ($0.variance + epsilon).squareRoot()
                return (factor, $0.offset - $0.mean * factor)
            }
            return Array([y, mean, variance, mean, variance].prefix(lowering.outputs.count))
        },
        fusesFollowers: true)

    /// Inputs of BNInference: x, mean, variance, momentum, scale?, offset?; the statistics are sums that momentum
    /// counts.
    /// Inputs of BNInferenceD: x, mean, variance, scale?, offset?, where mean is negated already and variance holds
    /// 1 / sqrt(variance + epsilon): what the compiler computes from the former.
    private static func inference(_ type: String) -> Operator {
        let isPrepared = type == "BNInferenceD"
        return Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try checkedInput(node, parameters: 1...2)
                let first = isPrepared ? 3 : 4
                for slot in first...first + 1 where node.hasInput(slot) {
                    try checkParameter(node, slot, x)
                }
                if !isPrepared, node.hasInput(3) {
                    guard try node.input(3, of: [x.dataType]).elementCount == 1 else {
                        throw node.invalid("input 3, momentum, must have one element")
                    }
                }
                return [try node.output(x.dataType, x.shape, format: x.format)]
            },
            lower: { lowering in
                let inputs = lowering.inputs
                let first = isPrepared ? 3 : 4
                func optional(_ slot: Int) -> Value? { slot < inputs.count ? inputs[slot] : nil }
                let epsilon = Double(lowering.attributes.float("epsilon") ?? 1e-5)
                let y = try normalize(
                    lowering, lowering.input(1), lowering.input(2), optional(first), optional(first + 1),
                    momentum: isPrepared ? nil : optional(3)
                ) {
                    if isPrepared {
                        let factor = $0.scale * $0.variance
                        return (factor, factor * $0.mean + $0.offset)
                    }
                    let share = $0.momentum == 0 ? 1 : 1 / $0.momentum
                    let factor = $0.scale / ($0.variance * share + epsilon).squareRoot()
                    return (factor, $0.offset - $0.mean * share * factor)
                }
                return [y]
            },
            fusesFollowers: true)
    }

    private static func channelAxis(_ node: Inference, _ x: TensorDesc) throws(GraphError) -> Int {
        guard x.shape.count >= 2 else {
            throw node.invalid("the input has the shape \(x.shape), expected at least 2 dimensions")
        }
        let format = node.attributes.string("data_format") ?? (x.format == .nhwc ? "NHWC" : "NCHW")
        return format.hasSuffix("C") ? x.shape.count - 1 : 1
    }

    private static func checkedInput(_ node: Inference, parameters: ClosedRange<Int>) throws(GraphError) -> TensorDesc {
        let x = try node.staticInput(0, of: Types.reals)
        for slot in parameters { try checkParameter(node, slot, x) }
        return x
    }

    private static func checkParameter(_ node: Inference, _ slot: Int, _ x: TensorDesc) throws(GraphError) {
        let channels = x.shape[try channelAxis(node, x)]
        let parameter = try node.input(slot, of: [x.dataType, .float])
        guard parameter.elementCount == channels else {
            throw node.invalid("input \(slot) has the shape \(parameter.shape), expected \(channels) elements")
        }
    }

    /// Emits x · factor + term, both from the statistics of each channel by `fold`: at load time where they are known.
    private static func normalize(
        _ lowering: Lowering, _ mean: Value, _ variance: Value, _ scale: Value?, _ offset: Value?,
        momentum: Value? = nil, _ fold: @escaping ChannelStatistics.Fold
    ) throws -> Value {
        let builder = lowering.builder
        let x = try lowering.input(0)
        let desc = builder.desc(x)
        let channel = try channelAxis(
            lowering.inference, TensorDesc(desc.dataType, desc.shape, format: lowering.outputs[0].format))
        let channels = desc.shape[channel]
        let shape = [channels] + Array(repeating: 1, count: desc.shape.count - channel - 1)
        let one = lowering.builder.constant(Constant(floats: [1]))
        let zero = lowering.builder.constant(Constant(floats: [0]))
        let (factor, term) = try coefficients(
            lowering, [mean, variance, scale ?? one, offset ?? zero, momentum ?? one], channels, fold)
        let factors = try builder.reshape(factor, to: shape)
        let terms = try builder.reshape(term, to: shape)
        if desc.dataType == .float, desc.elementCount != 0 {
            // The addition rides along with the multiplication, before whatever follows the node.
            builder.followers.insert(.binary(.add, terms), at: 0)
            if let result = try builder.binary(.multiply, x, factors, output: lowering.outputs[0]) {
                return try builder.applyFollowers(to: result)
            }
            builder.followers.removeFirst()
        }
        let step = Lowering(
            inference: lowering.inference, inputs: [x], outputs: [lowering.outputs[0]], builder: builder)
        let scaled = try ElementwiseBinary.apply(.multiply, x, lowering.cast(factors, to: desc.dataType), step)
        return try ElementwiseBinary.apply(.add, scaled, lowering.cast(terms, to: desc.dataType), step)
    }

    private static func coefficients(
        _ lowering: Lowering, _ parameters: [Value], _ channels: Int, _ fold: @escaping ChannelStatistics.Fold
    ) throws -> (factor: Value, term: Value) {
        let builder = lowering.builder
        let known = parameters.compactMap { builder.constant($0)?.floats }
        if known.count == parameters.count {
            let pairs = (0..<channels).map { channel in
                let numbers = known.map { Double($0.count == 1 ? $0[0] : $0[channel]) }
                return fold(
                    ChannelStatistics(
                        mean: numbers[0], variance: numbers[1], scale: numbers[2], offset: numbers[3],
                        momentum: numbers[4]))
            }
            return (
                builder.constant(Constant(floats: pairs.map { Float($0.factor) })),
                builder.constant(Constant(floats: pairs.map { Float($0.term) }))
            )
        }
        let type: DataType = parameters.contains { builder.desc($0).dataType == .double } ? .double : .float
        let inputs = try parameters.map { try lowering.cast($0, to: type) }
        let kernel = channelCoefficientsKernel(
            type, counts: inputs.map { builder.desc($0).elementCount ?? 0 }, channels: channels, fold)
        guard let kernel else { throw lowering.inference.invalid("there is no kernel for type \(type)") }
        let desc = TensorDesc(type, [channels])
        let results = try builder.native(kernel, inputs: inputs, outputs: [desc, desc])
        return (results[0], results[1])
    }
}
