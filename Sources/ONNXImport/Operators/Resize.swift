// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

let resizeRules: [String: Rule] = ["Resize": importResize, "Upsample": importUpsample]

/// Upsample of opset 7 to 9 takes source positions as floor(position / scale).
private func importUpsample(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    guard let scales = op.floats("scales") ?? op.constant(op.optionalInput(1))?.floats else {
        throw op.unsupported("scales that are not constant.")
    }
    let resizing = try Resizing(op, x, scales: scales, sizes: nil, coordinates: "asymmetric", rounding: "floor")
    op.set(0, try resizing.emit(op))
}

private func importResize(_ op: NodeContext) throws(ConversionError) {
    let x = try op.input(0)
    let rank = try op.rank(x)
    guard !op.flag("antialias", false) else { throw op.unsupported("antialias 1.") }
    if op.opset < 11 {
        guard let scales = op.constant(op.optionalInput(1))?.floats else {
            throw op.unsupported("scales that are not constant.")
        }
        let resizing = try Resizing(op, x, scales: scales, sizes: nil, coordinates: "asymmetric", rounding: "floor")
        op.set(0, try resizing.emit(op))
        return
    }
    if try importDynamicResize(op, x) { return }
    var scales: [Float]?
    if let input = op.optionalInput(2), op.desc(input).elementCount != 0 {
        guard let values = op.constant(input)?.floats else { throw op.unsupported("scales that are not constant.") }
        scales = values
    }
    var sizes = try op.constantInts(input: 3)
    var roi = op.optionalInput(1)
    // From opset 18 on the numbers may be for some axes only.
    if let axes = op.ints("axes") {
        if let given = op.constant(roi)?.floats, given.count == axes.count * 2 {
            var full = [Float](repeating: 0, count: rank) + [Float](repeating: 1, count: rank)
            for (index, axis) in axes.enumerated() {
                let axis = try op.axis(axis, rank: rank)
                full[axis] = given[index]
                full[axis + rank] = given[index + axes.count]
            }
            roi = op.constant(Constant(packing: full, shape: [full.count]))
        }
        var fullScales = [Float](repeating: 1, count: rank)
        var fullSizes = op.desc(x).shape
        for (index, axis) in axes.enumerated() {
            let axis = try op.axis(axis, rank: rank)
            if let scales, index < scales.count { fullScales[axis] = scales[index] }
            if let sizes, index < sizes.count { fullSizes[axis] = sizes[index] }
        }
        scales = scales.map { _ in fullScales }
        sizes = sizes.map { _ in fullSizes }
    }
    if let wanted = sizes {
        sizes = try keepingAspect(op, wanted, of: op.desc(x).shape)
        scales = nil
    }
    let resizing = try Resizing(
        op, x, roi: roi, scales: scales, sizes: sizes,
        coordinates: op.string("coordinate_transformation_mode", "half_pixel"),
        rounding: op.string("nearest_mode", "round_prefer_floor"))
    op.set(0, try resizing.emit(op))
}

/// A resize whose input or sizes have no shape yet: GE's Resize, which finds out everything when it knows them.
/// - Returns: whether it was one.
private func importDynamicResize(_ op: NodeContext, _ x: TensorRef) throws(ConversionError) -> Bool {
    let scales = op.optionalInput(2).flatMap { op.desc($0).elementCount == 0 ? nil : $0 }
    let sizes = op.optionalInput(3)
    guard op.isDynamic(x) || (scales ?? sizes).map({ op.isDynamic($0) }) == true else { return false }
    guard !op.has("axes"), op.string("keep_aspect_ratio_policy", "stretch") == "stretch" else {
        throw op.unsupported("axes and policies for an input of which executions choose the shape.")
    }
    let coordinates = op.string("coordinate_transformation_mode", "half_pixel")
    op.set(
        0,
        try op.emit(
            "Resize",
            [
                "x": x, "roi": coordinates == "tf_crop_and_resize" ? op.optionalInput(1) : nil,
                "scales": sizes == nil ? scales : nil, "sizes": sizes,
            ], resizeAttributes(op, coordinates, op.string("nearest_mode", "round_prefer_floor"))))
    return true
}

