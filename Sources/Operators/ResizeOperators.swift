// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Resizing of images: TensorFlow's operators, and ONNX's with all of its modes.
enum Resize {
    static let operators: [Operator] = [
        image("ResizeNearestNeighborV2", isLinear: false, sizeInput: true),
        image("ResizeNearestNeighborV2D", isLinear: false, sizeInput: false),
        image("ResizeBilinearV2", isLinear: true, sizeInput: true),
        image("ResizeBilinearV2D", isLinear: true, sizeInput: false),
        general,
    ]

    // MARK: TensorFlow

    /// Resizes height and width to the integers in input 1 or in the attribute `size`.
    private static func image(_ type: String, isLinear: Bool, sizeInput: Bool) -> Operator {
        let plan: @Sendable (Inference) throws(GraphError) -> (ImageLayout, output: [Int]) = {
            node throws(GraphError) in
            let x = try node.staticInput(0, of: isLinear ? Types.reals : Types.numbers)
            let layout = try ImageLayout(node, x, spatialRank: 2, fallback: "NCHW")
            let size = sizeInput ? try node.constantInts(1) : node.attributes.ints("size") ?? []
            guard size.count == 2, size.allSatisfy({ (1...Int(Int32.max)).contains($0) }) else {
                throw node.invalid("the size is \(size), expected a positive height and width")
            }
            let image = layout.channelsFirst(x.shape)
            guard !image[2...].contains(0) else { throw node.invalid("the image \(x.shape) is empty") }
            try checkTables(node, size)
            return (layout, Array(image[..<2]) + size)
        }
        return Operator(
            type,
            infer: { node throws(GraphError) in
                let (layout, output) = try plan(node)
                let x = try node.input(0)
                return [try node.output(x.dataType, layout.own(output), format: x.format)]
            },
            lower: { lowering in
                let (layout, output) = try plan(lowering.inference)
                let x = try layout.channelsFirst(lowering.input(0), lowering.builder)
                let alignsCorners = lowering.attributes.bool("align_corners") == true
                let coordinates: ResizeCoordinates
                if alignsCorners {
                    coordinates = .alignCorners
                } else if lowering.attributes.bool("half_pixel_centers") == true {
                    coordinates = isLinear ? .halfPixel : .halfPixelWithoutShift
                } else {
                    coordinates = .asymmetric
                }
                let method: ResizeMethod = isLinear ? .linear : .nearest(alignsCorners ? .preferCeil : .floor)
                let axes = (2...3).map {
                    ResizeAxis(axis: $0, output: output[$0], scale: nil, coordinates: coordinates)
                }
                return [try layout.own(lowering.builder) { try emit(lowering, x, axes, method, output: output) }]
            },
            fusesFollowers: true)
    }

    // MARK: ONNX

    /// Inputs x, roi?, scales?, sizes?, the last three constant; scales and sizes have an entry for each dimension.
    private static let general = Operator(
        "Resize",
        infer: { node throws(GraphError) in
            let x = try node.staticInput(0, of: Types.numbers)
            let sizes = try outputSizes(node, x)
            _ = try (method(node), axes(node, x, sizes))
            return [try node.output(x.dataType, sizes, format: x.format)]
        },
        lower: { lowering in
            let x = try lowering.inference.input(0)
            let sizes = lowering.outputs[0].shape
            let axes = try axes(lowering.inference, x, sizes)
            return [try emit(lowering, lowering.input(0), axes, method(lowering.inference), output: sizes)]
        },
        fusesFollowers: true)

    private static func outputSizes(_ node: Inference, _ x: TensorDesc) throws(GraphError) -> [Int] {
        let rank = x.shape.count
        let sizes: [Int]
        if let given = node.optionalConstantInts(3), !given.isEmpty {
            sizes = given
        } else if let scales = node.optionalConstantFloats(2), scales.count == rank {
            guard scales.allSatisfy({ $0 > 0 && $0.isFinite }) else {
                throw node.invalid("the scales are \(scales), expected positive ones")
            }
            sizes = zip(x.shape, scales).map { Int(saturating: Float($0) * $1) }
        } else {
            throw node.invalid("neither input 2, scales, nor input 3, sizes, holds \(rank) constants")
        }
        guard sizes.count == rank, sizes.allSatisfy({ (1...Int(Int32.max)).contains($0) }) else {
            throw node.invalid("the sizes are \(sizes), expected \(rank) positive ones")
        }
        guard !x.shape.contains(0) else { throw node.invalid("the input \(x.shape) is empty") }
        try checkTables(node, zip(x.shape, sizes).map { $0 == $1 ? 0 : $1 })
        return sizes
    }

