// SPDX-License-Identifier: Apache-2.0

import Plan
import Testing

/// Lifetimes of activations as convolutional networks and transformers have them.
struct Network: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let requests: [BufferRequest]

    static let all: [Network] = [
        Network(testDescription: "plain chain", requests: chain()),
        Network(testDescription: "residual", requests: residual()),
        Network(testDescription: "densenet", requests: densenet(blocks: [6, 12, 24, 16], growth: 32)),
        Network(testDescription: "inception", requests: inception()),
        Network(testDescription: "feature pyramid", requests: pyramid()),
        Network(testDescription: "transformer", requests: transformer()),
    ]

    /// A program of steps; each step writes one tensor, and a tensor lives until its last reader.
    struct Recorder {
        private(set) var requests: [BufferRequest] = []

        mutating func step(_ floats: Int, reading: [Int] = []) -> Int {
            let step = requests.count
            for tensor in reading { requests[tensor].lastUse = step }
            requests.append(BufferRequest(size: floats * 4, firstUse: step, lastUse: step + 1))
            return step
        }
    }

    static func chain() -> [BufferRequest] {
        var net = Recorder()
        var x = net.step(64 * 112 * 112)
        for (channels, size) in [(64, 56), (128, 56), (128, 28), (256, 28), (256, 14), (512, 14), (512, 7)] {
            x = net.step(channels * size * size, reading: [x])
        }
        _ = net.step(1000, reading: [x])
        return net.requests
    }

    static func residual() -> [BufferRequest] {
        var net = Recorder()
        var x = net.step(64 * 112 * 112)
        x = net.step(64 * 56 * 56, reading: [x])
        for (stage, blocks) in [3, 4, 6, 3].enumerated() {
            let size = 56 >> stage
            let width = 64 << stage
            for block in 0..<blocks {
                var shortcut = x
                if block == 0 { shortcut = net.step(4 * width * size * size, reading: [x]) }
                let inputSize = block == 0 && stage > 0 ? size * 2 : size
                let a = net.step(width * inputSize * inputSize, reading: [x])
                let b = net.step(width * size * size, reading: [a])
                x = net.step(4 * width * size * size, reading: [b, shortcut])
            }
        }
        return net.requests
    }

    static func densenet(blocks: [Int], growth: Int) -> [BufferRequest] {
        var net = Recorder()
        var size = 56
        var channels = 64
        var features = net.step(channels * size * size)
        for layers in blocks {
            for _ in 0..<layers {
                let normalized = net.step(channels * size * size, reading: [features])
                let bottleneck = net.step(4 * growth * size * size, reading: [normalized])
                let new = net.step(growth * size * size, reading: [bottleneck])
                channels += growth
                features = net.step(channels * size * size, reading: [features, new])
            }
            channels /= 2
            size /= 2
            let transition = net.step(channels * size * size * 4, reading: [features])
            features = net.step(channels * size * size, reading: [transition])
        }
        return net.requests
    }

    static func inception() -> [BufferRequest] {
        var net = Recorder()
        var x = net.step(192 * 28 * 28)
        for index in 0..<9 {
            let size = index < 2 ? 28 : index < 7 ? 14 : 7
            let area = size * size
            let a = net.step(64 * area, reading: [x])
            let b = net.step(128 * area, reading: [net.step(96 * area, reading: [x])])
            let c0 = net.step(32 * area, reading: [x])
            let c = net.step(96 * area, reading: [net.step(96 * area, reading: [c0])])
            let d = net.step(64 * area, reading: [net.step(256 * area, reading: [x])])
            x = net.step((64 + 128 + 96 + 64) * area, reading: [a, b, c, d])
        }
        return net.requests
    }

    static func pyramid() -> [BufferRequest] {
        var net = Recorder()
        var x = net.step(16 * 320 * 320)
        var levels: [(tensor: Int, size: Int)] = []
        for stage in 0..<4 {
            let size = 160 >> stage
            for _ in 0..<4 {
                let wide = net.step((96 << stage) * size * size, reading: [x])
                x = net.step((24 << stage) * size * size, reading: [wide])
            }
            levels.append((x, size))
        }
        var tops: [Int] = []
        var top: Int?
        for level in levels.reversed() {
            let lateral = net.step(96 * level.size * level.size, reading: [level.tensor])
            var merged = lateral
            if let top {
                let upsampled = net.step(96 * level.size * level.size, reading: [top])
                merged = net.step(96 * level.size * level.size, reading: [lateral, upsampled])
            }
            top = merged
            tops.append(merged)
        }
        let resized = tops.map { net.step(24 * 160 * 160, reading: [$0]) }
        let fused = net.step(96 * 160 * 160, reading: resized)
        let up = net.step(24 * 320 * 320, reading: [fused])
        _ = net.step(640 * 640, reading: [up])
        return net.requests
    }

    static func transformer() -> [BufferRequest] {
        var net = Recorder()
        let (tokens, width, heads) = (128, 384, 12)
        let mask = net.step(tokens)
        var x = net.step(tokens * width)
        for _ in 0..<6 {
            let q = net.step(tokens * width, reading: [x])
            let k = net.step(tokens * width, reading: [x])
            let v = net.step(tokens * width, reading: [x])
            let scores = net.step(heads * tokens * tokens, reading: [q, k])
            let weights = net.step(heads * tokens * tokens, reading: [scores, mask])
            let mixed = net.step(tokens * width, reading: [weights, v])
            let sum = net.step(tokens * width, reading: [mixed, x])
            let hidden = net.step(4 * tokens * width, reading: [sum])
            let activated = net.step(4 * tokens * width, reading: [hidden])
            x = net.step(tokens * width, reading: [activated, sum])
        }
        return net.requests
    }
}

/// A small seeded generator, so that every run of the tests sees the same numbers.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
