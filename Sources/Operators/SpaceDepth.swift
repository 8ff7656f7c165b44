// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Operators that exchange blocks of pixels for channels.
enum SpaceDepth {
    static let operators: [Operator] = [depthToSpace, spaceToDepth]

    /// Sizes of the image with more pixels, whichever side it is on: `height` and `width` count blocks.
    private struct Blocks {
        var batch: Int
        var channels: Int
        var height: Int
        var width: Int
        var size: Int
        var isChannelsLast: Bool
        /// Whether the channel is the slowest part of the deep image's channel number (mode CRD), else the fastest.
        var channelIsSlowest: Bool

        /// The loops of a copy, in the order of the target's strides.
        func dimensions(from source: [Int], to target: [Int]) -> [CopyDimension] {
            let sizes = [batch, channels, height, size, width, size]
            return sizes.indices.sorted { target[$0] > target[$1] }
                .map { CopyDimension(size: sizes[$0], source: source[$0], target: target[$0]) }
        }

        /// Strides of batch, channel, block row, row in the block, block column, column in the block.
        var wide: [Int] {
            let (h, w) = (height * size, width * size)
            let batchStride = channels * h * w
            return isChannelsLast
                ? [batchStride, 1, size * w * channels, w * channels, size * channels, channels]
                : [batchStride, h * w, size * w, w, size, 1]
        }

        var deep: [Int] {
            let all = channels * size * size
            // Strides inside the channel number: channel, row in the block, column in the block.
            let inner = channelIsSlowest ? [size * size, size, 1] : [1, size * channels, channels]
            let unit = isChannelsLast ? 1 : height * width
            let (row, column) = isChannelsLast ? (width * all, all) : (width, 1)
            return [
                all * height * width, inner[0] * unit, row, inner[1] * unit, column, inner[2] * unit,
            ]
        }

        var wideShape: [Int] {
            isChannelsLast
                ? [batch, height * size, width * size, channels] : [batch, channels, height * size, width * size]
        }

        var deepShape: [Int] {
            let all = channels * size * size
            return isChannelsLast ? [batch, height, width, all] : [batch, all, height, width]
        }
    }

    private static let depthToSpace = Operator(
        "DepthToSpace",
        infer: { node throws(GraphError) in try [node.moved(node.input(0), blocks(node, isDeep: true).wideShape)] },
        lower: { lowering in
            let blocks = try blocks(lowering.inference, isDeep: true)
            return try lowering.copy(lowering.input(0), blocks.dimensions(from: blocks.deep, to: blocks.wide))
        })

    private static let spaceToDepth = Operator(
        "SpaceToDepth",
        infer: { node throws(GraphError) in try [node.moved(node.input(0), blocks(node, isDeep: false).deepShape)] },
        lower: { lowering in
            let blocks = try blocks(lowering.inference, isDeep: false)
            return try lowering.copy(lowering.input(0), blocks.dimensions(from: blocks.wide, to: blocks.deep))
        })

    private static func blocks(_ node: Inference, isDeep: Bool) throws(GraphError) -> Blocks {
        let x = try node.movable(0).shape
        let format = node.attributes.string("data_format") ?? "NHWC"
        let mode = node.attributes.string("mode") ?? "DCR"
        guard let size = node.attributes.int("block_size"), size > 0, size < 1 << 15 else {
            throw node.invalid("attribute block_size is missing or no size")
        }
        guard format == "NCHW" || format == "NHWC", mode == "DCR" || mode == "CRD", x.count == 4 else {
            throw node.invalid(
                "data_format is '\(format)', mode '\(mode)' and the shape \(x), expected NCHW or NHWC, DCR or CRD, "
                    + "and 4 dimensions")
        }
        let isChannelsLast = format == "NHWC"
        var (channels, height, width) = isChannelsLast ? (x[3], x[1], x[2]) : (x[1], x[2], x[3])
        let divisible = isDeep ? channels % (size * size) == 0 : height % size == 0 && width % size == 0
        guard divisible else { throw node.invalid("the shape \(x) cannot be cut into blocks of \(size)") }
        if isDeep {
            channels /= size * size
        } else {
            height /= size
            width /= size
        }
        return Blocks(
            batch: x[0], channels: channels, height: height, width: width, size: size,
            isChannelsLast: isChannelsLast, channelIsSlowest: mode == "CRD")
    }
}