    /// Refuses sizes for which the tables of positions would be too large.
    private static func checkTables(_ node: Inference, _ sizes: [Int]) throws(GraphError) {
        guard sizes.reduce(0, +) <= Inference.largestConstant / 8 else {
            throw node.invalid("the sizes \(sizes) are too large to resize to")
        }
    }

    /// The dimensions that change.
    private static func axes(_ node: Inference, _ x: TensorDesc, _ sizes: [Int]) throws(GraphError) -> [ResizeAxis] {
        let name = node.attributes.string("coordinate_transformation_mode") ?? "half_pixel"
        let scales = node.optionalConstantInts(3)?.isEmpty == false ? nil : node.optionalConstantFloats(2)
        let region = node.optionalConstantFloats(1) ?? []
        let rank = x.shape.count
        var axes: [ResizeAxis] = []
        for axis in 0..<rank {
            let coordinates: ResizeCoordinates
            switch name {
            case "half_pixel": coordinates = .halfPixel
            case "half_pixel_symmetric": coordinates = .halfPixelSymmetric
            case "pytorch_half_pixel": coordinates = sizes[axis] > 1 ? .halfPixel : .first
            case "align_corners": coordinates = .alignCorners
            case "asymmetric": coordinates = .asymmetric
            case "tf_half_pixel_for_nn": coordinates = .halfPixelWithoutShift
            case "tf_crop_and_resize":
                guard region.count == 2 * rank else {
                    throw node.invalid("input 1, roi, must hold \(2 * rank) constants for tf_crop_and_resize")
                }
                let outside = node.attributes.float("extrapolation_value") ?? 0
                coordinates = .crop(start: region[axis], end: region[axis + rank], outside: outside)
            default: throw node.invalid("attribute coordinate_transformation_mode is \(name), which is not known")
            }
            let isCropped = if case .crop(let start, let end, _) = coordinates { start != 0 || end != 1 } else { false }
            if sizes[axis] != x.shape[axis] || isCropped || (scales.map { $0[axis] != 1 } ?? false) {
                axes.append(ResizeAxis(axis: axis, output: sizes[axis], scale: scales?[axis], coordinates: coordinates))
            }
        }
        return axes
    }

    private static func method(_ node: Inference) throws(GraphError) -> ResizeMethod {
        let name = node.attributes.string("mode") ?? "nearest"
        switch name {
        case "nearest":
            let rounding = node.attributes.string("nearest_mode") ?? "round_prefer_floor"
            switch rounding {
            case "round_prefer_floor": return .nearest(.preferFloor)
            case "round_prefer_ceil": return .nearest(.preferCeil)
            case "floor": return .nearest(.floor)
            case "ceil": return .nearest(.ceil)
            default: throw node.invalid("attribute nearest_mode is \(rounding), which is not known")
            }
        case "linear", "bilinear": return .linear
        case "cubic", "bicubic":
            return .cubic(
                coefficient: node.attributes.float("cubic_coeff_a") ?? -0.75,
                excludesOutside: node.attributes.int("exclude_outside") ?? 0 != 0)
        default: throw node.invalid("attribute mode is \(name), expected nearest, linear or cubic")
        }
    }

    // MARK: Kernels

    /// Emits vector kernels where they can do it, else one native kernel for each axis.
    private static func emit(
        _ lowering: Lowering, _ x: Value, _ axes: [ResizeAxis], _ method: ResizeMethod, output: [Int]
    ) throws -> Value {
        let builder = lowering.builder
        let type = builder.desc(x).dataType
        if let resized = try builder.resize(x, axes, method, output: TensorDesc(type, output)) { return resized }
        var current = x
        var sizes = builder.shape(x)
        // Innermost first: what comes later copies or mixes whole rows.
        for axis in axes.reversed() {
            let inner = sizes[(axis.axis + 1)...].reduce(1, *)
            let outer = sizes[..<axis.axis].reduce(1, *)
            let kernel = resizeKernel(type, outer: outer, input: sizes[axis.axis], inner: inner, axis, method)
            guard let kernel else { throw lowering.inference.invalid("there is no kernel for type \(type)") }
            sizes[axis.axis] = axis.output
            current = try builder.native(kernel, inputs: [current], outputs: [TensorDesc(type, sizes)])[0]
        }
        return current
    }
}
