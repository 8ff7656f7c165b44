// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels

/// The place of the largest or smallest element along an axis, which the result lacks; the first of several.
enum ArgMax {
    static let operators: [Operator] = [
        extreme("ArgMaxV2", largest: true, axisInput: 1), extreme("ArgMaxD", largest: true, axisInput: nil),
        extreme("ArgMin", largest: false, axisInput: 1), extreme("ArgMinD", largest: false, axisInput: nil),
    ]

    private static func extreme(_ type: String, largest: Bool, axisInput: Int?) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.staticInput(0, of: Types.numbers)
                let axis = try dimension(node, axisInput, rank: x.shape.count)
                var shape = x.shape
                if !shape.isEmpty {
                    guard shape.remove(at: axis) > 0 else { throw node.invalid("axis \(axis) of \(x.shape) is empty") }
                }
                let indexType = node.attributes.dataType("dtype") ?? (axisInput == nil ? .int32 : .int64)
                guard indexType == .int32 || indexType == .int64 else {
                    throw node.invalid("attribute dtype is \(indexType), expected int32 or int64")
                }
                return [try node.output(indexType, shape)]
            },
            lower: { lowering in
                let x = try lowering.input(0)
                let desc = lowering.builder.desc(x)
                let axis = try dimension(lowering.inference, axisInput, rank: desc.shape.count)
                let kernel = argumentKernel(
                    desc.dataType, desc.shape, axis: axis, largest: largest, indexType: lowering.outputs[0].dataType)
                return try lowering.native(kernel, [x])
            })
    }

    private static func dimension(_ node: Inference, _ slot: Int?, rank: Int) throws(GraphError) -> Int {
        let stated: Int?
        if let slot {
            stated = try node.constantInts(slot).first
        } else {
            stated = node.attributes.int("dimension")
        }
        guard let stated else { throw node.invalid("the axis is missing") }
        return rank == 0 && (stated == 0 || stated == -1) ? 0 : try node.axis(stated, rank: rank)
    }
}
