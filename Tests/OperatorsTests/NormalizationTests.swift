// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Glibc
import Testing

@Suite struct NormalizationTests {
    static let types: Set<String> = [
        "LayerNorm", "InstanceNorm", "MVNV2", "L2Normalize", "LRN", "BatchNorm", "BNInference", "BNInferenceD",
    ]

    /// Mean and variance of the elements that agree in all dimensions but `axes`, by their place.
    private static func statistics(_ x: Tensor, _ axes: [Int]) -> (mean: Tensor, variance: Tensor) {
        let (shape, means) = ReductionTests.reduce(x, axes, keeps: true) { $0.reduce(0, +) / Double($0.count) }
        let (_, variances) = ReductionTests.reduce(x, axes, keeps: true) { values in
            let mean = values.reduce(0, +) / Double(values.count)
            return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        }
        return (Tensor(.double, shape, means), Tensor(.double, shape, variances))
    }

    private static func normalized(_ x: Tensor, _ axes: [Int], _ epsilon: Double) -> [Double] {
        let (mean, variance) = statistics(x, axes)
        return zip(places(x.shape), x.values).map {
            ($1 - mean.broadcast($0)) / (variance.broadcast($0) + epsilon).squareRoot()
        }
    }

    @Test(arguments: BinaryCase.reals, [([3, 4, 5], 2), ([3, 4, 5], 1), ([6, 8, 40], 2), ([6, 8, 40], 1)])
    func normalizesRows(_ type: DataType, _ layout: ([Int], Int)) throws {
        var random = SeededGenerator(28)
        let (shape, axis) = layout
        let (x, gamma, beta) = (
            random.tensor(type, shape, -1...3), random.tensor(type, Array(shape[axis...])),
            random.tensor(type, Array(shape[axis...]))
        )
        let axes = Array(axis..<shape.count)
        let normal = Self.normalized(x, axes, 1e-5)
        let expected = zip(places(shape), normal).map { $1 * gamma.broadcast($0) + beta.broadcast($0) }
        let attributes: [String: Attribute] = [
            "begin_norm_axis": .int(Int64(axis - shape.count)), "begin_params_axis": .int(-1), "epsilon": .float(1e-5),
        ]
        let tolerance = Tolerance.of(type).times(3)
        expectClose(try run("LayerNorm", [x, gamma, beta], attributes)[0], shape: shape, expected, tolerance)
        expectClose(
            try run("LayerNorm", [x, gamma, beta], attributes, constants: [1, 2])[0], shape: shape, expected, tolerance)
        // With the statistics as results, and with parameters spread over all of x.
        let all = try run("LayerNorm", [x, gamma, beta], attributes, outputs: ["y", "mean", "variance"])
        let (mean, variance) = Self.statistics(x, axes)
        expectClose(all[0], shape: shape, expected, tolerance)
        expectClose(all[1], shape: mean.shape, mean.values, tolerance)
        expectClose(all[2], shape: variance.shape, variance.values, tolerance)
        func spread(_ tensor: Tensor) -> Tensor { Tensor(type, shape, places(shape).map { tensor.broadcast($0) }) }
        expectClose(
            try run("LayerNorm", [x, spread(gamma), spread(beta)], attributes)[0], shape: shape, expected, tolerance)
    }

