// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Operators that combine two tensors element by element, with numpy's broadcasting.
enum ElementwiseBinary {
    static let operators: [Operator] = [
        binary("Add", Types.all, .add),
        binary("AddV2", Types.all, .add),
        binary("Sub", Types.numbers, .subtract),
        binary("Mul", Types.all, .multiply),
        // Of integers towards zero, as ONNX's Div.
        binary("RealDiv", Types.numbers, .divide),
        binary("Div", Types.numbers, .divide),
        binary("DivNoNan", Types.numbers, .divideNoNaN),
        binary("FloorDiv", Types.numbers, .floorDivide),
        binary("TruncateDiv", Types.numbers, .truncateDivide),
        binary("Maximum", Types.all, .maximum),
        binary("Minimum", Types.all, .minimum),
        binary("Mod", Types.numbers, .truncateModulo),
        binary("TruncateMod", Types.numbers, .truncateModulo),
        binary("FloorMod", Types.numbers, .floorModulo),
        binary("SquaredDifference", Types.numbers, .squaredDifference),
        binary("Atan2", Types.reals, .atan2),
        binary("Xlogy", Types.reals, .xlogy),
        binary("Xdivy", Types.reals, .xdivy),
        binary("BitwiseAnd", Types.integers.union(Types.bool), .bitwiseAnd),
        binary("BitwiseOr", Types.integers.union(Types.bool), .bitwiseOr),
        binary("BitwiseXor", Types.integers.union(Types.bool), .bitwiseXor),
        binary("LeftShift", Types.integers, .shiftLeft),
        binary("RightShift", Types.integers, .shiftRight),
        pow, sum("AddN"), sum("AccumulateNV2"),
    ]

