// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@Suite struct ResizeTests {
    static let types: Set<String> = [
        "ResizeNearestNeighborV2", "ResizeNearestNeighborV2D", "ResizeBilinearV2", "ResizeBilinearV2D", "Resize",
    ]

    /// A resize of one dimension as ONNX defines it: for each output its input elements with their weights.
    struct Line {
        var input: Int
        var output: Int
        var scale: Double
        var coordinates: String
        var mode: String
        var rounding = "round_prefer_floor"
        var excludesOutside = false
        var region = (0.0, 1.0)

        private func position(_ place: Int) -> Double {
            let x = Double(place)
            switch coordinates {
            case "half_pixel": return (x + 0.5) / scale - 0.5
            case "pytorch_half_pixel": return output > 1 ? (x + 0.5) / scale - 0.5 : 0
            case "align_corners": return output == 1 ? 0 : x * Double(input - 1) / Double(output - 1)
            case "asymmetric": return x / scale
            case "tf_half_pixel_for_nn": return (x + 0.5) / scale
            case "half_pixel_symmetric":
                let adjustment = Double(output) / (scale * Double(input))
                return Double(input) / 2 * (1 - adjustment) + (x + 0.5) / scale - 0.5
            default:
                let last = Double(input - 1)
                return output > 1
                    ? region.0 * last + x * (region.1 - region.0) * last / Double(output - 1)
                    : 0.5 * (region.0 + region.1) * last
            }
        }

        /// nil: outside of the input.
        func weights(_ place: Int) -> [(index: Int, weight: Double)]? {
            let x = position(place)
            if coordinates == "tf_crop_and_resize", x < 0 || x > Double(input - 1) { return nil }
            func inside(_ index: Double) -> Int { Int(min(max(index, 0), Double(input - 1))) }
            switch mode {
            case "nearest":
                switch rounding {
                case "floor": return [(inside(x.rounded(.down)), 1)]
                case "ceil": return [(inside(x.rounded(.up)), 1)]
                case "round_prefer_ceil": return [(inside((x + 0.5).rounded(.down)), 1)]
                default: return [(inside((x - 0.5).rounded(.up)), 1)]
                }
            case "linear":
                let base = x.rounded(.down)
                return [(inside(base), 1 - (x - base)), (inside(base + 1), x - base)]
            default:
                let a = -0.75
                let base = x.rounded(.down)
                var taps = (-1...2).map { step -> (index: Double, weight: Double) in
                    let d = abs(x - base - Double(step))
                    let weight =
                        d <= 1
                        ? (a + 2) * d * d * d - (a + 3) * d * d + 1
                        : a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a
                    return (base + Double(step), weight)
                }
                if excludesOutside {
                    taps = taps.filter { $0.index >= 0 && $0.index <= Double(input - 1) }
                    let sum = taps.reduce(0) { $0 + $1.weight }
                    taps = taps.map { ($0.index, $0.weight / sum) }
                }
                return taps.map { (inside($0.index), $0.weight) }
            }
        }
    }

    static func expected(_ x: Tensor, _ lines: [Line], outside: Double = 0) -> [Double] {
        let shape = lines.map(\.output)
        return places(shape).map { place in
            var terms: [(place: [Int], weight: Double)] = [([], 1)]
            for (line, at) in zip(lines, place) {
                guard let weights = line.weights(at) else { return outside }
                terms = terms.flatMap { term in weights.map { (term.place + [$0.index], term.weight * $0.weight) } }
            }
            return terms.reduce(0) { $0 + $1.weight * x.broadcast($1.place) }
        }
    }

    private static let coordinates = [
        "half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn",
        "half_pixel_symmetric",
    ]

    @Test(arguments: coordinates, ["nearest", "linear", "cubic"])
    func matchesTheDefinition(_ coordinates: String, _ mode: String) throws {
        var random = SeededGenerator(35)
        // Sizes or scales for [2, 3, 4, 5], without positions of nearest on boundaries, where rounding errors decide.
        for (sizes, scales) in [
            ([2, 3, 8, 10], nil), ([2, 3, 9, 3], nil), ([2, 3, 1, 7], nil), ([4, 3, 4, 5], nil),
            (nil, [1, 1, 2, 3]), (nil, [1, 1, 1.5, 0.7]),
        ] as [([Int]?, [Double]?)] {
            let x = random.tensor(.float, [2, 3, 4, 5], format: .nchw)
            let output = sizes ?? zip(x.shape, scales ?? []).map { Int(Double($0) * $1) }
            for rounding in mode == "nearest" ? ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] : [""] {
                let lines = x.shape.indices.map { axis in
                    Line(
                        input: x.shape[axis], output: output[axis],
                        scale: scales?[axis] ?? Double(output[axis]) / Double(x.shape[axis]),
                        coordinates: output[axis] == x.shape[axis] && (scales?[axis] ?? 1) == 1
                            ? "asymmetric" : coordinates,
                        mode: mode, rounding: rounding)
                }
                let y = try run(
                    "Resize",
                    [x, nil, scales.map { Tensor(.float, [4], $0) }, sizes.map { .ints($0) }],
                    [
                        "coordinate_transformation_mode": .string(coordinates), "mode": .string(mode),
                        "nearest_mode": .string(rounding),
                    ], constants: [2, 3])[0]
                expectClose(
                    y, shape: output, Self.expected(x, lines), Tolerance(absolute: 2e-5, relative: 1e-5),
                    note: "\(output) \(rounding)")
            }
        }
    }

    @Test func leavesTheOutsideOut() throws {
        var random = SeededGenerator(36)
        let x = random.tensor(.float, [1, 1, 4, 5])
        let lines = zip(x.shape, [1, 1, 7, 8]).map {
            Line(
                input: $0, output: $1, scale: Double($1) / Double($0),
                coordinates: $0 == 1 ? "asymmetric" : "half_pixel",
                mode: $0 == 1 ? "nearest" : "cubic", excludesOutside: true)
        }
        let y = try run(
            "Resize", [x, nil, nil, .ints([1, 1, 7, 8])], ["mode": .string("cubic"), "exclude_outside": .int(1)],
            constants: [3])[0]
        expectClose(y, shape: [1, 1, 7, 8], Self.expected(x, lines))
    }

    @Test(arguments: ["nearest", "linear"])
    func crops(_ mode: String) throws {
        var random = SeededGenerator(37)
        let x = random.tensor(.float, [1, 2, 6, 5])
        let region = [0, 0, 0.2, -0.3, 1, 1, 0.9, 1.1]
        let output = [1, 2, 4, 8]
        let lines = x.shape.indices.map {
            Line(
                input: x.shape[$0], output: output[$0], scale: 1, coordinates: "tf_crop_and_resize", mode: mode,
                region: (region[$0], region[$0 + 4]))
        }
        let y = try run(
            "Resize", [x, Tensor(.float, [8], region), nil, .ints(output)],
            [
                "coordinate_transformation_mode": .string("tf_crop_and_resize"), "mode": .string(mode),
                "extrapolation_value": .float(7),
            ], constants: [1, 3])[0]
        expectClose(y, shape: output, Self.expected(x, lines, outside: 7))
    }

    @Test(arguments: ["ResizeNearestNeighborV2", "ResizeBilinearV2"], [DataType.float, .double, .float16, .bfloat16])
    func resizesImages(_ type: String, _ dataType: DataType) throws {
        var random = SeededGenerator(38)
        let isLinear = type == "ResizeBilinearV2"
        // Positions are calculated in float32 whatever the type, as ONNX Runtime does.
        let tolerance =
            dataType == .double ? Tolerance(absolute: 1e-6, relative: 1e-6) : Tolerance.of(dataType).times(3)
        for (size, flag) in [
            ([8, 12], ""), ([16, 24], ""), ([7, 9], ""), ([8, 12], "half_pixel_centers"),
            ([3, 9], "half_pixel_centers"),
            ([7, 9], "align_corners"), ([1, 1], "align_corners"),
        ] {
            let x = random.tensor(dataType, [2, 3, 4, 6], format: .nchw)
            let coordinates =
                flag == "align_corners"
                ? flag
                : flag.isEmpty ? "asymmetric" : isLinear ? "half_pixel" : "tf_half_pixel_for_nn"
            let lines = x.shape.indices.map { axis -> Line in
                let output = axis < 2 ? x.shape[axis] : size[axis - 2]
                return Line(
                    input: x.shape[axis], output: output, scale: Double(output) / Double(x.shape[axis]),
                    coordinates: axis < 2 ? "asymmetric" : coordinates, mode: isLinear ? "linear" : "nearest",
                    rounding: flag == "align_corners" ? "round_prefer_ceil" : "floor")
            }
            // Positions before the first element count as the first.
            let expected = Self.expected(x, lines)
            let attributes: [String: Attribute] = flag.isEmpty ? [:] : [flag: .bool(true)]
            let shape = lines.map(\.output)
            let y = try run(type, [x, .ints(size, .int32)], attributes, constants: [1])[0]
            expectClose(y, shape: shape, expected, tolerance, note: "\(size) \(flag)")
            let stated = attributes.merging(["size": .ints(size.map { Int64($0) })]) { $1 }
            expectClose(
                try run(type + "D", [x], stated)[0], shape: shape, expected, tolerance,
                note: "\(size) \(flag)")
            let turned = ConvolutionTests.transpose(Tensor(.double, shape, expected), [0, 2, 3, 1])
            expectClose(
                try run(
                    type, [ConvolutionTests.transpose(x, [0, 2, 3, 1], format: .nhwc), .ints(size, .int32)], attributes,
                    constants: [1])[0],
                shape: turned.shape, turned.values, tolerance, note: "channels last \(size) \(flag)")
        }
    }

    @Test func picksIntegers() throws {
        let x = Tensor(.uint8, [1, 1, 2, 2], [1, 2, 3, 255], format: .nchw)
        let y = try run("ResizeNearestNeighborV2", [x, .ints([2, 4], .int32)], constants: [1])[0]
        expectClose(y, shape: [1, 1, 2, 4], [1, 1, 2, 2, 3, 3, 255, 255])
    }

    @Test func refusesWhatDoesNotFit() {
        let x = Tensor(.float, [1, 1, 2, 2], [1, 2, 3, 4], format: .nchw)
        let sizes = Tensor.ints([1, 1, 4, 4])
        func with(_ name: String, _ value: String) -> [String: Attribute] { [name: .string(value)] }
        expectRefusal("ResizeBilinearV2", [x, .ints([0, 2])], constants: [1], says: "the size is [0, 2]")
        expectRefusal("ResizeBilinearV2", [x, .ints([2, 2])], says: "input 1 must be a constant")
        expectRefusal(
            "ResizeBilinearV2", [Tensor.ints([1]), .ints([2, 2])], constants: [1], says: "input 0 has type int64")
        expectRefusal("Resize", [x], says: "neither input 2, scales, nor input 3, sizes")
        expectRefusal("Resize", [x, nil, nil, .ints([1, 1, 4])], constants: [3], says: "the sizes are [1, 1, 4]")
        expectRefusal(
            "Resize", [x, nil, Tensor(.float, [4], [1, 1, -1, 1])], constants: [2], says: "expected positive ones")
        expectRefusal("Resize", [x, nil, Tensor(.float, [4], [1, 1, 1e30, 1])], constants: [2], says: "the sizes are")
        expectRefusal(
            "Resize", [x, nil, nil, sizes], with("mode", "area"), constants: [3], says: "attribute mode is area")
        expectRefusal(
            "Resize", [x, nil, nil, sizes], with("coordinate_transformation_mode", "other"), constants: [3],
            says: "coordinate_transformation_mode is other")
        expectRefusal(
            "Resize", [x, nil, nil, sizes], with("coordinate_transformation_mode", "tf_crop_and_resize"),
            constants: [3],
            says: "roi, must hold 8 constants")
        expectRefusal(
            "Resize", [x, nil, nil, sizes], with("nearest_mode", "up"), constants: [3], says: "nearest_mode is up")
        expectRefusal(
            "Resize", [x, nil, nil, .ints([1 << 30, 1 << 30, 1 << 30, 4])], constants: [3], says: "are too large")
    }
}