    @Test(arguments: BinaryCase.reals, [[2, 3, 4, 5], [2, 8, 12, 15], [1, 3, 7]])
    func normalizesInstances(_ type: DataType, _ shape: [Int]) throws {
        var random = SeededGenerator(29)
        let (x, gamma, beta) = (
            random.tensor(type, shape, -1...3), random.tensor(type, [shape[1]]), random.tensor(type, [shape[1]])
        )
        let axes = Array(2..<shape.count)
        let expected = zip(places(shape), Self.normalized(x, axes, 1e-5)).map {
            $1 * gamma.values[$0[1]] + beta.values[$0[1]]
        }
        let attributes: [String: Attribute] = ["data_format": .string("NCHW"), "epsilon": .float(1e-5)]
        let tolerance = Tolerance.of(type).times(3)
        expectClose(try run("InstanceNorm", [x, gamma, beta], attributes)[0], shape: shape, expected, tolerance)
        let all = try run("InstanceNorm", [x, gamma, beta], attributes, outputs: ["y", "mean", "variance"])
        let (mean, variance) = Self.statistics(x, axes)
        expectClose(all[1], shape: mean.shape, mean.values, tolerance)
        expectClose(all[2], shape: variance.shape, variance.values, tolerance)
        let last = [0] + axes + [1]
        let y = try run(
            "InstanceNorm", [ConvolutionTests.transpose(x, last), gamma, beta],
            ["data_format": .string("NHWC"), "epsilon": .float(1e-5)])[0]
        let turned = ConvolutionTests.transpose(Tensor(.double, shape, expected), last)
        expectClose(y, shape: turned.shape, turned.values, tolerance)
    }

    @Test(arguments: BinaryCase.reals)
    func normalizesOverAxes(_ type: DataType) throws {
        var random = SeededGenerator(30)
        let x = random.tensor(type, [2, 3, 4, 5], -1...3)
        for axes in [[0, 2, 3], [1], [-1]] {
            let positive = axes.map { $0 < 0 ? $0 + 4 : $0 }
            let attribute = Attribute.ints(axes.map { Int64($0) })
            expectClose(
                try run("MVNV2", [x], ["axes": attribute, "eps": .float(1e-9)])[0], shape: x.shape,
                Self.normalized(x, positive, 1e-9), Tolerance.of(type).times(3), note: "\(axes)")
            let (shape, squares) = ReductionTests.reduce(x, positive, keeps: true) { $0.reduce(0) { $0 + $1 * $1 } }
            let sums = Tensor(.double, shape, squares)
            expectClose(
                try run("L2Normalize", [x], ["axis": attribute])[0], shape: x.shape,
                zip(places(x.shape), x.values).map { $1 / max(sums.broadcast($0), 1e-4).squareRoot() },
                Tolerance.of(type).times(3), note: "\(axes)")
        }
    }

    @Test(arguments: BinaryCase.reals, [0.5, 0.75, 1.25])
    func normalizesOverNeighbours(_ type: DataType, _ beta: Double) throws {
        var random = SeededGenerator(31)
        let x = random.tensor(type, [2, 7, 3, 60])
        let expected = zip(places(x.shape), x.values).map { place, value -> Double in
            let sum = (max(0, place[1] - 2)...min(6, place[1] + 2)).reduce(0) { sum, channel in
                let neighbour = x[place[0], channel, place[2], place[3]]
                return sum + neighbour * neighbour
            }
            return value / Glibc.pow(2 + 0.25 * sum, beta)
        }
        let y = try run(
            "LRN", [x],
            ["depth_radius": .int(2), "bias": .float(2), "alpha": .float(0.25), "beta": .float(Float(beta))])[0]
        expectClose(y, shape: x.shape, expected)
    }