    /// An operator with two inputs of one type and one output.
    static func binary(_ type: String, _ types: Set<DataType>, _ function: BinaryFunction) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let first = try node.input(0, of: types)
                let second = try node.input(1, of: [first.dataType])
                let shape = try node.broadcast(first.shape, second.shape)
                let format = first.shape.count >= second.shape.count ? first.format : second.format
                return [try node.output(function.yieldsBoolean ? .bool : first.dataType, shape, format: format)]
            },
            lower: { lowering in
                let (first, second) = (try lowering.input(0), try lowering.input(1))
                for (slot, kept) in [(1, first), (0, second)] {
                    if lowering.builder.shape(kept) == lowering.outputs[0].shape,
                        let scalar = scalarFunction(lowering.inference, function, slot: slot)
                    {
                        return [try ElementwiseUnary.apply(scalar, to: kept, lowering)]
                    }
                }
                return [try apply(function, first, second, lowering)]
            },
            fusesFollowers: true,
            asFollower: { node, slot in
                let other = 1 - slot
                guard slot <= 1, node.inputs.count > 1, node.inputs[slot]?.dataType == .float,
                    node.inputs[0] != nil, node.inputs[1] != nil
                else { return nil }
                if let scalar = scalarFunction(node, function, slot: other) {
                    return scalar.following()
                }
                return function.isVectorFunction && (slot == 0 || function.commutes) ? .binary(function, other) : nil
            })
    }

    /// Emits `function` with vector kernels where they have it, else with one that takes any type.
    static func apply(_ function: BinaryFunction, _ first: Value, _ second: Value, _ lowering: Lowering) throws -> Value
    {
        let (left, right) = (lowering.builder.desc(first), lowering.builder.desc(second))
        let output = lowering.outputs[0]
        if let result = try lowering.builder.binary(function, first, second, output: output) { return result }
        let shapes = BinaryShapes(left.shape, right.shape, output: output.shape)
        return try lowering.native(function.kernel(left.dataType, shapes), [first, second])[0]
    }

    /// The function of the other operand that is left where input `slot` is one constant number.
    private static func scalarFunction(_ node: Inference, _ function: BinaryFunction, slot: Int) -> UnaryFunction? {
        guard let value = node.constantScalar(slot) else { return nil }
        return switch (function, slot) {
        case (.add, _): .linear(factor: 1, term: value)
        case (.multiply, _): .linear(factor: value, term: 0)
        case (.subtract, 1): .linear(factor: 1, term: -value)
        case (.subtract, _): .linear(factor: -1, term: value)
        // A division stays one where the reciprocal is not a normal number.
        case (.divide, 1) where (1 / value).isNormal: .linear(factor: 1 / value, term: 0)
        case (.maximum, _) where !value.isNaN: .clip(value, .infinity)
        case (.minimum, _) where !value.isNaN: .clip(-.infinity, value)
        default: nil
        }
    }

    /// The exponent may have another type than the base; the result has the base's.
    private static let pow = Operator(
        "Pow",
        infer: { node throws(GraphError) in
            let base = try node.input(0, of: Types.numbers)
            let exponent = try node.input(1, of: Types.numbers)
            return [try node.output(base.dataType, node.broadcast(base.shape, exponent.shape), format: base.format)]
        },
        lower: { lowering in
            let (base, exponent) = (try lowering.input(0), try lowering.input(1))
            let (baseType, exponentType) = (lowering.outputs[0].dataType, lowering.builder.desc(exponent).dataType)
            if let power = constantPower(lowering.inference), Types.reals.contains(baseType),
                lowering.builder.shape(base) == lowering.outputs[0].shape
            {
                return [try ElementwiseUnary.apply(power, to: base, lowering)]
            }
            if baseType == exponentType || Types.reals.contains(baseType) {
                return [try apply(.power, base, lowering.cast(exponent, to: baseType), lowering)]
            }
            // An integer to a power of another type: calculated as a real number.
            let shapes = BinaryShapes(
                lowering.builder.shape(base), lowering.builder.shape(exponent), output: lowering.outputs[0].shape)
            let operands = [try lowering.cast(base, to: .double), try lowering.cast(exponent, to: .double)]
            guard let kernel = BinaryFunction.power.kernel(.double, shapes) else {
                throw lowering.inference.invalid("there is no kernel for real powers")
            }
            let result = try lowering.builder.native(
                kernel, inputs: operands, outputs: [TensorDesc(.double, lowering.outputs[0].shape)])[0]
            return [try lowering.cast(result, to: baseType)]
        },
        fusesFollowers: true,
        asFollower: { node, slot in
            guard slot == 0, node.inputs[0]?.dataType == .float, let power = constantPower(node) else { return nil }
            return power.following()
        })

    /// The function that is left of Pow where the exponent is one constant number.
    private static func constantPower(_ node: Inference) -> UnaryFunction? {
        var exponent = node.constantScalar(1)
        if exponent == nil, node.inputs[1]?.elementCount == 1, let integer = node.optionalConstantInts(1)?.first {
            exponent = Float(integer)
        }
        guard let exponent else { return nil }
        return switch exponent {
        case 1: .linear(factor: 1, term: 0)
        case 2: .square
        case 0.5: .sqrt
        case -1: .reciprocal
        default: .power(power: exponent, scale: 1, shift: 0)
        }
    }

    /// The sum of any number of tensors.
    private static func sum(_ type: String) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let first = try node.input(0, of: Types.numbers)
                var shape = first.shape
                for slot in node.inputs.indices.dropFirst() {
                    shape = try node.broadcast(shape, node.input(slot, of: [first.dataType]).shape)
                }
                return [try node.output(first.dataType, shape, format: first.format)]
            },
            lower: { lowering in
                var total = try lowering.input(0)
                for slot in lowering.inputs.indices.dropFirst() {
                    let next = try lowering.input(slot)
                    let shape = try lowering.inference.broadcast(
                        lowering.builder.shape(total), lowering.builder.shape(next))
                    let step = Lowering(
                        inference: lowering.inference, inputs: [total, next],
                        outputs: [TensorDesc(lowering.outputs[0].dataType, shape)], builder: lowering.builder)
                    total = try apply(.add, total, next, step)
                }
                return [total]
            })
    }
}
