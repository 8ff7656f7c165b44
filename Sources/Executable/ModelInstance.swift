// SPDX-License-Identifier: Apache-2.0

import Kernels
import SaturatingArithmetic
import SystemMemory

/// A prepared model bound to one weight area and one workspace; it neither owns nor frees either of them.
///
/// Not safe for concurrent use: one `execute` at a time.
public final class ModelInstance {
    private let prepared: PreparedModel
    /// One per gear, or the only one.
    private let branches: [BoundSteps]

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
        branches = try prepared.branches.map {
            try unsafe BoundSteps(
                $0,
                weights: weights.map { unsafe Alignment.align(UnsafeMutableRawPointer(mutating: $0)) },
                workspace: workspace.map { unsafe Alignment.align($0) })
        }
        try SystemMemory.check()
    }

    /// Runs the model once, on the calling thread and those that help it. Allocates nothing.
    /// - inputs, outputs: addresses of the caller's buffers in the model's order, of any alignment, at least as large as
    ///   `inputBytes` and `outputBytes` say for the gear; outputs are overwritten.
    /// - gear: the number of the gear; 0 in a model without gears.
    public func execute(
        inputs: UnsafeBufferPointer<UnsafeMutableRawPointer>, outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>,
        gear: Int = 0
    ) throws {
        guard inputs.count >= prepared.inputBytes.count, outputs.count >= prepared.outputBytes.count else {
            throw ExecutableError.areaTooSmall(
                area: "list of buffers", bytes: inputs.count + outputs.count,
                needed: prepared.inputBytes.count + prepared.outputBytes.count)
        }
        let steps = branches[gear]
        try Parallel.with(threads: steps.sharesWork ? prepared.threads : 1) {
            try unsafe steps.run(inputs: inputs, outputs: outputs)
        }
    }
}
