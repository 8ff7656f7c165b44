// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Glibc
import Testing

@Suite struct RecurrentTests {
    static let types: Set<String> = ["CommonLSTM", "CommonGRU"]

    /// A network with its weights, calculated as ONNX's text says, one number at a time.
    struct Network {
        var isLSTM: Bool
        var steps = 4, batch = 2, input = 3, hidden = 5
        var direction = "forward"
        var linearBeforeReset = false
        var inputForget = false
        var clip = 0.0
        var activations: [String: (Double) -> Double] = [:]
        var x, w, r: Tensor
        var b, initialH, initialC, p: Tensor?
        var lengths: [Int]?

        init(_ isLSTM: Bool, _ direction: String, _ type: DataType, full: Bool, _ random: inout SeededGenerator) {
            self.isLSTM = isLSTM
            self.direction = direction
            let d = direction == "bidirectional" ? 2 : 1
            let width = (isLSTM ? 4 : 3) * hidden
            x = random.tensor(type, [steps, batch, input])
            w = random.tensor(type, [d, width, input], -1...1)
            r = random.tensor(type, [d, width, hidden], -1...1)
            if full {
                b = random.tensor(type, [d, 2 * width], -1...1)
                lengths = [2, 4]
                initialH = random.tensor(type, [d, batch, hidden])
                if isLSTM {
                    initialC = random.tensor(type, [d, batch, hidden])
                    p = random.tensor(type, [d, 3 * hidden], -1...1)
                }
            }
        }

        private func activate(_ name: String, _ x: Double) -> Double {
            let bounded = clip > 0 && name != "h" ? min(max(x, -clip), clip) : x
            return activations[name]?(bounded) ?? (name == "f" ? 1 / (1 + exp(-bounded)) : Glibc.tanh(bounded))
        }

        func run() -> (y: [Double], h: [Double], c: [Double]) {
            let d = direction == "bidirectional" ? 2 : 1
            var y = [Double](repeating: 0, count: steps * d * batch * hidden)
            var lastH: [Double] = [], lastC: [Double] = []
            for k in 0..<d {
                for n in 0..<batch {
                    var h = (0..<hidden).map { initialH?[k, n, $0] ?? 0 }
                    var c = (0..<hidden).map { initialC?[k, n, $0] ?? 0 }
                    let length = lengths?[n] ?? steps
                    let isReversed = direction == "reverse" || k == 1
                    for t in isReversed ? Array((0..<length).reversed()) : Array(0..<length) {
                        (h, c) = isLSTM ? lstm(k, n, t, h, c) : (gru(k, n, t, h), c)
                        for j in 0..<hidden { y[((t * d + k) * batch + n) * hidden + j] = h[j] }
                    }
                    lastH += h
                    lastC += c
                }
            }
            return (y, lastH, lastC)
        }

        /// The input's and the recurrence's share of a gate, each with its bias.
        private func share(_ k: Int, _ n: Int, _ t: Int, _ row: Int, _ h: [Double]) -> (Double, Double) {
            let width = w.shape[1]
            let fromInput = (0..<input).reduce(b?[k, row] ?? 0) { $0 + x[t, n, $1] * w[k, row, $1] }
            let fromState = (0..<hidden).reduce(b?[k, width + row] ?? 0) { $0 + h[$1] * r[k, row, $1] }
            return (fromInput, fromState)
        }

        private func lstm(_ k: Int, _ n: Int, _ t: Int, _ h: [Double], _ c: [Double]) -> ([Double], [Double]) {
            var (nextH, nextC) = (h, c)
            for j in 0..<hidden {
                func gate(_ index: Int) -> Double {
                    let (a, b) = share(k, n, t, index * hidden + j, h)
                    return a + b
                }
                func peephole(_ index: Int) -> Double { p?[k, index * hidden + j] ?? 0 }
                let i = activate("f", gate(0) + peephole(0) * c[j])
                let f = inputForget ? 1 - i : activate("f", gate(2) + peephole(2) * c[j])
                nextC[j] = f * c[j] + i * activate("g", gate(3))
                nextH[j] = activate("f", gate(1) + peephole(1) * nextC[j]) * activate("h", nextC[j])
            }
            return (nextH, nextC)
        }

        private func gru(_ k: Int, _ n: Int, _ t: Int, _ h: [Double]) -> [Double] {
            let gates = (0..<2 * hidden).map { row -> Double in
                let (a, b) = share(k, n, t, row, h)
                return activate("f", a + b)
            }
            let reset = (0..<hidden).map { gates[hidden + $0] * h[$0] }
            return (0..<hidden).map { j in
                let (a, later) = share(k, n, t, 2 * hidden + j, h)
                let (_, early) = share(k, n, t, 2 * hidden + j, reset)
                let candidate = activate("g", a + (linearBeforeReset ? gates[hidden + j] * later : early))
                return (1 - gates[j]) * candidate + gates[j] * h[j]
            }
        }

