// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels

/// Running sums and products along an axis. Types ending in D hold the axis in the attribute `axis`, the others in
/// input 1. Attributes `exclusive`: without the element itself; `reverse`: from the end.
enum Cumulative {
    static let operators: [Operator] = [
        cumulative("Cumsum", .add, axisInput: 1), cumulative("CumsumD", .add, axisInput: nil),
        cumulative("Cumprod", .multiply, axisInput: 1), cumulative("CumprodD", .multiply, axisInput: nil),
    ]

    private static func cumulative(_ type: String, _ function: CumulativeFunction, axisInput: Int?) -> Operator {
        let axis: @Sendable (Inference) throws(GraphError) -> (Int, TensorDesc) = { node throws(GraphError) in
            let x = try node.staticInput(0, of: Types.numbers)
            let stated: Int?
            if let axisInput {
                stated = try node.constantInts(axisInput).first
            } else {
                stated = node.attributes.int("axis") ?? 0
            }
            guard let stated else { throw node.invalid("the axis is missing") }
            guard !x.shape.isEmpty else { throw node.invalid("the input is a scalar, expected an axis") }
            return (try node.axis(stated, rank: x.shape.count), x)
        }
        return Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try axis(node).1
                return [try node.output(x.dataType, x.shape, format: x.format)]
            },
            lower: { lowering in
                let (axis, x) = try axis(lowering.inference)
                let kernel = function.kernel(
                    x.dataType, x.shape, axis: axis, exclusive: lowering.attributes.bool("exclusive") ?? false,
                    reverse: lowering.attributes.bool("reverse") ?? false)
                return try lowering.native(kernel, [lowering.input(0)])
            })
    }
}
