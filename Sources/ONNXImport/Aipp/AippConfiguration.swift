// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic
import SwiftProtobuf

/// The image preprocessing that is put in front of inputs of a model: the file of `--insert_op_conf`.
///
/// Source: CANN's documentation of AIPP configuration files; reasons are reported as E10052.
public struct AippConfiguration: Sendable {
    let operators: [AippAippOpParams]

    /// - text: the file, in protobuf's text format: one `aipp_op { … }` per input.
    public init(text: String) throws(ConversionError) {
        let parsed: AippInsertNewOps
        do {
            parsed = try AippInsertNewOps(textFormatString: text)
        } catch {
            let reason = error as? TextFormatDecodingError == .unknownField ? "it has an unknown field" : "\(error)"
            throw ConversionError(
                "E13018", "The file of parameter [--insert_op_conf] cannot be parsed: \(reason).",
                solution: "Write one \"aipp_op { name: value … }\" per input, with the documented names.")
        }
        guard !parsed.aippOp.isEmpty else { throw Self.invalid("the file holds no aipp_op") }
        operators = parsed.aippOp
        for aipp in operators { try Self.check(aipp) }
    }

    static func invalid(_ reason: String) -> ConversionError {
        ConversionError("E10052", "The AIPP configuration is invalid: \(reason).")
    }

    /// What excludes AIPP where an input has several shapes.
    func checkWithGears(_ gears: ImportGears) throws(ConversionError) {
        for aipp in operators {
            guard aipp.aippMode == .static else {
                throw Self.invalid("dynamic AIPP together with several shapes of a model is not supported")
            }
            guard gears.kind == .imageSize else { continue }
            guard aipp.srcImageSizeW == 0, aipp.srcImageSizeH == 0, !aipp.crop, !aipp.padding else {
                throw Self.invalid(
                    "src_image_size, crop and padding cannot be used where the images have several sizes")
            }
        }
    }

    /// The configuration of each input that has one, by the input's number.
    func byInput(_ names: [String]) throws(ConversionError) -> [Int: AippAippOpParams] {
        var found: [Int: AippAippOpParams] = [:]
        for aipp in operators {
            var index = Int(aipp.relatedInputRank)
            if !aipp.relatedInputName.isEmpty {
                guard let named = names.firstIndex(of: aipp.relatedInputName) else {
                    throw Self.invalid("related_input_name \(aipp.relatedInputName) is none of the inputs \(names)")
                }
                index = named
            }
            guard names.indices.contains(index) else {
                throw Self.invalid("related_input_rank is \(index), but the model has \(names.count) inputs")
            }
            guard found.updateValue(aipp, forKey: index) == nil else {
                throw Self.invalid("two aipp_op are for input \(index)")
            }
        }
        return found
    }

    /// What can be checked without the model.
    private static func check(_ aipp: AippAippOpParams) throws(ConversionError) {
        for (list, name) in aipp.lists where list > 1 { throw invalid("\(name) is given \(list) times") }
        for (isOn, name) in [
            (aipp.resize, "resize"), (aipp.singleLineMode, "single_line_mode"),
            (aipp.supportRotation, "support_rotation"), (!aipp.inputEdgeIdx.isEmpty, "input_edge_idx"),
        ] where isOn {
            throw invalid("\(name) is not supported")
        }
        switch aipp.aippMode {
        case .static: try checkStatic(aipp)
        case .dynamic:
            guard aipp.maxSrcImageSize > 0 else {
                throw invalid("max_src_image_size is 0, but dynamic AIPP needs the bytes of the largest image")
            }
        default: throw invalid("aipp_mode must be static or dynamic")
        }
    }

    private static func checkStatic(_ aipp: AippAippOpParams) throws(ConversionError) {
        guard [.yuv420SpU8, .xrgb8888U8, .rgb888U8, .yuv400U8].contains(aipp.inputFormat) else {
            throw invalid("input_format must be YUV420SP_U8, XRGB8888_U8, RGB888_U8 or YUV400_U8")
        }
        func check(_ values: [Int32], in range: ClosedRange<Int32>, _ name: String) throws(ConversionError) {
            if let value = values.first(where: { !range.contains($0) }) {
                throw invalid("\(name) is \(value), expected \(range.lowerBound) to \(range.upperBound)")
            }
        }
        if aipp.srcImageSizeW != 0 { try check([aipp.srcImageSizeW], in: 2...4096, "src_image_size_w") }
        if aipp.srcImageSizeH != 0 { try check([aipp.srcImageSizeH], in: 1...4096, "src_image_size_h") }
        try check([aipp.loadStartPosW, aipp.loadStartPosH], in: 0...4095, "load_start_pos")
        try check([aipp.cropSizeW, aipp.cropSizeH], in: 0...4096, "crop_size")
        try check(
            [aipp.leftPaddingSize, aipp.rightPaddingSize, aipp.topPaddingSize, aipp.bottomPaddingSize], in: 0...32,
            "a padding size")
        try check(aipp.matrix.flatMap(\.self), in: -32768...32767, "an entry of the matrix")
        try check(aipp.inputBias.flatMap(\.self), in: 0...255, "input_bias")
        try check(aipp.outputBias.flatMap(\.self), in: 0...255, "output_bias")
        try check([aipp.meanChn0, aipp.meanChn1, aipp.meanChn2, aipp.meanChn3], in: 0...255, "mean_chn")
        if aipp.inputFormat == .yuv420SpU8, aipp.crop, aipp.loadStartPosW % 2 != 0 || aipp.loadStartPosH % 2 != 0 {
            throw invalid("the crop of a YUV420SP image must start at even positions")
        }
    }
}

extension AippAippOpParams {
    /// Row by row; an entry is empty where the file does not give it.
    var matrix: [[Int32]] {
        [
            matrixR0C0, matrixR0C1, matrixR0C2, matrixR1C0, matrixR1C1, matrixR1C2, matrixR2C0, matrixR2C1, matrixR2C2,
        ]
    }

    var inputBias: [[Int32]] { [inputBias0, inputBias1, inputBias2] }
    var outputBias: [[Int32]] { [outputBias0, outputBias1, outputBias2] }
    var scale: [[Float]] { [varReciChn0, varReciChn1, varReciChn2, varReciChn3] }

    /// How often each entry that may be given once is given.
    fileprivate var lists: [(count: Int, name: String)] {
        matrix.enumerated().map { ($0.element.count, "matrix_r\($0.offset / 3)c\($0.offset % 3)") }
            + inputBias.enumerated().map { ($0.element.count, "input_bias_\($0.offset)") }
            + outputBias.enumerated().map { ($0.element.count, "output_bias_\($0.offset)") }
            + scale.enumerated().map { ($0.element.count, "var_reci_chn_\($0.offset)") }
    }
}
