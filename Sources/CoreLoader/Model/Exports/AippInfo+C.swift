// SPDX-License-Identifier: Apache-2.0

import CAscendCL
import GEGraph
import SaturatingArithmetic

extension aclAippInfo {
    /// What a model's static AIPP does with its input; throws 500002 when its lists contradict each other.
    init(_ aipp: InputAipp) throws(Failure) {
        unsafe self.init()
        let values = aipp.configuration
        unsafe inputFormat = aclAippInputFormat(rawValue: UInt32(clamping: values.int("input_format") ?? 0))
        for unsafe(path, name) in unsafe Self.switches {
            unsafe self[keyPath: path] = values.bool(name) == true || (values.int(name) ?? 0) != 0 ? 1 : 0
        }
        for unsafe(path, name) in unsafe Self.numbers {
            unsafe self[keyPath: path] = Int32(clamping: values.int(name) ?? values.ints(name)?.first ?? 0)
        }
        for unsafe(path, name, otherwise) in unsafe Self.reals {
            unsafe self[keyPath: path] = values.float(name) ?? values.floats(name)?.first ?? otherwise
        }
        guard aipp.sources.count == aipp.results.count, !aipp.sources.isEmpty,
            aipp.sources.count <= Int(ACL_MAX_SHAPE_COUNT)
        else {
            throw .engine(
                ErrorCode.geFailure,
                "The model lists \(aipp.sources.count) shapes before and \(aipp.results.count) after its AIPP; there must be "
                    + "1 to \(ACL_MAX_SHAPE_COUNT) of each.")
        }
        unsafe shapeCount = aipp.sources.count
        let sources = try aipp.sources.map { text throws(Failure) in try AippTensor(text) }
        let results = try aipp.results.map { text throws(Failure) in try AippTensor(text) }
        unsafe srcFormat = aclFormat(rawValue: sources[0].format)
        unsafe srcDatatype = aclDataType(rawValue: sources[0].dataType)
        unsafe srcDimNum = sources[0].dims.count
        var shapes: [aclAippDims] = []
        for (source, result) in zip(sources, results) {
            shapes.append(
                aclAippDims(
                    srcDims: try aclmdlIODims(name: source.name, dims: source.dims), srcSize: source.size,
                    aippOutdims: try aclmdlIODims(name: result.name, dims: result.dims), aippOutSize: result.size))
        }
        // Safe: at most ACL_MAX_SHAPE_COUNT shapes, as many as the array holds.
        unsafe withUnsafeMutableBytes(of: &outDims) { target in
            unsafe shapes.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
    }

    private static var switches: [(WritableKeyPath<aclAippInfo, Int8>, String)] {
        unsafe [
            (\.cropSwitch, "crop"), (\.resizeSwitch, "resize"), (\.paddingSwitch, "padding"),
            (\.cscSwitch, "csc_switch"),
            (\.rbuvSwapSwitch, "rbuv_swap_switch"), (\.axSwapSwitch, "ax_swap_switch"),
            (\.singleLineMode, "single_line_mode"),
        ]
    }

    private static var numbers: [(WritableKeyPath<aclAippInfo, Int32>, String)] {
        unsafe [
            (\.srcImageSizeW, "src_image_size_w"), (\.srcImageSizeH, "src_image_size_h"),
            (\.loadStartPosW, "load_start_pos_w"), (\.loadStartPosH, "load_start_pos_h"), (\.cropSizeW, "crop_size_w"),
            (\.cropSizeH, "crop_size_h"), (\.resizeOutputW, "resize_output_w"), (\.resizeOutputH, "resize_output_h"),
            (\.leftPaddingSize, "left_padding_size"), (\.rightPaddingSize, "right_padding_size"),
            (\.topPaddingSize, "top_padding_size"), (\.bottomPaddingSize, "bottom_padding_size"),
            (\.matrixR0C0, "matrix_r0c0"), (\.matrixR0C1, "matrix_r0c1"), (\.matrixR0C2, "matrix_r0c2"),
            (\.matrixR1C0, "matrix_r1c0"), (\.matrixR1C1, "matrix_r1c1"), (\.matrixR1C2, "matrix_r1c2"),
            (\.matrixR2C0, "matrix_r2c0"), (\.matrixR2C1, "matrix_r2c1"), (\.matrixR2C2, "matrix_r2c2"),
            (\.outputBias0, "output_bias_0"), (\.outputBias1, "output_bias_1"), (\.outputBias2, "output_bias_2"),
            (\.inputBias0, "input_bias_0"), (\.inputBias1, "input_bias_1"), (\.inputBias2, "input_bias_2"),
            (\.meanChn0, "mean_chn_0"), (\.meanChn1, "mean_chn_1"), (\.meanChn2, "mean_chn_2"),
            (\.meanChn3, "mean_chn_3"),
        ]
    }

    private static var reals: [(WritableKeyPath<aclAippInfo, Float>, String, otherwise: Float)] {
        unsafe [
            (\.minChn0, "min_chn_0", 0), (\.minChn1, "min_chn_1", 0), (\.minChn2, "min_chn_2", 0),
            (\.minChn3, "min_chn_3", 0),
            (\.varReciChn0, "var_reci_chn_0", 1), (\.varReciChn1, "var_reci_chn_1", 1),
            (\.varReciChn2, "var_reci_chn_2", 1), (\.varReciChn3, "var_reci_chn_3", 1),
        ]
    }
}

/// One entry of `_aipp_inputs` or `_aipp_outputs`: `FORMAT:DTYPE:name:size:ndims:d0,d1,…`.
private struct AippTensor {
    let format: Int32
    let dataType: Int32
    let name: String
    let size: Int
    let dims: [Int64]

    init(_ text: String) throws(Failure) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 6, let size = Int(parts[parts.count - 3]), let count = Int(parts[parts.count - 2]) else {
            throw Self.malformed(text)
        }
        let dims = parts[parts.count - 1].split(separator: ",").compactMap { Int64($0) }
        guard dims.count == count else { throw Self.malformed(text) }
        // Names may hold colons themselves.
        name = parts[2..<(parts.count - 3)].joined(separator: ":")
        guard name.utf8.count < ModelFacts.nameCapacity else {
            throw .engine(
                ErrorCode.failure, "The tensor name '\(name)' is longer than \(ModelFacts.nameCapacity - 1) bytes.")
        }
        format = Self.formats[parts[0]] ?? -1
        dataType = Self.dataTypes[parts[1]] ?? -1
        self.size = size
        self.dims = dims
    }

    private static func malformed(_ text: String) -> Failure {
        .engine(ErrorCode.geFailure, "'\(text)' does not describe a tensor of AIPP (format:type:name:size:count:dims).")
    }

    private static let formats: [String: Int32] = ["NCHW": 0, "NHWC": 1, "ND": 2, "NC1HWC0": 3, "NC1HWC0_C04": 12]
    private static let dataTypes: [String: Int32] = [
        "DT_FLOAT": 0, "DT_FLOAT16": 1, "DT_INT8": 2, "DT_INT32": 3, "DT_UINT8": 4,
    ]
}
