// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Operators
import Testing

/// An operator whose kernel may compute the element-wise operators behind it as well.
struct LeaderCase: Sendable, CustomTestStringConvertible {
    let type: String
    let shapes: [[Int]]
    var attributes: [String: Attribute] = [:]
    /// Slots whose values are part of the model, with integers where they are given.
    var integers: [Int: [Int]] = [:]
    var constants: Set<Int> = []
    var format = Format.nchw

    var testDescription: String { "\(type) \(shapes) \(attributes.keys.sorted())" }

    private static let window: [String: Attribute] = [
        "data_format": .string("NCHW"), "strides": .ints([1, 1, 1, 1]), "pads": .ints([1, 1, 1, 1]),
        "ksize": .ints([1, 1, 3, 3]), "padding_mode": .string("CALCULATED"),
    ]
    private static let lastWindow: [String: Attribute] = [
        "data_format": .string("NHWC"), "strides": .ints([1, 1, 1, 1]), "pads": .ints([1, 1, 1, 1]),
        "ksize": .ints([1, 3, 3, 1]), "padding_mode": .string("CALCULATED"),
    ]

    static let all: [LeaderCase] = [
        LeaderCase(
            type: "Conv2D", shapes: [[2, 8, 9, 7], [16, 8, 3, 3], [16]], attributes: window, constants: [1, 2]),
        LeaderCase(
            type: "Conv2D", shapes: [[2, 9, 7, 8], [16, 8, 3, 3]], attributes: lastWindow, constants: [1]),
        LeaderCase(
            type: "Conv2DTransposeD", shapes: [[2, 8, 9, 7], [8, 16, 3, 3]], attributes: window, constants: [1]),
        LeaderCase(type: "MaxPoolV3", shapes: [[2, 8, 16, 16]], attributes: window),
        LeaderCase(type: "AvgPoolV2", shapes: [[2, 8, 16, 16]], attributes: window),
        LeaderCase(type: "AvgPoolV2", shapes: [[2, 16, 16, 8]], attributes: lastWindow),
        LeaderCase(type: "GlobalAveragePool", shapes: [[2, 64, 8, 8]]),
        LeaderCase(
            type: "ReduceMean", shapes: [[2, 64, 8, 8], []], attributes: ["keep_dims": .bool(true)],
            integers: [1: [2, 3]]),
        LeaderCase(type: "ReduceMean", shapes: [[2, 64, 8, 8], []], integers: [1: [2, 3]]),
        LeaderCase(type: "ReduceMax", shapes: [[64, 40, 3], []], integers: [1: [1]]),
        LeaderCase(type: "MatMulV2", shapes: [[40, 30], [30, 20]], constants: [1]),
        LeaderCase(type: "MatMulV2", shapes: [[40, 30], [30, 20], [40, 20]]),
        LeaderCase(type: "BatchMatMulV2", shapes: [[2, 3, 12, 30], [30, 20], [20]], constants: [1, 2]),
        LeaderCase(type: "BatchMatMulV2", shapes: [[2, 3, 12, 30], [2, 1, 30, 20], [3, 1, 1]]),
        LeaderCase(type: "MatMul", shapes: [[40, 30], [30]]),
        LeaderCase(type: "MatMul", shapes: [[3, 40, 30], [30], [40]]),
        LeaderCase(type: "MatMul", shapes: [[30], [3, 30, 20], [3, 1]]),
        LeaderCase(
            type: "FullyConnection", shapes: [[4, 5, 2, 3], [20, 30], [20]], attributes: ["num_output": .int(20)],
            constants: [1]),
        LeaderCase(type: "Add", shapes: [[2, 8, 16, 16], [2, 8, 16, 16]]),
        LeaderCase(type: "Mul", shapes: [[2, 8, 16, 16], [8, 1, 1]], constants: [1]),
        LeaderCase(type: "Sub", shapes: [[8, 1, 1], [2, 8, 16, 16]]),
        LeaderCase(type: "Sigmoid", shapes: [[2, 8, 16, 16]]),
        LeaderCase(type: "Erf", shapes: [[2, 8, 16, 16]]),
        LeaderCase(type: "Abs", shapes: [[3]]),
        LeaderCase(
            type: "BatchNorm", shapes: [[2, 8, 12, 12], [8], [8], [8], [8]],
            attributes: ["is_training": .bool(false), "data_format": .string("NCHW"), "epsilon": .float(5)],
            constants: [1, 2, 3, 4]),
        LeaderCase(
            type: "BatchNorm", shapes: [[2, 12, 12, 8], [8], [8], [8], [8]],
            attributes: ["is_training": .bool(false), "data_format": .string("NHWC"), "epsilon": .float(5)]),
        LeaderCase(type: "ResizeNearestNeighborV2", shapes: [[2, 8, 9, 7], []], integers: [1: [18, 14]]),
        LeaderCase(type: "ResizeNearestNeighborV2", shapes: [[2, 8, 9, 7], []], integers: [1: [12, 15]]),
        LeaderCase(
            type: "ResizeBilinearV2", shapes: [[2, 9, 7, 8], []],
            attributes: ["half_pixel_centers": .bool(true), "data_format": .string("NHWC")], integers: [1: [12, 14]],
            format: .nhwc),
    ]