        func expectEqual(_ attributes: [String: Attribute] = [:], constants: Set<Int> = []) throws {
            var inputs: [Tensor?] = [x, w, r, b, lengths.map { .ints($0, .int32) }, initialH]
            var all: [String: Attribute] = [
                "hidden_size": .int(Int64(hidden)), "direction": .string(direction), "clip": .float(Float(clip)),
                "input_forget": .int(inputForget ? 1 : 0), "linear_before_reset": .int(linearBeforeReset ? 1 : 0),
            ]
            all.merge(attributes) { $1 }
            if isLSTM { inputs += [initialC, p] }
            let results = try OperatorsTests.run(
                isLSTM ? "CommonLSTM" : "CommonGRU", inputs, all, constants: constants,
                outputs: isLSTM ? ["y", "y_h", "y_c"] : ["y", "y_h"])
            let expected = run()
            let d = direction == "bidirectional" ? 2 : 1
            let tolerance = Tolerance.of(x.type).times(3)
            expectClose(results[0], shape: [steps, d, batch, hidden], expected.y, tolerance)
            expectClose(results[1], shape: [d, batch, hidden], expected.h, tolerance)
            if isLSTM { expectClose(results[2], shape: [d, batch, hidden], expected.c, tolerance) }
        }
    }

    @Test(arguments: ["forward", "reverse", "bidirectional"], [DataType.float, .double, .float16])
    func matchesTheDefinition(_ direction: String, _ type: DataType) throws {
        var random = SeededGenerator(41)
        for isLSTM in [true, false] {
            for full in [true, false] {
                try Network(isLSTM, direction, type, full: full, &random).expectEqual()
                try Network(isLSTM, direction, type, full: full, &random).expectEqual(constants: [1, 2, 3])
            }
        }
    }

    @Test func resetsAfterTheProduct() throws {
        var random = SeededGenerator(42)
        var network = Network(false, "forward", .float, full: true, &random)
        network.linearBeforeReset = true
        try network.expectEqual()
    }

    @Test func couplesForgettingWithTheInput() throws {
        var random = SeededGenerator(43)
        var network = Network(true, "forward", .float, full: true, &random)
        network.inputForget = true
        network.clip = 0.5
        try network.expectEqual()
    }

    @Test(arguments: [true, false])
    func takesOtherActivations(_ isLSTM: Bool) throws {
        var random = SeededGenerator(44)
        var network = Network(isLSTM, "forward", .float, full: false, &random)
        network.activations = [
            "f": { min(max(0.25 * $0 + 0.5, 0), 1) }, "g": { $0 < 0 ? 0.125 * $0 : $0 }, "h": { $0 / (1 + abs($0)) },
        ]
        try network.expectEqual([
            "activations": .strings(["HardSigmoid", "LeakyRelu", "Softsign"].dropLast(isLSTM ? 0 : 1)),
            "activation_alpha": .floats([0.25, 0.125]), "activation_beta": .floats([0.5]),
        ])
    }

    @Test func refusesWhatDoesNotFit() {
        func desc(_ shape: [Int], _ type: DataType = .float) -> TensorDesc { TensorDesc(type, shape) }
        let (x, w, r) = (desc([4, 2, 3]), desc([1, 20, 3]), desc([1, 20, 5]))
        func refuse(_ descs: [TensorDesc?], _ attributes: [String: Attribute] = [:], _ text: String) {
            expectRefusal("CommonLSTM", descs: descs, attributes, says: text)
        }
        refuse([x, w, desc([20, 5])], [:], "expected 3 dimensions each")
        refuse([x, desc([1, 15, 3]), r], [:], "input 1 has the shape [1, 15, 3], expected [1, 20, 3]")
        refuse([x, w, r, desc([1, 20])], [:], "input 3 has the shape [1, 20], expected [1, 40]")
        refuse([x, w, r, nil, desc([3], .int32)], [:], "input 4 has the shape [3], expected [2]")
        refuse([x, w, r, nil, desc([2], .int64)], [:], "input 4 has type int64")
        refuse([x, w, r], ["hidden_size": .int(6)], "attribute hidden_size is 6")
        refuse([x, w, r], ["direction": .string("up")], "attribute direction is up")
        refuse([x, w, r], ["activations": .strings(["Tanh"])], "expected 3 names")
        refuse([x, w, r], ["activations": .strings(["Sine", "Tanh", "Tanh"])], "names Sine")
    }
}
