// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

@testable import Executable

@Suite struct ObservationTests {
    private static let channels = 5
    private static let size = 7

    private static func close(_ left: [Float], _ right: [Float]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { abs($0 - $1) <= 1e-4 * max(1, abs($1)) }
    }

    /// Every tensor of a graph that fuses, also those that are read twice, constants and inputs.
    @Test func tensorsInsideHaveTheValueThatTheyWouldHaveAsOutputs() throws {
        let graph = Graphs.residual(channels: Self.channels, size: Self.size, blocks: 2)
        let live = try Observation.liveNodes(of: graph)
        let refs = live.map { TensorRef($0) }
        let running = try Running(Observation.exposing(refs, in: graph))
        var random = Random(5)
        let x = random.floats(Self.channels * Self.size * Self.size)
        let own = try Running(graph).run([x])
        let results = try running.run([x])
        #expect(results.count == own.count + refs.count)
        for (result, wanted) in zip(results, own) { #expect(Self.close(result, wanted)) }

        for (ref, observed) in zip(refs, results.dropFirst(own.count)) {
            let node = graph.nodes[ref.node]
            if let constant = node.constant {
                #expect(observed == constant.floats, "\(node.name)")
            } else if node.type == "Data" {
                #expect(observed == x)
            } else {
                var cut = Graph(name: "cut", nodes: Array(graph.nodes[...ref.node]))
                Graphs.output(&cut, [ref])
                #expect(Self.close(observed, try Running(cut).run([x])[0]), "\(node.name)")
            }
        }
        #expect(running.isSurroundingIntact)
    }

    @Test func nodesThatNothingNeedsAreNotLive() throws {
        var graph = Graph(name: "dead")
        let x = Graphs.data(&graph, "x", [4])
        let used = graph.append(Node(name: "used", type: "Relu", inputs: [x], outputs: [TensorDesc(.float, [4])]))
        graph.append(Node(name: "dead", type: "NoSuchOperator", inputs: [x], outputs: [TensorDesc(.float, [4])]))
        Graphs.output(&graph, [used])
        let names = try Observation.liveNodes(of: graph).map { graph.nodes[$0].name }
        #expect(names == ["x", "used"])
    }
}
