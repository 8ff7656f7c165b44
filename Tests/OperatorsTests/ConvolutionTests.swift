// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

/// A convolution over spatial dimensions with its numbers; sizes per spatial dimension.
struct ConvolutionCase: Sendable, CustomTestStringConvertible {
    var batch = 1
    var channels = 3
    var filters = 4
    var image = [7, 6]
    var window = [3, 3]
    var strides = [1, 1]
    var dilations = [1, 1]
    /// Begin and end of each dimension in turn.
    var pads = [0, 0, 0, 0]
    var groups = 1
    var outputPadding = [0, 0]

    var testDescription: String {
        "\(channels)→\(filters)/\(groups) \(image) window \(window) strides \(strides) "
            + "dilations \(dilations) pads \(pads) \(outputPadding)"
    }

    static let all: [ConvolutionCase] = [
        ConvolutionCase(), ConvolutionCase(batch: 2, pads: [1, 1, 1, 1]),
        ConvolutionCase(strides: [2, 2], pads: [1, 0, 0, 1]), ConvolutionCase(window: [1, 1]),
        ConvolutionCase(window: [2, 3], strides: [2, 1], dilations: [2, 1], pads: [2, 1, 0, 2]),
        ConvolutionCase(channels: 6, filters: 4, pads: [1, 1, 1, 1], groups: 2),
        ConvolutionCase(channels: 8, filters: 8, pads: [1, 1, 1, 1], groups: 8),
        ConvolutionCase(channels: 16, filters: 16, image: [5, 6], pads: [1, 1, 1, 1]),
        ConvolutionCase(channels: 4, filters: 8, image: [5, 1], window: [3, 1], pads: [1, 1, 0, 0], groups: 4),
    ]

    static let transposed: [ConvolutionCase] = [
        ConvolutionCase(), ConvolutionCase(batch: 2, strides: [2, 2], pads: [1, 1, 1, 1], outputPadding: [1, 1]),
        ConvolutionCase(window: [2, 2], strides: [2, 2]), ConvolutionCase(strides: [3, 2], pads: [0, 1, 1, 0]),
        ConvolutionCase(window: [2, 3], strides: [2, 1], dilations: [2, 1], pads: [1, 0, 1, 1]),
        ConvolutionCase(
            channels: 6, filters: 4, strides: [2, 2], pads: [1, 1, 1, 1], groups: 2, outputPadding: [1, 0]),
        ConvolutionCase(strides: [2, 2], outputPadding: [1, 1]),
    ]

    static let volumes: [ConvolutionCase] = [
        ConvolutionCase(
            image: [4, 5, 3], window: [2, 3, 1], strides: [1, 2, 1], dilations: [1, 1, 1], pads: [0, 1, 1, 1, 0, 0],
            outputPadding: [0, 0, 0])
    ]

    /// GE's attributes for dimensions in the order batch, channels, spatial, or with the channels last.
    func attributes(channelsLast: Bool = false) -> [String: Attribute] {
        func full(_ values: [Int], _ lead: Int64) -> Attribute {
            let spatial = values.map { Int64($0) }
            return .ints(channelsLast ? [lead] + spatial + [lead] : [lead, lead] + spatial)
        }
        let isVolume = image.count == 3
        return [
            "strides": full(strides, 1), "dilations": full(dilations, 1), "pads": .ints(pads.map { Int64($0) }),
            "groups": .int(Int64(groups)), "output_padding": full(outputPadding, 0),
            "data_format": .string(channelsLast ? (isVolume ? "NDHWC" : "NHWC") : (isVolume ? "NCDHW" : "NCHW")),
        ]
    }

