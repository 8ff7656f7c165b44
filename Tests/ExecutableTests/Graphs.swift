// SPDX-License-Identifier: Apache-2.0

import GEGraph

/// Seeded pseudo-random numbers (SplitMix64), so that failures repeat.
struct Random {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in −1…1.
    mutating func float() -> Float { Float(next() >> 40) / Float(1 << 23) - 1 }

    mutating func floats(_ count: Int) -> [Float] { (0..<count).map { _ in float() } }
}

/// Small graphs for the tests of this module.
enum Graphs {
    static func data(_ graph: inout Graph, _ name: String, _ shape: [Int], index: Int = 0) -> TensorRef {
        graph.append(
            Node(
                name: name, type: "Data", outputs: [TensorDesc(.float, shape)],
                attributes: ["index": .int(Int64(index))]))
    }

    static func const(_ graph: inout Graph, _ name: String, _ values: [Float], _ shape: [Int]) -> TensorRef {
        let value = Constant(floats: values, shape: shape)
        return graph.append(
            Node(name: name, type: "Const", outputs: [value.desc], attributes: ["value": .tensor(value)]))
    }

    static func output(_ graph: inout Graph, _ refs: [TensorRef]) {
        graph.append(Node(name: "Node_Output", type: "NetOutput", inputs: refs))
    }

    static func conv(
        _ graph: inout Graph, _ name: String, _ x: TensorRef, _ inputChannels: Int, _ outputChannels: Int,
        _ random: inout Random
    ) -> TensorRef {
        let filter = const(
            &graph, "\(name)_filter", random.floats(outputChannels * inputChannels * 9),
            [outputChannels, inputChannels, 3, 3])
        let bias = const(&graph, "\(name)_bias", random.floats(outputChannels), [outputChannels])
        return graph.append(
            Node(
                name: name, type: "Conv2D", inputs: [x, filter, bias],
                outputs: [TensorDesc(.float, [-1], format: .nchw)],
                attributes: [
                    "strides": .ints([1, 1, 1, 1]), "pads": .ints([1, 1, 1, 1]), "dilations": .ints([1, 1, 1, 1]),
                    "groups": .int(1), "data_format": .string("NCHW"),
                ]))
    }

    static func unary(_ graph: inout Graph, _ type: String, _ x: TensorRef) -> TensorRef {
        graph.append(
            Node(
                name: "\(type)_\(graph.nodes.count)", type: type, inputs: [x], outputs: [TensorDesc(.float, [-1])]))
    }

    static func binary(_ graph: inout Graph, _ type: String, _ a: TensorRef, _ b: TensorRef) -> TensorRef {
        graph.append(
            Node(
                name: "\(type)_\(graph.nodes.count)", type: type, inputs: [a, b], outputs: [TensorDesc(.float, [-1])]))
    }

    /// A residual network: `blocks` times convolution, ReLU, convolution, add, ReLU.
    static func residual(channels: Int, size: Int, blocks: Int) -> Graph {
        var random = Random(7)
        var graph = Graph(name: "residual")
        var x = data(&graph, "x", [1, channels, size, size])
        for block in 0..<blocks {
            let first = conv(&graph, "conv_\(block)_a", x, channels, channels, &random)
            let second = conv(&graph, "conv_\(block)_b", unary(&graph, "Relu", first), channels, channels, &random)
            x = unary(&graph, "Relu", binary(&graph, "Add", second, x))
        }
        output(&graph, [x])
        return graph
    }
}