    @Test(arguments: BinaryCase.reals, [[2, 3, 4, 5], [2, 8, 12, 15], [4, 6]])
    func normalizesWithKnownStatistics(_ type: DataType, _ shape: [Int]) throws {
        var random = SeededGenerator(32)
        let channels = shape[1]
        let x = random.tensor(type, shape)
        let (scale, offset, mean) = (
            random.tensor(type, [channels]), random.tensor(type, [channels]), random.tensor(type, [channels])
        )
        let variance = random.tensor(type, [channels], 0.5...2)
        func expect(_ share: Double) -> [Double] {
            zip(places(shape), x.values).map { place, value in
                let c = place[1]
                return (value - mean.values[c] * share) / (variance.values[c] * share + 0x1p-10).squareRoot()
                    * scale.values[c]
                    + offset.values[c]
            }
        }
        let attributes: [String: Attribute] = [
            "epsilon": .float(0x1p-10), "data_format": .string("NCHW"), "is_training": .bool(false),
        ]
        let tolerance = Tolerance.of(type).times(3)
        for constants in [Set<Int>(), [1, 2, 3, 4, 5]] {
            let y = try run("BatchNorm", [x, scale, offset, mean, variance], attributes, constants: constants)[0]
            expectClose(y, shape: shape, expect(1), tolerance)
            let z = try run(
                "BNInference", [x, mean, variance, Tensor(type, [1], [2]), scale, offset], attributes,
                constants: constants)[0]
            expectClose(z, shape: shape, expect(0.5), tolerance)
        }
        // What the compiler makes of it: the mean negated, the variance as the inverse of the deviation.
        let negated = Tensor(type, [channels], mean.values.map { -$0 })
        let inverse = Tensor(type, [channels], variance.values.map { 1 / ($0 + 0x1p-10).squareRoot() }).rounded
        expectClose(
            try run("BNInferenceD", [x, negated, inverse, scale, offset], attributes)[0], shape: shape, expect(1),
            Tolerance.of(type).times(6))
        let last = [0] + Array(2..<shape.count) + [1]
        var lastAttributes = attributes
        lastAttributes["data_format"] = .string("NHWC")
        let y = try run(
            "BatchNorm", [ConvolutionTests.transpose(x, last), scale, offset, mean, variance], lastAttributes)[0]
        let turned = ConvolutionTests.transpose(Tensor(.double, shape, expect(1)), last)
        expectClose(y, shape: turned.shape, turned.values, tolerance)
    }

    @Test func repeatsStatisticsAsResults() throws {
        let x = Tensor(.float, [1, 2], [1, 2])
        let (one, mean, variance) = (
            Tensor(.float, [2], [1, 1]), Tensor(.float, [2], [3, 4]), Tensor(.float, [2], [5, 6])
        )
        let all = try run(
            "BatchNorm", [x, one, one, mean, variance], ["is_training": .bool(false), "data_format": .string("NCHW")],
            outputs: ["y", "batch_mean", "batch_variance"])
        expectClose(all[1], shape: [2], [3, 4])
        expectClose(all[2], shape: [2], [5, 6])
    }

    @Test func refusesWhatDoesNotFit() {
        func desc(_ shape: [Int], _ type: DataType = .float) -> TensorDesc { TensorDesc(type, shape) }
        let x = desc([2, 3, 4, 5])
        let c = desc([3])
        let last: [String: Attribute] = ["begin_norm_axis": .int(3)]
        expectRefusal("LayerNorm", descs: [x, desc([4]), desc([5])], last, says: "input 1 has the shape [4]")
        expectRefusal("LayerNorm", descs: [x, c, c], ["begin_norm_axis": .int(4)], says: "axis 4 is out of range")
        expectRefusal("InstanceNorm", descs: [x, c, desc([4])], says: "input 2 has the shape [4], expected 3 elements")
        expectRefusal(
            "LRN", descs: [x], ["norm_region": .string("WITHIN_CHANNEL")], says: "norm_region is WITHIN_CHANNEL")
        expectRefusal("LRN", descs: [x], ["depth_radius": .int(-1)], says: "attribute depth_radius is -1")
        expectRefusal("MVNV2", descs: [x], ["axes": .ints([4])], says: "axis 4 is out of range")
        expectRefusal(
            "BatchNorm", descs: [x, c, c, c, desc([4])], ["data_format": .string("NCHW")],
            says: "input 4 has the shape [4]")
        expectRefusal("BatchNorm", descs: [x, c, c, c], says: "input 4 is missing")
        expectRefusal(
            "BatchNorm", descs: [x, c, c, c, c], ["is_training": .bool(true), "data_format": .string("NCHW")],
            says: "training is not supported")
        expectRefusal("BNInference", descs: [desc([3]), c, c], says: "expected at least 2 dimensions")
    }
}
