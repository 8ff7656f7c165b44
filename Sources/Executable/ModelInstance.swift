// SPDX-License-Identifier: Apache-2.0

import Kernels
import SaturatingArithmetic
import SystemMemory

/// A prepared model bound to one weight area and one workspace; it neither owns nor frees either of them.
///
/// Not safe for concurrent use: one `execute` at a time.
@safe
public final class ModelInstance {
    private let prepared: PreparedModel
    /// One per gear, or the only one.
    private let branches: [BoundSteps]
    /// The same with kernels that keep NaN, made when they are needed first.
    private var exactBranches: [ExactSteps?]
    private let weights: UnsafeMutableRawPointer?
    private let workspace: UnsafeMutableRawPointer?
    /// How often data had NaN or infinities that the quick kernels lose.
    package private(set) var exactExecutions = 0

    /// - weights: the area that `packWeights` filled; ignored when the model has no weights.
    /// - workspace: `workspaceBytes` bytes of any alignment; ignored when the model needs none.
    public init(
        _ prepared: PreparedModel, weights: UnsafeRawPointer?, workspace: UnsafeMutableRawPointer?
    ) throws {
        guard unsafe weights != nil || prepared.weightBytes == 0 else {
            throw ExecutableError.areaTooSmall(area: "weight", bytes: 0, needed: prepared.weightBytes)
        }
        guard unsafe workspace != nil || prepared.workspaceBytes == 0 else {
            throw ExecutableError.areaTooSmall(area: "workspace", bytes: 0, needed: prepared.workspaceBytes)
        }
        self.prepared = prepared
        // Safe: both areas cover the sizes that the prepared model states, slack for the alignment included. The weight
        // area is only read.
        let weightArea = unsafe weights.map { unsafe Alignment.align(UnsafeMutableRawPointer(mutating: $0)) }
        let workArea = unsafe workspace.map { unsafe Alignment.align($0) }
        branches = try prepared.branches.map { branch in
            try unsafe BoundSteps(
                branch.program, branch.placement,
                constants: branch.weightOffsets.map { offset in unsafe weightArea.map { unsafe $0 + offset } },
                workspace: workArea)
        }
        exactBranches = Array(repeating: nil, count: prepared.branches.count)
        unsafe (self.weights, self.workspace) = (weightArea, workArea)
        try SystemMemory.check()
    }

    /// Runs the model once, on the calling thread and those that help it.
    ///
    /// Allocates nothing, except where quick kernels lose NaN or infinities of the data: then everything is computed again
    /// by others, which are made when that happens first.
    /// - inputs, outputs: addresses of the caller's buffers in the model's order, of any alignment, at least as large as
    ///   `inputBytes` and `outputBytes` say for the gear; outputs are overwritten.
    /// - gear: the number of the gear; 0 in a model without gears.
    /// - goesOn: asked between the steps; when it answers false, the execution ends with `ExecutableError.stopped`, and the
    ///   outputs are undefined.
    public func execute(
        inputs: UnsafeBufferPointer<UnsafeMutableRawPointer>, outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>,
        gear: Int = 0, while goesOn: () -> Bool = { true }
    ) throws {
        guard inputs.count >= prepared.inputBytes.count, outputs.count >= prepared.outputBytes.count else {
            throw ExecutableError.areaTooSmall(
                area: "list of buffers", bytes: inputs.count + outputs.count,
                needed: prepared.inputBytes.count + prepared.outputBytes.count)
        }
        let steps = branches[gear]
        try Parallel.with(threads: steps.sharesWork ? prepared.threads : 1) {
            if try unsafe steps.run(inputs: inputs, outputs: outputs, while: goesOn) == .complete { return }
            exactExecutions += 1
            _ = try unsafe exactSteps(gear)?.run(inputs: inputs, outputs: outputs, while: goesOn)
        }
    }

    private func exactSteps(_ gear: Int) throws -> BoundSteps? {
        if exactBranches[gear] == nil, let source = prepared.exactSource {
            // Safe: the areas are those of the other branches.
            exactBranches[gear] = try unsafe ExactSteps(
                source, of: prepared, gear: gear, weights: weights, workspace: workspace)
        }
        return exactBranches[gear]?.bound
    }
}
