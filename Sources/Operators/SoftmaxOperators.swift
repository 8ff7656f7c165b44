// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Softmax, its logarithm, and HardMax. Attribute `axes` (one axis, or neighbouring ones that form one row).
enum Softmax {
    static let operators: [Operator] = [
        softmax("SoftmaxV2", .softmax), softmax("LogSoftmaxV2", .logSoftmax), softmax("HardMax", .hardmax),
    ]

    private static func softmax(_ type: String, _ function: SoftmaxFunction) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.input(0, of: Types.reals)
                _ = try row(node, x.shape)
                let widens = node.attributes.bool("half_to_float") == true && x.dataType == .float16
                return [try node.output(widens ? .float : x.dataType, x.shape, format: x.format)]
            },
            lower: { lowering in
                let builder = lowering.builder
                let output = lowering.outputs[0]
                let x = try lowering.cast(lowering.input(0), to: output.dataType)
                let axes = try row(lowering.inference, output.shape)
                guard !axes.isEmpty, output.elementCount != 0 else {
                    // A scalar is its own row.
                    return try lowering.native(function.kernel(output.dataType, 1, output.elementCount ?? 0, 1), [x])
                }
                let (outer, inner) = (output.shape[..<axes.lowerBound], output.shape[axes.upperBound...])
                let length = output.shape[axes].reduce(1, *)
                if output.dataType == .float, function != .hardmax {
                    let rows = axes.count == 1 ? x : try builder.reshape(x, to: outer + [length] + inner)
                    let result = try builder.softmax(
                        rows, axis: axes.lowerBound, logarithm: function == .logSoftmax)
                    return [try builder.reshape(result, to: output.shape)]
                }
                let kernel = function.kernel(output.dataType, outer.reduce(1, *), length, inner.reduce(1, *))
                return try lowering.native(kernel, [x])
            })
    }

    /// The dimensions that form a row.
    private static func row(_ node: Inference, _ shape: [Int]) throws(GraphError) -> Range<Int> {
        let stated = node.attributes.ints("axes") ?? node.attributes.int("axis").map { [$0] } ?? [-1]
        if shape.isEmpty, stated.allSatisfy({ $0 == 0 || $0 == -1 }) { return 0..<0 }
        var axes: [Int] = []
        for axis in stated { axes.append(try node.axis(axis, rank: shape.count)) }
        axes.sort()
        guard let first = axes.first, axes == Array(first..<first + axes.count) else {
            throw node.invalid("attribute axes is \(stated), expected neighbouring axes")
        }
        return first..<first + axes.count
    }
}
