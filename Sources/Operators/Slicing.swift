// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Operators that take a regular part of a tensor.
enum Slicing {
    static let operators: [Operator] = [
        slice("StridedSlice") { node, x throws(GraphError) in
            try strided(node, x, node.constantInts(1), node.constantInts(2), node.constantInts(3))
        },
        slice("StridedSliceD") { node, x throws(GraphError) in
            try strided(
                node, x, node.list("begin", orInput: nil), node.list("end", orInput: nil),
                node.list("strides", orInput: nil))
        },
        slice("StridedSliceV2", chosenAxes), slice("StridedSliceV3", chosenAxes),
        slice("Slice") { node, x throws(GraphError) in
            try sized(node, x, node.constantInts(1), node.constantInts(2))
        },
        slice("SliceD") { node, x throws(GraphError) in
            try sized(node, x, node.list("offsets", orInput: nil), node.list("size", orInput: nil))
        },
        slice("SliceDV2") { node, x throws(GraphError) in
            try sized(node, x, node.constantInts(1), node.list("size", orInput: nil))
        },
    ]

    /// Which elements of each dimension of the input are taken, and the shape of the result, which may have dimensions
    /// of size 1 more or less.
    private struct Part {
        var starts: [Int]
        var steps: [Int]
        var counts: [Int]
        var shape: [Int]
    }

