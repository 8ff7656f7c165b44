// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// The image preprocessing at the inputs of a model. Its configuration is the attribute `aipp`, with the names of
/// atc's configuration file; the result's size and type are those that the node states.
enum Aipp {
    static let operators: [Operator] = [aipp]

    private static let aipp = Operator(
        "Aipp",
        infer: { node throws(GraphError) in
            let result = try result(node)
            if node.hasInput(1) {
                try checkDynamic(node, result)
            } else {
                try check(settings(node), node, result)
            }
            return [result]
        },
        lower: { lowering in
            let (node, result) = (lowering.inference, lowering.outputs[0])
            let sizes = sizes(of: result)
            guard
                let kernel = aippKernel(
                    node.hasInput(1) ? nil : try settings(node), images: sizes.images,
                    imageBytes: try bytes(node, 0), channels: sizes.channels, height: sizes.height,
                    width: sizes.width, isChannelsLast: result.format == .nhwc, to: result.dataType)
            else { throw node.invalid("AIPP does not produce the type \(result.dataType)") }
            let images = try lowering.input(0)
            return try lowering.native(kernel, node.hasInput(1) ? [images, lowering.input(1)] : [images])
        })

    private static func result(_ node: Inference) throws(GraphError) -> TensorDesc {
        guard try node.input(0).dataType == .uint8 else {
            throw node.invalid("its images are of type \(try node.input(0).dataType), expected uint8")
        }
        guard let stated = node.node.outputs.first, stated.shape.count == 4, stated.shape.allSatisfy({ $0 > 0 }),
            stated.byteCount != nil, [.float, .float16, .uint8].contains(stated.dataType)
        else {
            throw node.invalid("it must state a result of 4 dimensions, of type float32, float16 or uint8")
        }
        let channels = sizes(of: stated).channels
        guard channels == 1 || channels == 3 else {
            throw node.invalid("its result has \(channels) channels, expected 1 or 3")
        }
        return stated
    }

    /// Bytes of an input: what images take stands in no shape, but in the size that their Data node states.
    private static func bytes(_ node: Inference, _ slot: Int) throws(GraphError) -> Int {
        let desc = try node.input(slot)
        return desc.size ?? desc.byteCount ?? 0
    }

    private static func sizes(of result: TensorDesc) -> (images: Int, channels: Int, height: Int, width: Int) {
        let shape = result.shape
        return result.format == .nhwc
            ? (shape[0], shape[3], shape[1], shape[2]) : (shape[0], shape[1], shape[2], shape[3])
    }

    private static func check(_ settings: AippSettings, _ node: Inference, _ result: TensorDesc) throws(GraphError) {
        let sizes = sizes(of: result)
        guard settings.isConsistent, settings.outputHeight == sizes.height, settings.outputWidth == sizes.width,
            settings.isGrey || sizes.channels == 3
        else {
            throw node.invalid(
                "an image of \(settings.width) x \(settings.height) cannot become \(sizes.width) x \(sizes.height) with "
                    + "\(sizes.channels) channels by its crop and padding")
        }
        let bytes = settings.format.byteCount(width: settings.width, height: settings.height) ?? 0
        let passed = try Self.bytes(node, 0)
        guard passed == bytes * sizes.images else {
            throw node.invalid("its images take \(bytes * sizes.images) bytes, but its input has \(passed)")
        }
    }

    private static func checkDynamic(_ node: Inference, _ result: TensorDesc) throws(GraphError) {
        let needed = AippParameterBlock.headBytes + AippParameterBlock.imageBytes * sizes(of: result).images
        guard try bytes(node, 1) >= needed else {
            throw node.invalid("the parameters take \(needed) bytes, its second input has fewer")
        }
        guard try bytes(node, 0) > 0 else { throw node.invalid("its images have no size") }
    }

    /// The settings of static AIPP.
    private static func settings(_ node: Inference) throws(GraphError) -> AippSettings {
        guard case .named(_, let values)? = node.attributes["aipp"] else {
            throw node.invalid("attribute aipp is missing, expected a configuration")
        }
        let formats: [Int: AippSettings.Format] = [1: .yuv420sp, 2: .xrgb8888, 3: .rgb888, 4: .yuv400]
        guard let format = formats[values.number("input_format")] else {
            throw node.invalid("input_format is \(values.number("input_format")), expected 1 to 4")
        }
        var settings = AippSettings(
            format: format, width: values.number("src_image_size_w"), height: values.number("src_image_size_h"))
        settings.swapsColors = values.isOn("rbuv_swap_switch")
        settings.unusedIsFirst = values.isOn("ax_swap_switch")
        if values.isOn("csc_switch") {
            for column in 0..<3 {
                settings.red[column] = Int32(clamping: values.number("matrix_r0c\(column)"))
                settings.green[column] = Int32(clamping: values.number("matrix_r1c\(column)"))
                settings.blue[column] = Int32(clamping: values.number("matrix_r2c\(column)"))
                if format.isYUV {
                    settings.inputBias[column] = Int32(clamping: values.number("input_bias_\(column)"))
                } else {
                    settings.outputBias[column] = Int32(clamping: values.number("output_bias_\(column)"))
                }
            }
        }
        if values.isOn("crop") {
            (settings.cropX, settings.cropY) = (values.number("load_start_pos_w"), values.number("load_start_pos_h"))
            (settings.cropWidth, settings.cropHeight) = (values.number("crop_size_w"), values.number("crop_size_h"))
        }
        if values.isOn("padding") {
            settings.paddingLeft = values.number("left_padding_size")
            settings.paddingRight = values.number("right_padding_size")
            settings.paddingTop = values.number("top_padding_size")
            settings.paddingBottom = values.number("bottom_padding_size")
            settings.paddingValue = values.real("padding_value") ?? 0
        }
        for channel in 0..<4 {
            settings.mean[channel] = Int32(clamping: values.number("mean_chn_\(channel)"))
            settings.minimum[channel] = values.real("min_chn_\(channel)") ?? 0
            settings.scale[channel] = values.real("var_reci_chn_\(channel)") ?? 1
        }
        return settings
    }
}

extension [String: Attribute] {
    /// A number of the configuration, single or the first of a list; 0 where there is none.
    fileprivate func number(_ name: String) -> Int { int(name) ?? ints(name)?.first ?? 0 }
    fileprivate func real(_ name: String) -> Float? { float(name) ?? floats(name)?.first }
    fileprivate func isOn(_ name: String) -> Bool { bool(name) ?? (number(name) != 0) }
}
