// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Operators that give the same elements another shape: no work at run time where the layout allows it.
enum Reshape {
    static let operators: [Operator] = [
        view("Reshape", reshape),
        view("Squeeze") { node, x throws(GraphError) in try squeeze(node, x, node.list("axis") ?? []) },
        view("SqueezeV2") { node, x throws(GraphError) in try squeeze(node, x, node.list("axis") ?? []) },
        view("SqueezeV3") { node, x throws(GraphError) in
            try squeeze(node, x, node.hasInput(1) ? node.constantInts(1) : [])
        },
        view("Unsqueeze") { node, x throws(GraphError) in try unsqueeze(node, x, node.list("axes", orInput: nil)) },
        view("UnsqueezeV2") { node, x throws(GraphError) in try unsqueeze(node, x, node.list("axis", orInput: nil)) },
        view("UnsqueezeV3") { node, x throws(GraphError) in try unsqueeze(node, x, node.constantInts(1)) },
        view("ExpandDims") { node, x throws(GraphError) in
            try unsqueeze(node, x, [node.number("axis", orInput: 1)])
        },
        view("Flatten") { node, x throws(GraphError) in
            let axis = node.attributes.int("axis") ?? 1
            guard axis >= -x.count, axis <= x.count else {
                throw node.invalid("axis \(axis) is out of range for \(x.count) dimensions")
            }
            let split = axis < 0 ? axis + x.count : axis
            return [x[..<split].product, x[split...].product]
        },
        view("FlattenV2") { node, x throws(GraphError) in
            guard !x.isEmpty else { return [1] }
            let first = try node.axis(node.attributes.int("axis") ?? 1, rank: x.count)
            let last = try node.axis(node.attributes.int("end_axis") ?? -1, rank: x.count)
            guard first <= last else { throw node.invalid("axis \(first) lies behind end_axis \(last)") }
            return x[..<first] + [x[first...last].product] + x[(last + 1)...]
        },
    ]

    private static func view(
        _ type: String, _ shape: @escaping @Sendable (Inference, [Int]) throws(GraphError) -> [Int]
    ) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.known(0)
                return [try node.moved(x, shape(node, x.shape))]
            },
            lower: { [try $0.builder.reshape($0.input(0), to: $0.outputs[0].shape)] })
    }

    /// Replaces the dimensions from `axis` on, `num_axes` of them, by those of the second input: 0 stands for the
    /// dimension that is there (unless `allowzero` is set), −1 for what is left.
    @Sendable
    private static func reshape(_ node: Inference, _ x: [Int]) throws(GraphError) -> [Int] {
        let axis = node.attributes.int("axis") ?? 0
        let replaced = node.attributes.int("num_axes") ?? -1
        let start = axis < 0 ? axis + x.count + 1 : axis
        guard start >= 0, start <= x.count, replaced >= -1, replaced <= x.count - start else {
            throw node.invalid("axis \(axis) and num_axes \(replaced) do not fit \(x.count) dimensions")
        }
        let end = replaced < 0 ? x.count : start + replaced
        guard var wanted = node.list("shape") ?? node.optionalConstantInts(1) else {
            // A shape that is computed is acceptable where the model states what comes out of it.
            if let stated = node.node.outputs.first, stated.isStatic, stated.elementCount == x.product {
                return stated.shape
            }
            throw node.invalid("input 1 must be a constant of type int32 or int64")
        }
        let asked = wanted
        if node.attributes.int("allowzero") ?? 0 == 0, node.attributes.bool("allowzero") != true {
            for (index, size) in wanted.enumerated() where size == 0 {
                guard start + index < end else {
                    throw node.invalid("shape \(asked) takes over dimension \(start + index) of the shape \(x)")
                }
                wanted[index] = x[start + index]
            }
        }
        let count = x[start..<end].product
        let open = wanted.indices.filter { wanted[$0] == -1 }
        var rest = 1
        for size in wanted where size != -1 {
            let (next, overflow) = rest.multipliedReportingOverflow(by: size)
            guard size >= 0, !overflow else { throw node.invalid("shape \(asked) is not a shape") }
            rest = next
        }
        guard open.count <= 1 else { throw node.invalid("shape \(asked) leaves more than one dimension open") }
        if let open = open.first {
            guard rest > 0, count % rest == 0 else {
                throw node.invalid("\(count) elements of the shape \(x) do not fit the shape \(asked)")
            }
            wanted[open] = count / rest
        } else if rest != count {
            throw node.invalid("\(count) elements of the shape \(x) do not fit the shape \(asked)")
        }
        return x[..<start] + wanted + x[end...]
    }

    /// Removes the given dimensions, or all of size 1 where none are given.
    private static func squeeze(_ node: Inference, _ x: [Int], _ axes: [Int]) throws(GraphError) -> [Int] {
        guard !axes.isEmpty else { return x.filter { $0 != 1 } }
        let removed = try node.axes(axes, rank: x.count)
        if let wrong = removed.first(where: { x[$0] != 1 }) {
            throw node.invalid("dimension \(wrong) of the shape \(x) has size \(x[wrong]), expected 1")
        }
        return x.indices.filter { !removed.contains($0) }.map { x[$0] }
    }

    /// Inserts dimensions of size 1 at the given places of the result.
    private static func unsqueeze(_ node: Inference, _ x: [Int], _ axes: [Int]) throws(GraphError) -> [Int] {
        let rank = x.count + axes.count
        let inserted = try node.axes(axes, rank: rank)
        var rest = x[...]
        return (0..<rank).map { inserted.contains($0) ? 1 : rest.removeFirst() }
    }
}