    private static func slice(
        _ type: String, _ part: @escaping @Sendable (Inference, [Int]) throws(GraphError) -> Part
    ) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.movable(0)
                return [try node.moved(x, part(node, x.shape).shape)]
            },
            lower: { lowering in
                let x = try lowering.input(0)
                let shape = lowering.builder.shape(x)
                let part = try part(lowering.inference, shape)
                if part.counts == shape, part.steps.allSatisfy({ $0 == 1 }) {
                    return [try lowering.builder.reshape(x, to: part.shape)]
                }
                let inside = rowMajorStrides(shape)
                let outside = rowMajorStrides(part.counts)
                let isEmpty = part.counts.contains(0)
                return try lowering.copy(
                    x,
                    shape.indices.map { axis in
                        // A step past the end is never taken; it may be too large to multiply.
                        let step = part.counts[axis] > 1 ? part.steps[axis] * inside[axis] : 0
                        return CopyDimension(size: part.counts[axis], source: step, target: outside[axis])
                    },
                    sourceOffset: isEmpty ? 0 : zip(part.starts, inside).reduce(0) { $0 + $1.0 * $1.1 })
            })
    }

    // MARK: Bounds

    /// Start and number of the elements from `begin` (nil: the first) up to but without `end` (nil: behind the last),
    /// as numpy counts them: negative bounds count from the end, bounds outside are moved to the nearest end.
    private static func bounds(
        _ node: Inference, _ size: Int, _ begin: Int?, _ end: Int?, step: Int
    ) throws(GraphError) -> (start: Int, count: Int) {
        guard step != 0 else { throw node.invalid("a stride is 0") }
        let (lowest, highest) = step > 0 ? (0, size) : (-1, size - 1)
        func clamped(_ bound: Int) -> Int { min(max(bound < 0 ? bound + size : bound, lowest), highest) }
        let start = begin.map(clamped) ?? (step > 0 ? 0 : size - 1)
        let stop = end.map(clamped) ?? (step > 0 ? size : -1)
        let distance = step > 0 ? stop - start : start - stop
        guard distance > 0 else { return (0, 0) }
        return (start, Int(clamping: (distance.magnitude - 1) / step.magnitude) + 1)
    }

    /// TensorFlow's strided slice: one entry per dimension, with bit masks for entries that mean something else.
    private static func strided(
        _ node: Inference, _ x: [Int], _ begin: [Int], _ end: [Int], _ strides: [Int]
    ) throws(GraphError) -> Part {
        guard begin.count == end.count, begin.count == strides.count, begin.count <= 64 else {
            throw node.invalid(
                "begin has \(begin.count) values, end \(end.count) and strides \(strides.count), "
                    + "expected equally many, at most 64")
        }
        func mask(_ name: String, _ entry: Int) -> Bool {
            entry < 63 && (node.attributes.int(name) ?? 0) >> entry & 1 == 1
        }
        let ellipses = begin.indices.filter { mask("ellipsis_mask", $0) }
        guard ellipses.count <= 1 else { throw node.invalid("ellipsis_mask names more than one entry") }
        let consuming = begin.indices.filter { !mask("new_axis_mask", $0) && !ellipses.contains($0) }.count
        guard consuming <= x.count else {
            throw node.invalid("\(consuming) dimensions are sliced, but the shape \(x) has \(x.count)")
        }
        var part = Part(starts: [], steps: [], counts: [], shape: [])
        func takeWhole(_ number: Int) {
            for _ in 0..<number {
                part.shape.append(x[part.counts.count])
                part.starts.append(0)
                part.steps.append(1)
                part.counts.append(x[part.counts.count])
            }
        }
        for entry in begin.indices {
            if mask("ellipsis_mask", entry) {
                takeWhole(x.count - consuming)
                continue
            }
            if mask("new_axis_mask", entry) {
                part.shape.append(1)
                continue
            }
            let size = x[part.counts.count]
            if mask("shrink_axis_mask", entry) {
                let first = mask("begin_mask", entry) ? 0 : begin[entry]
                guard first >= -size, first < size else {
                    throw node.invalid("index \(first) is outside a dimension of size \(size)")
                }
                part.starts.append(first < 0 ? first + size : first)
                part.steps.append(1)
                part.counts.append(1)
                continue
            }
            let (start, count) = try bounds(
                node, size, mask("begin_mask", entry) ? nil : begin[entry], mask("end_mask", entry) ? nil : end[entry],
                step: strides[entry])
            part.starts.append(start)
            part.steps.append(strides[entry])
            part.counts.append(count)
            part.shape.append(count)
        }
        takeWhole(x.count - part.counts.count)
        return part
    }

    /// ONNX's slice: inputs begin, end, and optionally axes and strides. Without axes the entries are those of a
    /// strided slice, with its masks.
    @Sendable
    private static func chosenAxes(_ node: Inference, _ x: [Int]) throws(GraphError) -> Part {
        let begin = try node.constantInts(1)
        let end = try node.constantInts(2)
        let strides = node.hasInput(4) ? try node.constantInts(4) : [Int](repeating: 1, count: begin.count)
        guard node.hasInput(3) else { return try strided(node, x, begin, end, strides) }
        let axes = try node.axes(node.constantInts(3), rank: x.count)
        guard begin.count == axes.count, end.count == axes.count, strides.count == axes.count else {
            throw node.invalid(
                "begin has \(begin.count) values, end \(end.count), strides \(strides.count) and axes \(axes.count), "
                    + "expected equally many")
        }
        var part = Part(starts: x.map { _ in 0 }, steps: x.map { _ in 1 }, counts: x, shape: x)
        for (entry, axis) in axes.enumerated() {
            let (start, count) = try bounds(node, x[axis], begin[entry], end[entry], step: strides[entry])
            part.starts[axis] = start
            part.steps[axis] = strides[entry]
            part.counts[axis] = count
            part.shape[axis] = count
        }
        return part
    }

    /// A start and a size for each dimension; size −1 means all that is left.
    private static func sized(
        _ node: Inference, _ x: [Int], _ offsets: [Int], _ sizes: [Int]
    ) throws(GraphError) -> Part {
        guard offsets.count == x.count, sizes.count == x.count else {
            throw node.invalid(
                "there are \(offsets.count) offsets and \(sizes.count) sizes, expected \(x.count) of each")
        }
        var counts: [Int] = []
        for (axis, size) in x.enumerated() {
            guard offsets[axis] >= 0, offsets[axis] <= size else {
                throw node.invalid("offset \(offsets[axis]) is outside a dimension of size \(size)")
            }
            let rest = size - offsets[axis]
            guard sizes[axis] >= -1, sizes[axis] <= rest else {
                throw node.invalid(
                    "size \(sizes[axis]) is more than the \(rest) elements behind offset \(offsets[axis])")
            }
            counts.append(sizes[axis] == -1 ? rest : sizes[axis])
        }
        return Part(starts: offsets, steps: x.map { _ in 1 }, counts: counts, shape: counts)
    }
}
