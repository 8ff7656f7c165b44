// SPDX-License-Identifier: Apache-2.0

import Foundation
import GEGraph
import Synchronization
import Testing

@testable import Executable

@Suite struct ModelInstanceTests {
    /// convolution, ReLU, convolution, add, ReLU in double precision.
    private func reference(_ graph: Graph, _ x: [Float], channels: Int, size: Int) -> [Double] {
        func values(_ name: String) -> [Float] {
            graph.nodes.first { $0.name == name }?.constant?.floats ?? []
        }
        func conv(_ x: [Double], _ name: String) -> [Double] {
            let filter = values("\(name)_filter")
            let bias = values("\(name)_bias")
            var y = [Double](repeating: 0, count: x.count)
            for o in 0..<channels {
                for h in 0..<size {
                    for w in 0..<size {
                        var sum = Double(bias[o])
                        for c in 0..<channels {
                            for (kh, row) in (h - 1...h + 1).enumerated() where row >= 0 && row < size {
                                for (kw, column) in (w - 1...w + 1).enumerated() where column >= 0 && column < size {
                                    sum +=
                                        x[(c * size + row) * size + column]
                                        * Double(filter[((o * channels + c) * 3 + kh) * 3 + kw])
                                }
                            }
                        }
                        y[(o * size + h) * size + w] = sum
                    }
                }
            }
            return y
        }
        let input = x.map { Double($0) }
        let hidden = conv(input, "conv_0_a").map { max($0, 0) }
        return zip(conv(hidden, "conv_0_b"), input).map { max($0.0 + $0.1, 0) }
    }

    @Test(arguments: [1, 2], [0, 1, 17, 63])
    func computesWhateverTheAlignmentAndLeavesTheSurroundingsAlone(threads: Int, misalignment: Int) throws {
        let graph = Graphs.residual(channels: 5, size: 7, blocks: 1)
        let running = try Running(graph, threads: threads, misalignment: misalignment)
        var random = Random(11)
        let x = random.floats(5 * 7 * 7)
        let y = try running.run([x])[0]
        for (found, expected) in zip(y, reference(graph, x, channels: 5, size: 7)) {
            #expect(abs(Double(found) - expected) < 1e-4)
        }
        #expect(running.isSurroundingIntact)
    }

    @Test func fourThreadsSharingWeightsGetTheBitsOfOne() throws {
        let running = try Running(Graphs.residual(channels: 8, size: 16, blocks: 3))
        var random = Random(3)
        let inputs = (0..<4).map { _ in random.floats(8 * 16 * 16) }
        let expected = try inputs.map { try running.run([$0])[0] }
        let others = Mutex(try (0..<4).map { _ in try Running(sharing: running) })
        let found = Mutex([[Float]](repeating: [], count: 4))
        let threads = (0..<4).map { index in
            Thread {
                let mine = others.withLock { $0[index] }
                for _ in 0..<20 {
                    guard let result = try? mine.run([inputs[index]])[0] else { return }
                    found.withLock { $0[index] = result }
                }
            }
        }
        threads.forEach { $0.start() }
        while threads.contains(where: { !$0.isFinished }) { usleep(1000) }
        #expect(found.withLock { $0 } == expected)
    }

    @Test func refusesMissingAreas() throws {
        let prepared = try unsafe PreparedModel(
            Model(name: "m", graph: Graphs.residual(channels: 4, size: 4, blocks: 1)),
            weights: UnsafeRawBufferPointer(start: nil, count: 0), threads: 1)
        #expect(throws: ExecutableError.areaTooSmall(area: "weight", bytes: 0, needed: prepared.weightBytes)) {
            try unsafe ModelInstance(prepared, weights: nil, workspace: nil)
        }
    }
}
