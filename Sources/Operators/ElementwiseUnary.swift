// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Glibc
import Kernels
import SaturatingArithmetic

/// Operators that apply one function to each element.
enum ElementwiseUnary {
    static let operators: [Operator] = [
        unary("Abs", Types.numbers, .absolute),
        unary("Neg", Types.reals.union(Types.signed), .negate),
        unary("Sign", Types.numbers, .sign),
        unary("Square", Types.numbers, .square),
        unary("Sqrt", Types.reals, .sqrt),
        unary("Rsqrt", Types.reals, .rsqrt),
        unary("Reciprocal", Types.reals, .reciprocal),
        unary("Inv", Types.reals, .reciprocal),
        unary("Expm1", Types.reals, .expm1),
        unary("Log1p", Types.reals, .log1p),
        unary("Erf", Types.reals, .erf),
        unary("Floor", Types.numbers, .floor),
        unary("Ceil", Types.numbers, .ceil),
        unary("Round", Types.numbers, .round),
        unary("Rint", Types.reals, .round),
        unary("Trunc", Types.numbers, .trunc),
        unary("Sin", Types.reals, .sin),
        unary("Cos", Types.reals, .cos),
        unary("Tan", Types.reals, .tan),
        unary("Asin", Types.reals, .asin),
        unary("Acos", Types.reals, .acos),
        unary("Atan", Types.reals, .atan),
        unary("Sinh", Types.reals, .sinh),
        unary("Cosh", Types.reals, .cosh),
        unary("Tanh", Types.reals, .tanh),
        unary("Asinh", Types.reals, .asinh),
        unary("Acosh", Types.reals, .acosh),
        unary("Atanh", Types.reals, .atanh),
        unary("Invert", Types.integers.union(Types.bool), .complement),
        unary("LogicalNot", Types.bool, .complement),
        unary("IsNan", Types.reals, .isNaN),
        unary("IsInf", Types.reals, .isInfinite(positive: true, negative: true)),
        unary("IsFinite", Types.reals, .isFinite),
        unary("Exp", Types.reals) { node throws(GraphError) in
            let (factor, _) = try logarithmBase(node)
            return .exponential(scale: number(node, "scale", 1) * factor, shift: number(node, "shift", 0) * factor)
        },
        unary("Log", Types.reals) { node throws(GraphError) in
            let (_, factor) = try logarithmBase(node)
            return .logarithm(scale: number(node, "scale", 1), shift: number(node, "shift", 0), factor: factor)
        },
        unary("Muls", Types.numbers) { node throws(GraphError) in
            .linear(factor: try requiredFloat(node, "value"), term: 0)
        },
        unary("Adds", Types.numbers) { node throws(GraphError) in
            .linear(factor: 1, term: try requiredFloat(node, "value"))
        },
        unary("Power", Types.reals) { node in
            .power(
                power: node.attributes.float("power") ?? 1, scale: node.attributes.float("scale") ?? 1,
                shift: node.attributes.float("shift") ?? 0)
        },
    ]

    static func unary(_ type: String, _ types: Set<DataType>, _ function: UnaryFunction) -> Operator {
        unary(type, types) { _ in function }
    }

    /// An operator with one input and one output of the same shape.
    static func unary(
        _ type: String, _ types: Set<DataType>,
        _ function: @escaping @Sendable (Inference) throws(GraphError) -> UnaryFunction
    ) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.input(0, of: types)
                let result = try function(node)
                return [try node.output(result.yieldsBoolean ? .bool : x.dataType, x.shape, format: x.format)]
            },
            lower: { [try apply(function($0.inference), to: $0.input(0), $0)] },
            fusesFollowers: true,
            asFollower: { node, slot in
                guard slot == 0, node.inputs[0]?.dataType == .float else { return nil }
                return (try? function(node))?.following()
            })
    }

    /// Emits `function` where it can take followers along, else as a kernel of its own.
    static func apply(_ function: UnaryFunction, to x: Value, _ lowering: Lowering) throws -> Value {
        let desc = lowering.builder.desc(x)
        if let result = try lowering.builder.unary(function, x) { return result }
        return try lowering.native(function.kernel(desc.dataType, count: desc.elementCount ?? 0), [x])[0]
    }

    private static func number(_ node: Inference, _ name: String, _ fallback: Double) -> Double {
        node.attributes.float(name).map { Double($0) } ?? fallback
    }

    /// The natural logarithm of the attribute `base` and its inverse; −1, the default, stands for e.
    private static func logarithmBase(_ node: Inference) throws(GraphError) -> (factor: Double, inverse: Double) {
        let base = node.attributes.float("base") ?? -1
        if base == -1 { return (1, 1) }
        guard base > 0, base != 1 else {
            throw node.invalid("attribute base is \(base), expected −1 or a positive one")
        }
        let logarithm = Glibc.log(Double(base))
        return (logarithm, 1 / logarithm)
    }

    static func requiredFloat(_ node: Inference, _ name: String) throws(GraphError) -> Float {
        guard let value = node.attributes.float(name) else { throw node.invalid("attribute \(name) is missing") }
        return value
    }
}

extension UnaryFunction {
    /// The function as one that follows a kernel; nil where none takes it along.
    func following() -> FollowingFunction<Int>? { isVectorFunction ? .unary(self) : nil }
}
