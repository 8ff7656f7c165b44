// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct PoolingTests {
    static let types: Set<String> = [
        "MaxPool", "MaxPoolV2", "MaxPoolV3", "MaxPool3D", "AvgPool", "AvgPoolV2", "AvgPool3D", "AvgPool3DD",
        "GlobalAveragePool",
    ]

    enum Kind: Sendable { case maximum, averageOfImage, averageOfPaddedImage }

    /// Windows by their definition; x is [N, C, spatial…].
    static func expected(
        _ x: Tensor, _ kind: Kind, _ c: ConvolutionCase, ceil: Bool = false, divisor: Int? = nil
    ) -> (shape: [Int], values: [Double]) {
        let image = Array(x.shape[2...])
        let sizes = image.indices.map { d -> Int in
            let room = Double(image[d] + c.pads[2 * d] + c.pads[2 * d + 1] - (c.window[d] - 1) * c.dilations[d] - 1)
            let count = room / Double(c.strides[d])
            let size = Int(ceil ? count.rounded(.up) : count.rounded(.down)) + 1
            // A window that begins in the padding at the end is left out.
            return ceil && (size - 1) * c.strides[d] >= image[d] + c.pads[2 * d] ? size - 1 : size
        }
        let shape = Array(x.shape[..<2]) + sizes
        let values = places(shape).map { place -> Double in
            var seen: [Double] = []
            var padded = 0
            for tap in places(c.window) {
                let spot = image.indices.map {
                    place[$0 + 2] * c.strides[$0] + tap[$0] * c.dilations[$0] - c.pads[2 * $0]
                }
                if image.indices.allSatisfy({ spot[$0] < image[$0] + c.pads[2 * $0 + 1] }) { padded += 1 }
                guard zip(spot, image).allSatisfy({ $0 >= 0 && $0 < $1 }) else { continue }
                let full = Array(place[..<2]) + spot
                seen.append(x.values[zip(full, x.shape).reduce(0) { $0 * $1.1 + $1.0 }])
            }
            switch kind {
            case .maximum: return seen.max() ?? -.infinity
            case .averageOfImage: return seen.reduce(0, +) / Double(divisor ?? seen.count)
            case .averageOfPaddedImage: return seen.reduce(0, +) / Double(divisor ?? padded)
            }
        }
        return (shape, values)
    }

    private static func attributes(_ c: ConvolutionCase, ceil: Bool, channelsLast: Bool = false) -> [String: Attribute]
    {
        func full(_ values: [Int]) -> Attribute {
            let spatial = values.map { Int64($0) }
            return .ints(channelsLast ? [1] + spatial + [1] : [1, 1] + spatial)
        }
        var attributes = c.attributes(channelsLast: channelsLast)
        attributes["ksize"] = full(c.window)
        attributes["dilation"] = full(c.dilations)
        attributes["padding_mode"] = .string("CALCULATED")
        attributes["ceil_mode"] = .bool(ceil)
        attributes["global_pooling"] = .bool(false)
        return attributes
    }

    static let cases: [ConvolutionCase] = [
        ConvolutionCase(window: [2, 2], strides: [2, 2]), ConvolutionCase(batch: 2, channels: 16, pads: [1, 1, 1, 1]),
        ConvolutionCase(strides: [2, 2], pads: [1, 1, 1, 1]), ConvolutionCase(strides: [2, 3], pads: [0, 1, 1, 0]),
        ConvolutionCase(image: [8, 9], strides: [2, 2]), ConvolutionCase(window: [2, 3], dilations: [2, 1]),
        ConvolutionCase(image: [5, 5], window: [2, 2], strides: [3, 3]),
        ConvolutionCase(image: [6, 6], window: [1, 1], strides: [4, 4]),
    ]

    @Test(arguments: cases, [false, true])
    func takesTheMaximum(_ c: ConvolutionCase, _ ceil: Bool) throws {
        var random = SeededGenerator(23)
        for type in BinaryCase.reals + [.int8, .uint8] {
            let x = random.tensor(
                type, [c.batch, c.channels] + c.image, type == .uint8 ? 0...9 : -9...9, format: .nchw)
            let expected = Self.expected(x, .maximum, c, ceil: ceil)
            let y = try run("MaxPoolV3", [x], Self.attributes(c, ceil: ceil))[0]
            expectClose(y, shape: expected.shape, expected.values, note: "\(type)")
        }
    }

    @Test(arguments: cases.filter { $0.dilations == [1, 1] }, [false, true])
    func averages(_ c: ConvolutionCase, _ ceil: Bool) throws {
        var random = SeededGenerator(24)
        for type in BinaryCase.reals {
            for (exclusive, divisor) in [(true, nil), (false, nil), (true, 5)] {
                let x = random.tensor(type, [c.batch, c.channels] + c.image, format: .nchw)
                let expected = Self.expected(
                    x, exclusive ? .averageOfImage : .averageOfPaddedImage, c, ceil: ceil, divisor: divisor)
                var attributes = Self.attributes(c, ceil: ceil)
                attributes["exclusive"] = .bool(exclusive)
                attributes["divisor_override"] = .int(Int64(divisor ?? 0))
                let y = try run("AvgPoolV2", [x], attributes)[0]
                expectClose(y, shape: expected.shape, expected.values, note: "\(type) \(exclusive) \(divisor ?? 0)")
            }
        }
    }

    @Test(arguments: ["MaxPool", "MaxPoolV2", "AvgPool"])
    func poolsWithChannelsLast(_ type: String) throws {
        var random = SeededGenerator(25)
        for (mode, pads) in [("SAME", [0, 1, 0, 0]), ("VALID", [0, 0, 0, 0])] {
            // Height 7 in steps of 2 with a window of 2 wants one row of padding.
            let c = ConvolutionCase(image: [7, 6], window: [2, 2], strides: [2, 2], pads: pads)
            let x = random.tensor(.float, [2, 5, 7, 6])
            let expected = Self.expected(x, type == "AvgPool" ? .averageOfImage : .maximum, c)
            var attributes = Self.attributes(c, ceil: false, channelsLast: true)
            attributes["padding_mode"] = nil
            attributes["padding"] = .string(mode)
            let y = try run(type, [ConvolutionTests.transpose(x, [0, 2, 3, 1], format: .nhwc)], attributes)[0]
            let turned = ConvolutionTests.transpose(Tensor(.float, expected.shape, expected.values), [0, 2, 3, 1])
            expectClose(y, shape: turned.shape, turned.values, note: mode)
        }
    }

    @Test(arguments: ["MaxPool3D", "AvgPool3D", "AvgPool3DD"])
    func poolsVolumes(_ type: String) throws {
        var random = SeededGenerator(26)
        let c = ConvolutionCase(
            image: [4, 5, 6], window: [2, 3, 2], strides: [2, 1, 2], dilations: [1, 1, 1], pads: [0, 0, 1, 1, 0, 0])
        let x = random.tensor(.float, [2, 3, 4, 5, 6], format: .ncdhw)
        var attributes = Self.attributes(c, ceil: false)
        attributes["count_include_pad"] = .bool(true)
        let expected = Self.expected(x, type == "MaxPool3D" ? .maximum : .averageOfPaddedImage, c)
        expectClose(try run(type, [x], attributes)[0], shape: expected.shape, expected.values)
    }

    @Test func poolsWholeImages() throws {
        var random = SeededGenerator(27)
        for (type, shape) in [
            (DataType.float, [2, 3, 4, 5]), (.float, [2, 64, 12, 12]), (.double, [1, 2, 3]),
            (.float16, [1, 3, 2, 2, 2]),
        ] {
            let x = random.tensor(type, shape)
            let (expectedShape, expected) = ReductionTests.reduce(x, Array(2..<shape.count), keeps: true) {
                $0.reduce(0, +) / Double($0.count)
            }
            expectClose(try run("GlobalAveragePool", [x])[0], shape: expectedShape, expected)
        }
        let x = random.tensor(.float, [2, 3, 4, 5], format: .nchw)
        let (shape, expected) = ReductionTests.reduce(x, [2, 3], keeps: true) { $0.max() ?? 0 }
        let y = try run("MaxPoolV3", [x], ["global_pooling": .bool(true), "ksize": .ints([1, 1, 1, 1])])[0]
        expectClose(y, shape: shape, expected)
    }

    @Test func refusesWhatDoesNotFit() {
        let x = TensorDesc(.float, [1, 3, 7, 6], format: .nchw)
        let attributes = Self.attributes(ConvolutionCase(), ceil: false)
        func with(_ name: String, _ value: Attribute?) -> [String: Attribute] {
            var result = attributes
            result[name] = value
            return result
        }
        expectRefusal("MaxPoolV3", descs: [x], with("ksize", nil), says: "attribute ksize is missing")
        expectRefusal("MaxPoolV3", descs: [x], with("ksize", .ints([1, 1, 9, 1])), says: "the window spans 9 elements")
        expectRefusal("MaxPoolV3", descs: [x], with("pads", .ints([3, 0, 0, 0])), says: "exceeds the window")
        expectRefusal("MaxPoolV3", descs: [x], with("strides", .ints([1, 1, -1, 1])), says: "must be positive")
        expectRefusal("AvgPoolV2", descs: [TensorDesc(.int8, [1, 3, 7, 6])], attributes, says: "input 0 has type int8")
        expectRefusal("AvgPoolV2", descs: [TensorDesc(.float, [1, 3, 7])], attributes, says: "expected 4 dimensions")
        expectRefusal("GlobalAveragePool", descs: [TensorDesc(.float, [1, 3])], says: "expected at least 3 dimensions")
    }
}