    func operands(_ random: inout SeededGenerator) -> [Tensor] {
        shapes.enumerated().map { slot, shape in
            if let integers = integers[slot] { return Tensor.ints(integers, .int32) }
            return random.tensor(
                .float, shape, format: slot == 0 ? format : slot == 1 && shape.count == 4 ? .nchw : .nd)
        }
    }
}

@Suite struct FollowerTests {
    /// Each follower with the shape of its other operand in terms of the result's; nil for none.
    private static let followers: [(type: String, isFirst: Bool, other: (@Sendable ([Int]) -> [Int])?)] = [
        ("Relu", true, nil), ("Add", true, { $0 }), ("Mul", false, { Array($0.suffix(1)) }),
        ("Sub", true, { $0.count > 1 ? [$0[$0.count - 2], 1] : [1] }), ("HardSwish", true, nil),
        ("Mul", true, { _ in [] }), ("Maximum", true, { $0.map { _ in 1 } }), ("RealDiv", true, { _ in [1] }),
        ("Tanh", true, nil), ("Sub", false, { $0 }), ("Sub", false, { _ in [] }), ("Erf", true, nil),
    ]

    /// Behind a convolution the leader's input has the channels innermost.
    @Test(arguments: LeaderCase.all, [false, true])
    func computesWhatFollows(_ leader: LeaderCase, _ isBehindConvolution: Bool) throws {
        if isBehindConvolution, leader.format != .nchw || leader.shapes[0].count != 4 { return }
        var random = SeededGenerator(45)
        var operands = leader.operands(&random)
        let constants = leader.constants.union(leader.integers.keys)
        let image = operands[0]
        let channels = image.shape.count == 4 ? image.shape[1] : 1
        let filter = random.tensor(.float, [channels, channels, 1, 1], format: .nchw)
        let convolution: [String: Attribute] = ["data_format": .string("NCHW"), "strides": .ints([1, 1, 1, 1])]
        if isBehindConvolution { operands[0] = try run("Conv2D", [image, filter], convolution)[0] }
        operands[0].format = leader.format
        let first = try run(leader.type, operands, leader.attributes, constants: constants)[0]
        // All followers in a row, and each alone.
        for chain in [Self.followers] + Self.followers.map({ [$0] }) {
            var graph = Graph(name: "chain")
            var inputs: [Tensor] = []
            func feed(_ tensor: Tensor, isConstant: Bool) -> TensorRef {
                if isConstant {
                    return graph.append(
                        Node(
                            name: "constant\(graph.nodes.count)", type: "Const", outputs: [tensor.desc],
                            attributes: ["value": .tensor(tensor.constant)]))
                }
                inputs.append(tensor)
                return graph.append(
                    Node(
                        name: "input\(graph.nodes.count)", type: "Data", outputs: [tensor.desc],
                        attributes: ["index": .int(Int64(inputs.count - 1))]))
            }
            var refs = operands.enumerated().map { slot, operand in
                feed(slot == 0 && isBehindConvolution ? image : operand, isConstant: constants.contains(slot))
            }
            if isBehindConvolution {
                let weights = feed(filter, isConstant: true)
                refs[0] = graph.append(
                    Node(
                        name: "convolution", type: "Conv2D", inputs: [refs[0], weights],
                        outputs: [operands[0].desc], outputNames: ["y"], attributes: convolution))
            }
            var last = graph.append(
                Node(
                    name: "leader", type: leader.type, inputs: refs, outputs: [first.desc], outputNames: ["y"],
                    attributes: leader.attributes))
            var expected = first
            for (index, follower) in chain.enumerated() {
                var slots = [expected]
                var slotRefs = [last]
                if let shape = follower.other {
                    let other = random.tensor(.float, shape(first.shape), 0.5...2)
                    // Every other operand is a constant of the model.
                    let ref = feed(other, isConstant: index % 2 == 1)
                    slots.insert(other, at: follower.isFirst ? 1 : 0)
                    slotRefs.insert(ref, at: follower.isFirst ? 1 : 0)
                }
                expected = try run(follower.type, slots)[0]
                last = graph.append(
                    Node(
                        name: "follower\(index)", type: follower.type, inputs: slotRefs, outputs: [expected.desc],
                        outputNames: ["y"]))
            }
            graph.append(Node(name: "output", type: "NetOutput", inputs: [last]))
            let result = Tensor(expected.desc, bytes: try execute(graph, inputs.map(\.bytes))[0])
            expectClose(
                result, shape: expected.shape, expected.values, Tolerance.of(.float).times(5),
                note: chain.count == 1 ? "\(chain[0].type) \(chain[0].isFirst)" : "all")
        }
    }
}
