// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Activation functions: element-wise functions with attributes, PRelu and ClipByValue.
enum Activation {
    static let operators: [Operator] = [
        ElementwiseUnary.unary("Relu", Types.numbers, .relu),
        ElementwiseUnary.unary("Relu6", Types.numbers, .relu6),
        ElementwiseUnary.unary("Relu6D", Types.numbers, .relu6),
        ElementwiseUnary.unary("Selu", Types.reals, .selu),
        ElementwiseUnary.unary("Sigmoid", Types.reals, .sigmoid),
        ElementwiseUnary.unary("LogSigmoid", Types.reals, .logSigmoid),
        ElementwiseUnary.unary("HardSwish", Types.reals, .hardSwish),
        ElementwiseUnary.unary("Mish", Types.reals, .mish),
        ElementwiseUnary.unary("FastGelu", Types.reals, .geluSigmoid),
        ElementwiseUnary.unary("Softplus", Types.reals, .softplus),
        ElementwiseUnary.unary("Softsign", Types.reals, .softsign),
        ElementwiseUnary.unary("LeakyRelu", Types.reals) { .leakyRelu($0.attributes.float("negative_slope") ?? 0) },
        ElementwiseUnary.unary("Elu", Types.reals) {
            .elu(
                alpha: $0.attributes.float("alpha") ?? 1, scale: $0.attributes.float("scale") ?? 1,
                inputScale: $0.attributes.float("input_scale") ?? 1)
        },
        ElementwiseUnary.unary("Celu", Types.reals) { node throws(GraphError) in
            let divisor = node.attributes.float("alpha2") ?? 1
            guard divisor != 0 else { throw node.invalid("attribute alpha2 is 0, expected a divisor") }
            return .celu(
                negative: node.attributes.float("alpha1") ?? 1, inputScale: 1 / divisor,
                positive: node.attributes.float("alpha3") ?? 1)
        },
        ElementwiseUnary.unary("HardSigmoid", Types.reals) {
            .hardSigmoid(
                alpha: $0.attributes.float("alpha") ?? 0.16666666, beta: $0.attributes.float("beta") ?? 0.5)
        },
        ElementwiseUnary.unary("Swish", Types.reals) { .swish($0.attributes.float("scale") ?? 1) },
        ElementwiseUnary.unary("Gelu", Types.reals, gelu),
        ElementwiseUnary.unary("GeluV2", Types.reals, gelu),
        ElementwiseUnary.unary("Shrink", Types.reals) {
            .shrink(threshold: $0.attributes.float("lambd") ?? 0.5, bias: $0.attributes.float("bias") ?? 0)
        },
        ElementwiseUnary.unary("HardShrink", Types.reals) { .hardShrink($0.attributes.float("lambd") ?? 0.5) },
        ElementwiseUnary.unary("SoftShrink", Types.reals) {
            let threshold = $0.attributes.float("lambd") ?? 0.5
            return .shrink(threshold: threshold, bias: threshold)
        },
        ElementwiseUnary.unary("Threshold", Types.reals) { .threshold($0.attributes.float("threshold") ?? 0) },
        clipByValue, prelu,
    ]

    /// Exact, unless the attribute `approximate` asks for tanh.
    private static func gelu(_ node: Inference) -> UnaryFunction {
        node.attributes.string("approximate") == "tanh" ? .geluTanh : .geluErf
    }

    /// Inputs: x, the lower and the upper bound, which broadcast to x. The upper bound wins where it is below the lower
    /// one; a bound that is NaN is none, and a NaN in x stays.
    private static let clipByValue = Operator(
        "ClipByValue",
        infer: { node throws(GraphError) in
            let x = try node.input(0, of: Types.numbers)
            for slot in 1...2 {
                let bound = try node.input(slot, of: [x.dataType])
                guard node.broadcasts(bound.shape, to: x.shape) else {
                    throw node.invalid(
                        "input \(slot) has the shape \(bound.shape), expected one that broadcasts to \(x.shape)")
                }
            }
            return [try node.output(x.dataType, x.shape, format: x.format)]
        },
        lower: { lowering in
            let x = try lowering.input(0)
            if let function = clipping(lowering.inference) {
                return [try ElementwiseUnary.apply(function, to: x, lowering)]
            }
            let raised = try ElementwiseBinary.apply(.atLeast, x, lowering.input(1), lowering)
            return [try ElementwiseBinary.apply(.atMost, raised, lowering.input(2), lowering)]
        },
        // With bounds that are not constant there are two kernels, and only the last one may take followers along.
        fusesFollowers: false,
        asFollower: { node, slot in
            guard slot == 0, let function = clipping(node) else { return nil }
            return function.following()
        })

    private static func clipping(_ node: Inference) -> UnaryFunction? {
        guard let low = node.constantScalar(1), let high = node.constantScalar(2) else { return nil }
        let upper = high.isNaN ? .infinity : high
        return .clip(low.isNaN ? -.infinity : min(low, upper), upper)
    }

    /// x where it is not negative, else weight · x. A weight of one dimension as long as x's dimension 1 holds one
    /// slope per channel; any other weight broadcasts as in numpy.
    private static let prelu = Operator(
        "PRelu",
        infer: { node throws(GraphError) in
            let x = try node.input(0, of: Types.reals.union(Types.signed))
            let weight = slopeShape(x.shape, try node.input(1, of: [x.dataType]).shape)
            guard node.broadcasts(weight, to: x.shape) else {
                throw node.invalid("input 1 has the shape \(weight), expected one that broadcasts to \(x.shape)")
            }
            return [try node.output(x.dataType, x.shape, format: x.format)]
        },
        lower: { lowering in
            let x = try lowering.input(0)
            if let slope = lowering.inference.constantScalar(1) {
                return [try ElementwiseUnary.apply(.leakyRelu(slope), to: x, lowering)]
            }
            let weight = try lowering.input(1)
            let shape = slopeShape(lowering.builder.shape(x), lowering.builder.shape(weight))
            let slope = try lowering.builder.reshape(weight, to: shape)
            return [try ElementwiseBinary.apply(.preluSlope, x, slope, lowering)]
        })

    private static func slopeShape(_ x: [Int], _ weight: [Int]) -> [Int] {
        guard weight.count == 1, x.count > 2, weight[0] == x[1] else { return weight }
        return weight + Array(repeating: 1, count: x.count - 2)
    }
}