    /// By scattering each input element over the outputs it reaches (`isTransposed`), or gathering them.
    func expected(_ x: Tensor, _ filter: Tensor, _ bias: Tensor?, isTransposed: Bool) -> (
        shape: [Int], values: [Double]
    ) {
        let sizes = image.indices.map { d -> Int in
            let reach = (window[d] - 1) * dilations[d] + 1
            let padding = pads[2 * d] + pads[2 * d + 1]
            return isTransposed
                ? (image[d] - 1) * strides[d] + reach - padding + outputPadding[d]
                : (image[d] + padding - reach) / strides[d] + 1
        }
        let shape = [batch, filters] + sizes
        var sums = [Double](repeating: 0, count: shape.reduce(1, *))
        func index(_ place: [Int], _ shape: [Int]) -> Int { zip(place, shape).reduce(0) { $0 * $1.1 + $1.0 } }
        let (inputs, outputs) = (channels / groups, filters / groups)
        for item in 0..<batch {
            for group in 0..<groups {
                for input in 0..<inputs {
                    for output in 0..<outputs {
                        for small in places(isTransposed ? image : sizes) {
                            for tap in places(window) {
                                // The place on the finer side that this tap connects with `small`.
                                let large = image.indices.map {
                                    small[$0] * strides[$0] + tap[$0] * dilations[$0] - pads[2 * $0]
                                }
                                let bounds = isTransposed ? sizes : image
                                guard zip(large, bounds).allSatisfy({ $0 >= 0 && $0 < $1 }) else { continue }
                                let source = [item, group * inputs + input] + (isTransposed ? small : large)
                                let target = [item, group * outputs + output] + (isTransposed ? large : small)
                                let weight =
                                    isTransposed
                                    ? [group * inputs + input, output] + tap : [group * outputs + output, input] + tap
                                sums[index(target, shape)] +=
                                    x.values[index(source, x.shape)] * filter.values[index(weight, filter.shape)]
                            }
                        }
                    }
                }
            }
        }
        if let bias {
            let plane = sizes.reduce(1, *)
            for place in sums.indices { sums[place] += bias.values[place / plane % filters] }
        }
        return (shape, sums)
    }
}

@Suite struct ConvolutionTests {
    static let types: Set<String> = [
        "Conv2D", "Conv3D", "DepthwiseConv2D", "Conv2DTranspose", "Conv2DTransposeD", "Conv3DTranspose",
        "Conv3DTransposeD",
    ]

    /// `tensor` with its dimensions in the order `permutation`.
    static func transpose(_ tensor: Tensor, _ permutation: [Int], format: Format = .nd) -> Tensor {
        let shape = permutation.map { tensor.shape[$0] }
        let values = places(shape).map { place -> Double in
            var source = place
            for (to, from) in permutation.enumerated() { source[from] = place[to] }
            return tensor.values[zip(source, tensor.shape).reduce(0) { $0 * $1.1 + $1.0 }]
        }
        return Tensor(tensor.type, shape, values, format: format)
    }

    private func operands(
        _ c: ConvolutionCase, _ type: DataType, isTransposed: Bool, _ random: inout SeededGenerator
    ) -> (x: Tensor, filter: Tensor, bias: Tensor) {
        let format: Format = c.image.count == 3 ? .ncdhw : .nchw
        let filter = isTransposed ? [c.channels, c.filters / c.groups] : [c.filters, c.channels / c.groups]
        return (
            random.tensor(type, [c.batch, c.channels] + c.image, format: format),
            random.tensor(type, filter + c.window, format: format), random.tensor(type, [c.filters])
        )
    }

    @Test(arguments: ConvolutionCase.all + ConvolutionCase.volumes, [DataType.float, .double, .float16])
    func convolves(_ c: ConvolutionCase, _ type: DataType) throws {
        var random = SeededGenerator(17)
        let (x, filter, bias) = operands(c, type, isTransposed: false, &random)
        let expected = c.expected(x, filter, bias, isTransposed: false)
        let operation = c.image.count == 3 ? "Conv3D" : "Conv2D"
        for constants in [Set<Int>(), [1, 2]] {
            let y = try run(operation, [x, filter, bias], c.attributes(), constants: constants)[0]
            expectClose(y, shape: expected.shape, expected.values, Tolerance.of(type).times(10))
        }
        let plain = c.expected(x, filter, nil, isTransposed: false)
        expectClose(
            try run(operation, [x, filter, nil], c.attributes())[0], shape: plain.shape, plain.values,
            Tolerance.of(type).times(10))
    }

