// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Normalisations over batch statistics, rows, channels and neighbourhoods.
enum Normalization {
    static let operators: [Operator] = [
        layerNorm, instanceNorm, meanVariance, l2Normalize, localResponse,
    ]

    // MARK: Rows

    /// Inputs x, gamma, beta; outputs y, mean, variance. Rows lie along the dimensions from `begin_norm_axis` on.
    private static let layerNorm = Operator(
        "LayerNorm",
        infer: { node throws(GraphError) in
            let x = try node.staticInput(0, of: Types.reals)
            let axis = try node.axis(node.attributes.int("begin_norm_axis") ?? 0, rank: x.shape.count)
            for slot in 1...2 {
                let operand = try node.input(slot, of: [x.dataType])
                guard
                    node.broadcasts(operand.shape, to: x.shape)
                        || operand.elementCount == x.shape[axis...].reduce(1, *)
                else {
                    throw node.invalid(
                        "input \(slot) has the shape \(operand.shape), expected that of the rows of \(x.shape)")
                }
            }
            let statistics = try node.output(
                x.dataType, Array(x.shape[..<axis]) + Array(repeating: 1, count: x.shape.count - axis))
            let y = try node.output(x.dataType, x.shape, format: x.format)
            return Array([y, statistics, statistics].prefix(node.outputCount(of: 3)))
        },
        lower: { lowering in
            let (x, gamma, beta) = (try lowering.input(0), try lowering.input(1), try lowering.input(2))
            let builder = lowering.builder
            let shape = builder.shape(x)
            let axis = try lowering.inference.axis(lowering.attributes.int("begin_norm_axis") ?? 0, rank: shape.count)
            let (rows, length) = (shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *))
            let epsilon = lowering.attributes.float("epsilon") ?? 1e-7
            let isPerRow = builder.desc(gamma).elementCount == length && builder.desc(beta).elementCount == length
            let parameters = isPerRow ? [gamma, beta] : []
            var results = try normalizeRows(
                lowering, x, rows: rows, length: length, epsilon, parameters, .perElement, outputs: lowering.outputs)
            if !isPerRow {
                // Parameters that were spread over other dimensions too.
                let step = Lowering(
                    inference: lowering.inference, inputs: lowering.inputs, outputs: [lowering.outputs[0]],
                    builder: builder)
                let scaled = try ElementwiseBinary.apply(.multiply, results[0], gamma, step)
                results[0] = try ElementwiseBinary.apply(.add, scaled, beta, step)
            }
            return results
        })

    /// Inputs x [N, C, spatial…], gamma [C], beta [C]; outputs y, mean, variance [N, C, 1…].
    private static let instanceNorm = Operator(
        "InstanceNorm",
        infer: { node throws(GraphError) in
            let x = try node.staticInput(0, of: Types.reals)
            let channel = try channelAxis(node, x)
            for slot in 1...2 {
                let operand = try node.input(slot, of: [x.dataType])
                guard operand.elementCount == x.shape[channel] else {
                    throw node.invalid(
                        "input \(slot) has the shape \(operand.shape), expected \(x.shape[channel]) elements")
                }
            }
            var reduced = x.shape.map { _ in 1 }
            (reduced[0], reduced[channel]) = (x.shape[0], x.shape[channel])
            let statistics = try node.output(x.dataType, reduced)
            let y = try node.output(x.dataType, x.shape, format: x.format)
            return Array([y, statistics, statistics].prefix(node.outputCount(of: 3)))
        },
        lower: { lowering in
            let x = try lowering.input(0)
            let builder = lowering.builder
            let desc = builder.desc(x)
            let channel = try channelAxis(
                lowering.inference, TensorDesc(desc.dataType, desc.shape, format: lowering.outputs[0].format))
            let spatial = desc.shape.indices.filter { $0 != 0 && $0 != channel }
            let permutation = [0, channel] + spatial
            let image = try builder.transpose(x, permutation)
            let (rows, length) = (desc.shape[0] * desc.shape[channel], spatial.reduce(1) { $0 * desc.shape[$1] })
            let results = try normalizeRows(
                lowering, image, rows: rows, length: length, lowering.attributes.float("epsilon") ?? 1e-6,
                [lowering.input(1), lowering.input(2)], .perRow(period: desc.shape[channel]),
                outputs: [TensorDesc(desc.dataType, builder.shape(image))] + lowering.outputs.dropFirst())
            var inverse = permutation
            for (to, from) in permutation.enumerated() { inverse[from] = to }
            return [try builder.transpose(results[0], inverse)] + results.dropFirst()
        })

    private static func channelAxis(_ node: Inference, _ x: TensorDesc) throws(GraphError) -> Int {
        guard x.shape.count >= 2 else {
            throw node.invalid("the input has the shape \(x.shape), expected at least 2 dimensions")
        }
        let format = node.attributes.string("data_format") ?? (x.format == .nhwc ? "NHWC" : "NCHW")
        return format.hasSuffix("C") ? x.shape.count - 1 : 1
    }

    /// (x − mean) / sqrt(variance + eps) over the attribute `axes`.
    private static let meanVariance = overAxes("MVNV2", epsilon: "eps", default: 1e-9, axes: [0, 2, 3], .meanVariance)

    /// x / sqrt(max(sum of squares, eps)) over the attribute `axis`.
    private static let l2Normalize = overAxes("L2Normalize", epsilon: "eps", default: 1e-4, axes: [], .euclidean)

    private static func overAxes(
        _ type: String, epsilon: String, default fallback: Float, axes standard: [Int], _ kind: RowNormalization
    ) -> Operator {
        let axes: @Sendable (Inference, Int) throws(GraphError) -> [Int] = { node, rank throws(GraphError) in
            let stated = node.attributes.ints("axes") ?? node.attributes.ints("axis") ?? standard
            var result = Set<Int>()
            for axis in stated { result.insert(try node.axis(axis, rank: rank)) }
            return result.isEmpty ? Array(0..<rank) : result.sorted()
        }
        return Operator(
            type,
            infer: { node throws(GraphError) in
                let x = try node.staticInput(0, of: Types.reals)
                _ = try axes(node, x.shape.count)
                return [try node.output(x.dataType, x.shape, format: x.format)]
            },
            lower: { lowering in
                let x = try lowering.input(0)
                let builder = lowering.builder
                let desc = builder.desc(x)
                let reduced = try axes(lowering.inference, desc.shape.count)
                let permutation = desc.shape.indices.filter { !reduced.contains($0) } + reduced
                let rows = try builder.transpose(x, permutation)
                let length = reduced.reduce(1) { $0 * desc.shape[$1] }
                let kernel = rowNormalizationKernel(
                    desc.dataType, kind, rows: permutation.dropLast(reduced.count).reduce(1) { $0 * desc.shape[$1] },
                    length: length, epsilon: lowering.attributes.float(epsilon) ?? fallback, parameters: nil,
                    statistics: 0)
                guard let kernel else { throw lowering.inference.invalid("there is no kernel for \(desc.dataType)") }
                let result = try builder.native(
                    kernel, inputs: [rows], outputs: [TensorDesc(desc.dataType, builder.shape(rows))])[0]
                var inverse = permutation
                for (to, from) in permutation.enumerated() { inverse[from] = to }
                return [try builder.transpose(result, inverse)]
            })
    }

    /// Normalises rows of `length` elements; the results are y and, as far as `outputs` goes, mean and variance.
    private static func normalizeRows(
        _ lowering: Lowering, _ x: Value, rows: Int, length: Int, _ epsilon: Float, _ parameters: [Value],
        _ placement: RowParameters, outputs: [TensorDesc]
    ) throws -> [Value] {
        let builder = lowering.builder
        let type = builder.desc(x).dataType
        if type == .float, outputs.count == 1, length > 0 {
            let matrix = try builder.reshape(x, to: [rows, length])
            let normalized = try builder.rowNormalization(
                matrix, parameters: parameters.count == 2 ? (parameters[0], parameters[1]) : nil, placement,
                epsilon: epsilon, output: TensorDesc(type, [rows, length]))
            return [try builder.reshape(normalized, to: outputs[0].shape)]
        }
        let kernel = rowNormalizationKernel(
            type, .meanVariance, rows: rows, length: length, epsilon: epsilon,
            parameters: parameters.isEmpty ? nil : placement, statistics: outputs.count - 1)
        guard let kernel else { throw lowering.inference.invalid("there is no kernel for type \(type)") }
        return try builder.native(kernel, inputs: [x] + parameters, outputs: outputs)
    }

    // MARK: Neighbouring channels

    /// x / (bias + alpha · sum of squares of 2 · depth_radius + 1 channels) ^ beta. As GE has it, alpha is not
    /// divided by their number.
    private static let localResponse = Operator(
        "LRN",
        infer: { node throws(GraphError) in
            let x = try node.staticInput(0, of: Types.reals)
            guard x.shape.count >= 2 else {
                throw node.invalid("the input has the shape \(x.shape), expected channels")
            }
            let region = node.attributes.string("norm_region") ?? "ACROSS_CHANNELS"
            guard region == "ACROSS_CHANNELS" else {
                throw node.invalid("attribute norm_region is \(region), expected ACROSS_CHANNELS")
            }
            let radius = node.attributes.int("depth_radius") ?? 5
            guard radius >= 0, radius <= Int(Int32.max) else {
                throw node.invalid("attribute depth_radius is \(radius)")
            }
            return [try node.output(x.dataType, x.shape, format: x.format)]
        },
        lower: { lowering in
            let x = try lowering.input(0)
            let desc = lowering.builder.desc(x)
            let kernel = localResponseKernel(
                desc.dataType, batch: desc.shape[0], channels: desc.shape[1], inner: desc.shape[2...].reduce(1, *),
                radius: lowering.attributes.int("depth_radius") ?? 5, bias: lowering.attributes.float("bias") ?? 1,
                alpha: lowering.attributes.float("alpha") ?? 1, beta: lowering.attributes.float("beta") ?? 0.5)
            return try lowering.native(kernel, [x])
        })
}
