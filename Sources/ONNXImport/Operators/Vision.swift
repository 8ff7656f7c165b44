// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

let visionRules: [String: Rule] = [
    "GridSample": importGridSample, "RoiAlign": importRoiAlign, "MaxRoiPool": importMaxRoiPool,
    "NonMaxSuppression": importNonMaxSuppression,
]

private func importGridSample(_ op: NodeContext) throws(ConversionError) {
    let mode = op.string("mode", "bilinear")
    op.set(
        0,
        try op.emit(
            "GridSampler2D", ["x": op.input(0), "grid": op.input(1)],
            [
                // Opset 20 renamed two of the modes.
                "interpolation_mode": .string(["linear": "bilinear", "cubic": "bicubic"][mode] ?? mode),
                "padding_mode": .string(op.string("padding_mode", "zeros")),
                "align_corners": .bool(op.flag("align_corners", false)),
            ]))
}

/// GE wants the number of its picture in front of each region.
private func importRoiAlign(_ op: NodeContext) throws(ConversionError) {
    let features = try op.input(0)
    let type = op.desc(features).dataType
    let picture = try op.cast(try op.unsqueeze(try op.input(2), [-1]), to: type)
    let rois = try op.emit("ConcatD", list: [picture, op.input(1)], ["concat_dim": .int(1), "N": .int(2)])
    let isHalfPixel =
        op.opset >= 16
        && op.string("coordinate_transformation_mode", "half_pixel") == "half_pixel"
    op.set(
        0,
        try op.emit(
            "ROIAlign", ["features": features, "rois": rois],
            [
                "spatial_scale": .float(op.float("spatial_scale", 1)),
                "pooled_height": .int(Int64(op.int("output_height", 1))),
                "pooled_width": .int(Int64(op.int("output_width", 1))),
                "sample_num": .int(Int64(op.int("sampling_ratio", 0))), "roi_end_mode": .int(isHalfPixel ? 2 : 0),
                "pool_mode": .string(op.string("mode", "avg")),
            ]))
}

private func importMaxRoiPool(_ op: NodeContext) throws(ConversionError) {
    let size = try op.requiredInts("pooled_shape")
    guard size.count == 2 else { throw op.invalid("pooled_shape must have two numbers.") }
    let scale = Attribute.float(op.float("spatial_scale", 1))
    op.set(
        0,
        try op.emit(
            "ROIPooling", ["x": op.input(0), "rois": op.input(1)],
            [
                "pooled_h": .int(Int64(size[0])), "pooled_w": .int(Int64(size[1])), "spatial_scale_h": scale,
                "spatial_scale_w": scale,
            ]))
}

private func importNonMaxSuppression(_ op: NodeContext) throws(ConversionError) {
    let selected = try op.emit(
        "NonMaxSuppressionV6",
        [
            "boxes": op.input(0), "scores": op.input(1), "max_output_size": op.optionalInput(2),
            "iou_threshold": op.optionalInput(3), "score_threshold": op.optionalInput(4),
        ],
        ["center_point_box": .int(Int64(op.int("center_point_box", 0))), "max_boxes_size": .int(0)],
        output: "selected_indices")
    op.set(0, try op.cast(selected, to: .int64))
}