    @Test(arguments: ConvolutionCase.transposed + ConvolutionCase.volumes, [DataType.float, .double, .float16])
    func convolvesBackwards(_ c: ConvolutionCase, _ type: DataType) throws {
        var random = SeededGenerator(18)
        let (x, filter, bias) = operands(c, type, isTransposed: true, &random)
        let expected = c.expected(x, filter, bias, isTransposed: true)
        let rank = c.image.count
        for constants in [Set<Int>([0]), [0, 2, 3]] {
            let y = try run(
                "Conv\(rank)DTranspose", [.ints([Int](repeating: 0, count: rank + 2)), x, filter, bias], c.attributes(),
                constants: constants)[0]
            expectClose(y, shape: expected.shape, expected.values, Tolerance.of(type).times(10))
        }
        let y = try run("Conv\(rank)DTransposeD", [x, filter, bias], c.attributes())[0]
        expectClose(y, shape: expected.shape, expected.values, Tolerance.of(type).times(10))
    }

    @Test func takesTheSizeOfATransposedResult() throws {
        var random = SeededGenerator(19)
        // The size asks for one element more than the windows reach, as output_padding would.
        let c = ConvolutionCase(strides: [2, 2], pads: [1, 1, 1, 1], outputPadding: [1, 1])
        let (x, filter, _) = operands(c, .float, isTransposed: true, &random)
        let expected = c.expected(x, filter, nil, isTransposed: true)
        var attributes = c.attributes()
        attributes["output_padding"] = nil
        let y = try run("Conv2DTranspose", [.ints(expected.shape, .int32), x, filter], attributes, constants: [0])[0]
        expectClose(y, shape: expected.shape, expected.values, Tolerance.of(.float).times(10))
    }

    @Test(arguments: ConvolutionCase.all)
    func convolvesWithChannelsLast(_ c: ConvolutionCase) throws {
        var random = SeededGenerator(20)
        let (x, filter, bias) = operands(c, .float, isTransposed: false, &random)
        let expected = c.expected(x, filter, bias, isTransposed: false)
        let y = try run(
            "Conv2D",
            [
                Self.transpose(x, [0, 2, 3, 1], format: .nhwc), Self.transpose(filter, [2, 3, 1, 0], format: .hwcn),
                bias,
            ], c.attributes(channelsLast: true))[0]
        let turned = Self.transpose(Tensor(.float, expected.shape, expected.values), [0, 2, 3, 1])
        expectClose(y, shape: turned.shape, turned.values, Tolerance.of(.float).times(10))
    }

    @Test func convolvesEachChannelAlone() throws {
        var random = SeededGenerator(21)
        let c = ConvolutionCase(channels: 8, filters: 8, pads: [1, 1, 1, 1], groups: 8)
        let (x, filter, bias) = operands(c, .float, isTransposed: false, &random)
        let expected = c.expected(x, filter, bias, isTransposed: false)
        var attributes = c.attributes()
        attributes["groups"] = nil
        for shape in [[8, 1, 3, 3], [1, 8, 3, 3]] {
            let reshaped = Tensor(.float, shape, filter.values, format: .nchw)
            let y = try run("DepthwiseConv2D", [x, reshaped, bias], attributes)[0]
            expectClose(y, shape: expected.shape, expected.values, Tolerance.of(.float).times(10))
        }
        // Conv2D finds the number of groups in the filter's shape.
        let y = try run("Conv2D", [x, filter, bias], attributes)[0]
        expectClose(y, shape: expected.shape, expected.values, Tolerance.of(.float).times(10))
    }

    @Test func padsToTheSameSize() throws {
        var random = SeededGenerator(22)
        for (mode, pads) in [("SAME_UPPER", [0, 1, 1, 1]), ("SAME_LOWER", [1, 0, 1, 1]), ("VALID", [0, 0, 0, 0])] {
            // Height 6 in steps of 2 with a window of 3 wants one row of padding, width 7 wants two columns.
            var c = ConvolutionCase(image: [6, 7], strides: [2, 2], pads: pads)
            let (x, filter, _) = operands(c, .float, isTransposed: false, &random)
            let expected = c.expected(x, filter, nil, isTransposed: false)
            c.pads = [0, 0, 0, 0]
            var attributes = c.attributes()
            attributes["auto_pad"] = .string(mode)
            let y = try run("Conv2D", [x, filter], attributes)[0]
            expectClose(y, shape: expected.shape, expected.values, Tolerance.of(.float).times(10), note: mode)
        }
    }

