// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// Puts AIPP between an input of the model and those who read it, with the attributes that GE's converter writes.
struct AippInsertion {
    private let aipp: AippAippOpParams
    private let input: String
    /// What the model takes, and so what AIPP produces.
    private let result: TensorDesc
    private let (images, channels, height, width): (Int, Int, Int, Int)

    /// - result: descriptor of the model's input, in NCHW.
    init(_ aipp: AippAippOpParams, input: String, result: TensorDesc) throws(ConversionError) {
        guard result.shape.count == 4, result.format == .nchw, result.shape.allSatisfy({ $0 > 0 }),
            [.float, .float16, .uint8].contains(result.dataType)
        else {
            throw AippConfiguration.invalid(
                "input [\(input)] of type \(result.dataType) and shape \(result.shape) is no image in NCHW")
        }
        self.aipp = aipp
        self.input = input
        self.result = result
        (images, channels, height, width) = (result.shape[0], result.shape[1], result.shape[2], result.shape[3])
        if aipp.aippMode == .static { try checkSizes() }
        if aipp.aippMode == .dynamic, Int(aipp.maxSrcImageSize) < images * height * width {
            throw AippConfiguration.invalid(
                "max_src_image_size is \(aipp.maxSrcImageSize), less than \(images) images of \(width) x \(height)")
        }
    }

    // MARK: Sizes of static AIPP

    private var sourceWidth: Int { aipp.srcImageSizeW > 0 ? Int(aipp.srcImageSizeW) : width }
    private var sourceHeight: Int { aipp.srcImageSizeH > 0 ? Int(aipp.srcImageSizeH) : height }
    private var cropWidth: Int { aipp.cropSizeW > 0 ? Int(aipp.cropSizeW) : width }
    private var cropHeight: Int { aipp.cropSizeH > 0 ? Int(aipp.cropSizeH) : height }

    private var isGrey: Bool {
        aipp.inputFormat == .yuv400U8 || aipp.cscSwitch && matrix[3...].allSatisfy { $0 == 0 }
    }

    private func checkSizes() throws(ConversionError) {
        let isYUV420 = aipp.inputFormat == .yuv420SpU8
        guard !isYUV420 || sourceWidth % 2 == 0 && sourceHeight % 2 == 0 else {
            throw AippConfiguration.invalid("a YUV420SP image of \(sourceWidth) x \(sourceHeight) has odd sizes")
        }
        var (resultWidth, resultHeight) = (sourceWidth, sourceHeight)
        if aipp.crop {
            guard Int(aipp.loadStartPosW) + cropWidth <= sourceWidth,
                Int(aipp.loadStartPosH) + cropHeight <= sourceHeight
            else {
                throw AippConfiguration.invalid(
                    "the crop of \(cropWidth) x \(cropHeight) at \(aipp.loadStartPosW), \(aipp.loadStartPosH) leaves the "
                        + "image of \(sourceWidth) x \(sourceHeight)")
            }
            (resultWidth, resultHeight) = (cropWidth, cropHeight)
        }
        if aipp.padding {
            resultWidth += Int(aipp.leftPaddingSize + aipp.rightPaddingSize)
            resultHeight += Int(aipp.topPaddingSize + aipp.bottomPaddingSize)
        }
        guard resultWidth == width, resultHeight == height else {
            throw AippConfiguration.invalid(
                "it gives images of \(resultWidth) x \(resultHeight), but input [\(input)] takes \(width) x \(height)")
        }
        guard channels == (isGrey ? 1 : 3) else {
            throw AippConfiguration.invalid(
                "it gives \(isGrey ? 1 : 3) channels, but input [\(input)] takes \(channels)")
        }
    }

    // MARK: Nodes

    /// The uint8 images that the caller passes. Their shape stays that of the model's input; `size` has their bytes.
    var imageDesc: TensorDesc {
        let pixels = images * sourceHeight * sourceWidth
        let bytes =
            switch (aipp.aippMode, aipp.inputFormat) {
            case (.dynamic, _): Int(aipp.maxSrcImageSize)
            case (_, .yuv420SpU8): pixels / 2 * 3
            case (_, .xrgb8888U8): pixels * 4
            case (_, .rgb888U8): pixels * 3
            default: pixels
            }
        let (h, w) = aipp.aippMode == .static ? (sourceHeight, sourceWidth) : (height, width)
        return TensorDesc(.uint8, [images, h, w, channels], format: .nhwc, size: bytes)
    }

    var imageAttributes: [String: Attribute] {
        let entry =
            "NCHW:\(typeName):\(input):\(result.byteCount ?? 0):4:\(result.shape.map(String.init).joined(separator: ","))"
        var attributes: [String: Attribute] = ["aipp": .named("aipp", configuration)]
        guard aipp.aippMode == .static else {
            attributes["_data_related_aipp_mode"] = .string("dynamic_aipp")
            attributes["_dynamic_aipp_input_dims"] = .ints([Int64(images), -1, -1, -1])
            return attributes
        }
        attributes["_data_related_aipp_mode"] = .string("static_aipp")
        attributes["_aipp_inputs"] = .strings([entry])
        attributes["_aipp_outputs"] = .strings([entry])
        let (h, w) = (Int64(sourceHeight), Int64(sourceWidth))
        let stored: [Int64] =
            switch aipp.inputFormat {
            case .yuv420SpU8: [Int64(images), h / 2 * 3, w, 1]
            case .xrgb8888U8: [Int64(images), h, w, 4]
            case .rgb888U8: [Int64(images), h, w, 3]
            default: [Int64(images), h, w, 1]
            }
        attributes["input_dims"] = .ints(stored)
        return attributes
    }

