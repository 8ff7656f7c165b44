// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic
import SystemMemory

/// Where exact programs come from: kernels that keep NaN and infinities, for data in which the quick ones have lost some.
///
/// Few models ever need them, so a load keeps the graph and compiles nothing.
struct ExactSource: Sendable {
    private let model: Model
    private let weightBytes: Int

    init(_ model: Model, weightBytes: Int) {
        self.model = model
        self.weightBytes = weightBytes
    }

    func program(gear: Int) throws -> Program {
        let graph = try GearGraphs(model)?.graphs[gear] ?? model.graph
        return try GraphCompiler.compile(graph, weightBytes: weightBytes, keepsNaN: true).program
    }
}

/// The exact program of one gear, bound to the areas of the quick ones and to memory of its own for what they lack.
final class ExactSteps {
    let bound: BoundSteps
    /// Constants in layouts that the weight area does not have, then the workspace if the caller's is too small.
    private let memory: OwnedMemory

    /// Safety: the areas are aligned and cover what the prepared model asks for.
    @unsafe
    init(
        _ source: ExactSource, of prepared: PreparedModel, gear: Int, weights: UnsafeMutableRawPointer?,
        workspace: UnsafeMutableRawPointer?
    ) throws {
        let program = try source.program(gear: gear)
        let placement = try Placement(program)
        let stored = prepared.weights.offsets(of: program.constants)
        let missing = zip(program.constants, stored).reduce(0) { bytes, constant in
            constant.1 == nil ? bytes + Alignment.roundUp(constant.0.bytes) : bytes
        }
        let fits = Alignment.withSlack(placement.totalBytes) <= prepared.workspaceBytes
        memory = try OwnedMemory(missing + (fits ? 0 : placement.totalBytes))
        var next = unsafe memory.start
        let constants = try unsafe zip(program.constants, stored).map { constant, offset in
            if let offset { return unsafe weights.map { unsafe $0 + offset } }
            let place = unsafe next
            try unsafe prepared.weights.restore(constant, from: weights, to: place)
            unsafe next += Alignment.roundUp(constant.bytes)
            return unsafe place
        }
        bound = try unsafe BoundSteps(
            program, placement, constants: constants, workspace: fits ? workspace : next)
        try SystemMemory.check()
    }
}