    @Test func refusesWhatDoesNotFit() {
        func desc(_ shape: [Int], _ type: DataType = .float) -> TensorDesc { TensorDesc(type, shape, format: .nchw) }
        let x = desc([1, 4, 8, 8])
        let attributes = ConvolutionCase().attributes()
        func with(_ name: String, _ value: Attribute) -> [String: Attribute] {
            attributes.merging([name: value]) { $1 }
        }
        expectRefusal(
            "Conv2D", descs: [desc([1, 4, 8]), desc([2, 4, 3, 3])], attributes, says: "expected 4 dimensions (NCHW)")
        expectRefusal("Conv2D", descs: [x, desc([2, 4, 3])], attributes, says: "the filter has the shape [2, 4, 3]")
        expectRefusal(
            "Conv2D", descs: [x, desc([2, 3, 3, 3])], attributes, says: "does not fit 4 channels in 1 groups")
        expectRefusal(
            "Conv2D", descs: [x, desc([2, 4, 9, 3])], attributes,
            says: "the window spans 9 elements, but the padded image [8, 8] has only 8")
        expectRefusal("Conv2D", descs: [x, desc([2, 4, 3, 3], .double)], attributes, says: "input 1 has type double")
        expectRefusal(
            "Conv2D", descs: [x, desc([2, 4, 3, 3]), desc([3])], attributes, says: "the bias has the shape [3]")
        expectRefusal(
            "Conv2D", descs: [x, desc([2, 4, 3, 3])], with("strides", .ints([1, 1, 0, 1])), says: "must be positive")
        expectRefusal(
            "Conv2D", descs: [x, desc([2, 4, 3, 3])], with("strides", .ints([1, 1, 1, 1, 1])),
            says: "expected 4 numbers")
        expectRefusal(
            "Conv2D", descs: [x, desc([2, 4, 3, 3])], with("pads", .ints([1, 1])), says: "attribute pads is [1, 1]")
        expectRefusal(
            "Conv2D", descs: [x, desc([2, 4, 3, 3])], with("pads", .ints([0, .max, 0, 0])), says: "attribute pads is")
        expectRefusal(
            "Conv2D", descs: [x, desc([2, 4, 3, 3])], with("auto_pad", .string("FULL")),
            says: "the padding mode is FULL")
        expectRefusal(
            "Conv2D", descs: [x, desc([2, 4, 3, 3])], with("data_format", .string("NC1HWC0")),
            says: "data_format is NC1HWC0")
        expectRefusal("Conv2D", descs: [x, desc([2, 2, 3, 3])], with("groups", .int(3)), says: "in 3 groups")
        expectRefusal(
            "Conv2D", descs: [x, TensorDesc(.float, [2, 4, 3, 3], format: .fractalZ)], attributes,
            says: "the filter has the format 4")
        expectRefusal(
            "Conv2D", descs: [desc([1, 4, 1 << 40, 8]), desc([2, 4, 3, 3])], attributes, says: "is too large")
        expectRefusal(
            "Conv2DTransposeD", descs: [x, desc([4, 2, 3, 3])],
            with("strides", .ints([1, 1, 1 << 31, 1])), says: "must be positive")
        expectRefusal(
            "Conv2DTransposeD", descs: [x, desc([4, 2, 3, 3])],
            with("pads", .ints([10, 10, 0, 0])), says: "the output would have the size")
        expectRefusal("Conv2DTransposeD", descs: [x, desc([3, 2, 3, 3])], attributes, says: "does not fit 4 channels")
        expectRefusal(
            "Conv2DTransposeD", descs: [desc([1, 4, 1 << 31 - 1, 8]), desc([4, 2, 3, 3])],
            with("strides", .ints([1, 1, 1 << 31 - 1, 1])), says: "the output would have the size")
    }
}