    /// What dynamic AIPP gets with each execution: a head and a part per image.
    var parametersDesc: TensorDesc? {
        aipp.aippMode == .dynamic ? TensorDesc(.uint8, [64 + 96 * images], format: .nd) : nil
    }

    /// The node behind the images; its result is what the model's input was.
    func node(images: TensorRef, parameters: TensorRef?) -> Node {
        Node(
            name: "\(input)_0_aipp", type: "Aipp", inputs: parameters.map { [images, $0] } ?? [images],
            inputNames: parameters == nil ? ["images"] : ["images", "params"], outputs: [result],
            outputNames: ["features"], attributes: ["aipp": .named("aipp", configuration)])
    }

    private var typeName: String {
        switch result.dataType {
        case .float16: "DT_FLOAT16"
        case .uint8: "DT_UINT8"
        default: "DT_FLOAT"
        }
    }

    // MARK: Configuration

    /// The conversion's matrix with its defaults: BT.601 narrow, between YUV and BGR or RGB and YUV.
    private var matrix: [Int] {
        let isYUV = [.yuv420SpU8, .yuv400U8].contains(aipp.inputFormat)
        let defaults =
            isYUV ? [298, 516, 0, 298, -100, -208, 298, 0, 409] : [66, 129, 25, -38, -74, 112, 112, -94, -18]
        return zip(aipp.matrix, defaults).map { given, otherwise in given.first.map { Int($0) } ?? otherwise }
    }

    /// All values with their defaults, under the names of the configuration file.
    private var configuration: [String: Attribute] {
        func int(_ value: some BinaryInteger) -> Attribute { .int(Int64(value)) }
        var values: [String: Attribute] = [
            "aipp_mode": int(aipp.aippMode.rawValue), "related_input_rank": int(aipp.relatedInputRank),
            "max_src_image_size": int(aipp.maxSrcImageSize),
        ]
        guard aipp.aippMode == .static else { return values }
        let switches: [(String, Bool)] = [
            ("csc_switch", aipp.cscSwitch), ("rbuv_swap_switch", aipp.rbuvSwapSwitch),
            ("ax_swap_switch", aipp.axSwapSwitch), ("crop", aipp.crop), ("padding", aipp.padding),
        ]
        for (name, isOn) in switches { values[name] = .bool(isOn) }
        let numbers: [(String, Int)] = [
            ("input_format", aipp.inputFormat.rawValue), ("src_image_size_w", sourceWidth),
            ("src_image_size_h", sourceHeight), ("load_start_pos_w", Int(aipp.loadStartPosW)),
            ("load_start_pos_h", Int(aipp.loadStartPosH)), ("crop_size_w", cropWidth), ("crop_size_h", cropHeight),
            ("left_padding_size", Int(aipp.leftPaddingSize)), ("right_padding_size", Int(aipp.rightPaddingSize)),
            ("top_padding_size", Int(aipp.topPaddingSize)), ("bottom_padding_size", Int(aipp.bottomPaddingSize)),
            ("mean_chn_0", Int(aipp.meanChn0)), ("mean_chn_1", Int(aipp.meanChn1)), ("mean_chn_2", Int(aipp.meanChn2)),
            ("mean_chn_3", Int(aipp.meanChn3)),
        ]
        for (name, number) in numbers { values[name] = int(number) }
        for (channel, value) in [aipp.minChn0, aipp.minChn1, aipp.minChn2, aipp.minChn3].enumerated() {
            values["min_chn_\(channel)"] = .float(value)
        }
        for (channel, list) in aipp.scale.enumerated() {
            values["var_reci_chn_\(channel)"] = .floats([list.first ?? 1])
        }
        values["padding_value"] = .float(aipp.paddingValue)
        guard aipp.cscSwitch else { return values }
        for (place, entry) in matrix.enumerated() {
            values["matrix_r\(place / 3)c\(place % 3)"] = .ints([Int64(entry)])
        }
        for (channel, otherwise) in [16, 128, 128].enumerated() {
            values["input_bias_\(channel)"] = .ints([Int64(aipp.inputBias[channel].first ?? Int32(clamping: otherwise))]
            )
            values["output_bias_\(channel)"] = .ints([
                Int64(aipp.outputBias[channel].first ?? Int32(clamping: otherwise))
            ])
        }
        return values
    }
}

extension ONNXImporter {
    /// Adds an input that takes images, and AIPP behind it; `name` then stands for its result.
    /// - parametersIndex: the number of the input for the parameters of dynamic AIPP.
    func addImageInput(_ name: String, index: Int, parametersIndex: Int, _ insertion: AippInsertion) {
        addInput(name, index: index, desc: insertion.imageDesc)
        guard let images = tensor(named: name) else { return }
        for (attribute, value) in insertion.imageAttributes {
            draft.setAttribute(attribute, of: images.node, to: value)
        }
        var parameters: TensorRef?
        if let desc = insertion.parametersDesc {
            let imagesName = draft.nodes[images.node].name
            let added = addAippData(index: parametersIndex, desc: desc, images: imagesName)
            draft.setAttribute("_data_aipp_data_name_map", of: images.node, to: .string(draft.nodes[added.node].name))
            parameters = added
        }
        bind(name, to: TensorRef(draft.append(insertion.node(images: images, parameters: parameters))))
    }
}
