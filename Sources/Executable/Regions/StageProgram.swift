// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SystemMemory

/// A graph whose shapes are all known, compiled and bound to memory of its own; only inputs and outputs are given later.
///
/// Not safe for concurrent use.
final class StageProgram {
    /// Type and shape of each output; the largest for those of which an execution finds out the size.
    let outputDescs: [TensorDesc]
    private let graph: Graph
    private let context: RegionContext
    private let bound: Bound
    /// The same with kernels that keep NaN, made when it is needed first.
    private var exact: Bound?
    /// Whether the last run was one of those.
    private var wasExact = false

    /// A program, with all that its steps point to.
    private struct Bound {
        let steps: BoundSteps
        let constants: [OwnedMemory]
        let workspace: OwnedMemory
    }

    init(_ graph: Graph, _ context: RegionContext) throws {
        self.graph = graph
        self.context = context
        (bound, outputDescs) = try Self.bind(graph, context, keepsNaN: false)
    }

    private static func bind(
        _ graph: Graph, _ context: RegionContext, keepsNaN: Bool
    ) throws -> (bound: Bound, outputs: [TensorDesc]) {
        let (program, _, outputs) = try GraphCompiler.compile(
            graph, weightBytes: context.weightBytes, keepsNaN: keepsNaN, countsResults: true)
        let placement = try Placement(program)
        let constants = try context.constants.find(program.constants)
        let workspace = try OwnedMemory(placement.totalBytes)
        // Safe: both are aligned, cover what the program says, and are kept beside the steps.
        let steps = try unsafe BoundSteps(
            program, placement, constants: constants.map { unsafe $0.start }, workspace: workspace.start)
        try SystemMemory.check()
        return (Bound(steps: steps, constants: constants, workspace: workspace), outputs)
    }

    /// Safety: the addresses cover the graph's inputs and outputs, in order.
    @unsafe
    func run(
        inputs: [UnsafeMutableRawPointer], outputs: [UnsafeMutableRawPointer], while goesOn: () -> Bool
    ) throws {
        try unsafe inputs.withUnsafeBufferPointer { inputs in
            try unsafe outputs.withUnsafeBufferPointer { outputs in
                wasExact = false
                if try unsafe bound.steps.run(inputs: inputs, outputs: outputs, while: goesOn) == .complete { return }
                let exact = try self.exact ?? Self.bind(graph, context, keepsNaN: true).bound
                (self.exact, wasExact) = (exact, true)
                _ = try unsafe exact.steps.run(inputs: inputs, outputs: outputs, while: goesOn)
            }
        }
    }

    /// How many entries the last run found for the result of a node; nil where that does not depend on the data.
    func resultCount(of node: String) -> Int? {
        (wasExact ? exact ?? bound : bound).steps.resultCount(of: node)
    }
}
