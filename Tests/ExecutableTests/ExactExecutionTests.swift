// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import Testing

@testable import Executable

/// Kernels that lose NaN do not do so unnoticed, and nothing else is taken for it.
@Suite struct ExactExecutionTests {
    /// Convolutions, what follows them, and divisions by tensors whose sizes fill no vector.
    private static func network(_ channels: Int, _ size: Int) -> Graph {
        var random = Random(11)
        var graph = Graph(name: "network")
        var x = Graphs.data(&graph, "x", [2, channels, size, size])
        for block in 0..<3 {
            x = Graphs.conv(&graph, "conv_\(block)", x, channels, channels, &random)
            x = Graphs.unary(&graph, ["Relu", "Sigmoid", "Relu6"][block], x)
            let divisor = Graphs.unary(&graph, "Exp", Graphs.unary(&graph, "Tanh", x))
            x = Graphs.binary(&graph, "RealDiv", x, divisor)
            x = Graphs.unary(&graph, "Relu", x)
        }
        Graphs.output(&graph, [x])
        return graph
    }

    @Test(arguments: [(3, 5), (16, 8), (20, 7), (5, 13), (32, 16)], [1, 2])
    func finiteDataTakeTheQuickWay(_ sizes: (channels: Int, size: Int), _ threads: Int) throws {
        let running = try Running(Self.network(sizes.channels, sizes.size), threads: threads)
        var random = Random(12)
        for _ in 0..<5 {
            _ = try running.run([random.floats(2 * sizes.channels * sizes.size * sizes.size)])
        }
        #expect(running.exactExecutions == 0)
    }

    @Test(arguments: [(3, 5), (16, 8), (20, 7)], [1, 2])
    func nanIsSeenWhereverItIs(_ sizes: (channels: Int, size: Int), _ threads: Int) throws {
        let running = try Running(Self.network(sizes.channels, sizes.size), threads: threads)
        let count = 2 * sizes.channels * sizes.size * sizes.size
        var random = Random(13)
        let clean = random.floats(count)
        let before = try running.run([clean])[0]
        for (number, place) in [0, count / 2, count - 1].enumerated() {
            var spoiled = clean
            spoiled[place] = .nan
            let found = try running.run([spoiled])[0]
            #expect(running.exactExecutions == running.exactExecutions(after: number + 1))
            #expect(found.contains { $0.isNaN })
            // Where NaN does not reach, the numbers are those of the quick kernels but for rounding.
            for (one, other) in zip(found, before) where !one.isNaN { #expect(abs(one - other) < 1e-4) }
        }
        #expect(try running.run([clean])[0] == before)
        #expect(running.exactExecutions == running.exactExecutions(after: 3))
    }

    /// An exact program may want weights in another layout than the quick one, long after the model's file has gone.
    @Test func weightsComeBackOutOfTheLayoutsOfKernels() throws {
        let graph = Self.network(16, 8)
        var moved = graph
        var partition: [UInt8] = []
        for index in graph.nodes.indices {
            guard var constant = graph.nodes[index].constant, case .inline(let bytes) = constant.data else { continue }
            constant.data = .weights(partition.count..<partition.count + bytes.count)
            moved.nodes[index].attributes["value"] = .tensor(constant)
            partition += bytes
        }
        let program = try GraphCompiler.compile(moved, weightBytes: partition.count).program
        let layout = WeightLayout([program])
        let area = UnsafeMutableRawBufferPointer.allocate(byteCount: layout.totalBytes, alignment: 64)
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: layout.totalBytes, alignment: 64)
        defer { unsafe [area, copy].forEach { unsafe $0.deallocate() } }
        let (start, target) = try unsafe (#require(area.baseAddress), #require(copy.baseAddress))
        try unsafe partition.withUnsafeBytes { try unsafe layout.pack($0, into: start) }

        #expect(program.constants.contains { $0.form != .plain })
        for packed in program.constants {
            guard case .weights(let range) = packed.constant.data else { continue }
            var plain = packed
            (plain.form, plain.bytes) = (.plain, range.count)
            #expect(layout.offsets(of: [packed])[0] != nil)
            #expect(layout.offsets(of: [plain])[0] == nil || packed.form == .plain)
            try unsafe layout.restore(plain, from: start, to: target)
            #expect(unsafe Array(copy.prefix(range.count)) == Array(partition[range]))
            let offset = try #require(layout.offsets(of: [packed])[0])
            try unsafe layout.restore(packed, from: start, to: target)
            #expect(unsafe copy.prefix(packed.bytes).elementsEqual(area[offset..<offset + packed.bytes]))
        }
    }
}
