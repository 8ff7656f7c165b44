// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels

/// The k largest or smallest elements along an axis, with their places; of equal ones the first counts as the larger.
enum TopK {
    static let operators: [Operator] = [topK("TopK"), topK("TopKV2"), topK("TopKD")]

    private struct Plan {
        let axis: Int
        let count: Int
        let output: [Int]
    }

    /// Inputs x and k (TopKD has k as an attribute, and a table that it does not need); outputs values, indices.
    private static func topK(_ type: String) -> Operator {
        let plan: @Sendable (Inference) throws(GraphError) -> Plan = { node throws(GraphError) in
            let x = try node.staticInput(0, of: Types.numbers)
            guard !x.shape.isEmpty else { throw node.invalid("the input is a scalar, expected an axis") }
            let axis = try node.axis(node.attributes.int("dim") ?? -1, rank: x.shape.count)
            let stated = type == "TopKD" ? node.attributes.int("k") : try node.constantInts(1).first
            guard let count = stated, count >= 0, count <= x.shape[axis] else {
                throw node.invalid("k is \(stated.map { "\($0)" } ?? "missing"), expected 0...\(x.shape[axis])")
            }
            var output = x.shape
            output[axis] = count
            return Plan(axis: axis, count: count, output: output)
        }
        return Operator(
            type,
            infer: { node throws(GraphError) in
                let plan = try plan(node)
                let indexType = node.attributes.dataType("indices_dtype") ?? .int32
                guard indexType == .int32 || indexType == .int64 else {
                    throw node.invalid("attribute indices_dtype is \(indexType), expected int32 or int64")
                }
                let outputs = [
                    try node.output(node.input(0).dataType, plan.output), try node.output(indexType, plan.output),
                ]
                return Array(outputs.prefix(node.outputCount(of: 2)))
            },
            lower: { lowering in
                let plan = try plan(lowering.inference)
                let x = try lowering.input(0)
                let desc = lowering.builder.desc(x)
                // The kernel always writes both outputs.
                let outputs = [
                    lowering.outputs[0],
                    lowering.outputs.count > 1 ? lowering.outputs[1] : TensorDesc(.int32, plan.output),
                ]
                let kernel = topKKernel(
                    desc.dataType, desc.shape, axis: plan.axis, count: plan.count,
                    largest: lowering.attributes.bool("largest") ?? true, indexType: outputs[1].dataType)
                guard let kernel else {
                    throw lowering.inference.invalid("there is no kernel for type \(desc.dataType)")
                }
                return Array(
                    try lowering.builder.native(kernel, inputs: [x], outputs: outputs).prefix(lowering.outputs.count))
            })
    }
}