private func resizeAttributes(_ op: NodeContext, _ coordinates: String, _ rounding: String) -> [String: Attribute] {
    [
        "coordinate_transformation_mode": .string(coordinates), "mode": .string(op.string("mode", "nearest")),
        "nearest_mode": .string(rounding), "cubic_coeff_a": .float(op.float("cubic_coeff_a", -0.75)),
        "exclude_outside": .int(Int64(op.int("exclude_outside", 0))),
        "extrapolation_value": .float(op.float("extrapolation_value", 0)),
    ]
}

/// Sizes under the policies of opset 18 that keep the proportions.
private func keepingAspect(_ op: NodeContext, _ sizes: [Int], of shape: [Int]) throws(ConversionError) -> [Int] {
    let policy = op.string("keep_aspect_ratio_policy", "stretch")
    guard policy != "stretch" else { return sizes }
    guard sizes.count == shape.count else { throw op.invalid("sizes must have \(shape.count) numbers.") }
    let axes = try (op.ints("axes") ?? Array(shape.indices)).map { axis throws(ConversionError) in
        try op.axis(axis, rank: shape.count)
    }
    let ratios = axes.map { Double(sizes[$0]) / Double(shape[$0]) }
    guard let scale = policy == "not_larger" ? ratios.min() : ratios.max() else { return sizes }
    var result = sizes
    for axis in axes {
        result[axis] = Int(saturating: (scale * Double(shape[axis])).rounded())
    }
    return result
}

/// A resize with its numbers known.
private struct Resizing {
    let x: TensorRef
    /// The part of the input that tf_crop_and_resize takes.
    let roi: TensorRef?
    let shape: [Int]
    let scales: [Float]?
    let sizes: [Int]
    let mode: String
    let coordinates: String
    let rounding: String

    init(
        _ op: NodeContext, _ x: TensorRef, roi: TensorRef? = nil, scales: [Float]?, sizes: [Int]?,
        coordinates: String, rounding: String
    ) throws(ConversionError) {
        self.x = x
        self.roi = coordinates == "tf_crop_and_resize" ? roi : nil
        let shape = op.desc(x).shape
        guard op.desc(x).isStatic else { throw op.unsupported("an input of unknown size.") }
        self.shape = shape
        self.scales = scales
        guard let result = sizes ?? scales.map({ zip(shape, $0).map { Int(saturating: Float($0) * $1) } }),
            result.count == shape.count
        else { throw op.invalid("scales or sizes must have \(shape.count) numbers.") }
        guard result == shape || result.allSatisfy({ (1...Int(Int32.max)).contains($0) }) else {
            throw op.invalid("the scales \(scales ?? []) or sizes give the shape \(result), which is none.")
        }
        self.sizes = result
        mode = op.string("mode", "nearest")
        self.coordinates = coordinates
        self.rounding = rounding
    }

    /// Whether only the last two of four dimensions change, by exactly the ratio of the sizes.
    private var isPlain: Bool {
        guard shape.count == 4, sizes[..<2] == shape[..<2] else { return false }
        guard let scales else { return true }
        return zip(zip(shape, sizes), scales).allSatisfy { Float($0.1) == Float($0.0) * $1 }
    }

    func emit(_ op: NodeContext) throws(ConversionError) -> TensorRef {
        if sizes == shape, coordinates != "tf_crop_and_resize" { return try op.emit("Identity", ["x": x]) }
        let size = op.constant(ints: Array(sizes.suffix(2)), type: .int32)
        if isPlain, mode == "nearest", coordinates == "asymmetric", rounding == "floor" {
            return try op.emit(
                "ResizeNearestNeighborV2", ["x": x, "size": size],
                ["align_corners": .bool(false), "half_pixel_centers": .bool(false), "data_format": .string("NCHW")])
        }
        let isHalfPixel =
            coordinates == "half_pixel"
            || coordinates == "pytorch_half_pixel" && sizes.suffix(2).allSatisfy { $0 > 1 }
        if isPlain, mode == "linear", isHalfPixel || coordinates == "align_corners" || coordinates == "asymmetric" {
            return try op.emit(
                "ResizeBilinearV2", ["x": x, "size": size],
                [
                    "align_corners": .bool(coordinates == "align_corners"),
                    "half_pixel_centers": .bool(isHalfPixel), "data_format": .string("NCHW"),
                ])
        }
        return try op.emit(
            "Resize",
            [
                "x": x, "roi": roi,
                "scales": scales.map { op.constant(Constant(packing: $0, shape: [$0.count])) },
                "sizes": scales == nil ? op.constant(ints: sizes) : nil,
            ],
            resizeAttributes(op, coordinates, rounding))
    }
}
