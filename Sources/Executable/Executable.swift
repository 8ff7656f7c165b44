// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// A model made ready to run on this machine: kernels prepared, memory planned, nothing bound to addresses yet.
///
/// Immutable and shareable between threads and between any number of `ModelInstance`s. It keeps nothing of the bytes
/// that the model was read from.
public final class PreparedModel: Sendable {
    /// Bytes that an instance needs for activations and scratch, the slack for any alignment of the pointer included.
    public let workspaceBytes: Int = 0
    /// Bytes that the packed weights take, the slack for any alignment of the pointer included; 0 for none.
    public let weightBytes: Int = 0
    /// Exact bytes of each input and output, in the model's order.
    public let inputBytes: [Int] = []
    public let outputBytes: [Int] = []

    /// Prepares `model`. `weights` is its weights partition, only read during the call.
    /// Throws `GraphError` for operators that are missing or used wrongly.
    public init(_ model: Model, weights: UnsafeRawBufferPointer, threads: Int) throws {}

    /// Writes the weights into `area` in the layout that the kernels want.
    /// - `weights`: the same partition that the model was prepared with.
    /// - `area`: at least `weightBytes` bytes of any alignment; owned by the caller and read by every instance on it.
    public func packWeights(_ weights: UnsafeRawBufferPointer, into area: UnsafeMutableRawBufferPointer) throws {}
}

/// A prepared model bound to one weight area and one workspace; it neither owns nor frees either of them.
///
/// Not safe for concurrent use: one `execute` at a time.
public final class ModelInstance {
    public init(_ prepared: PreparedModel, weights: UnsafeRawPointer?, workspace: UnsafeMutableRawPointer?) throws {}

    /// Runs the model once, on the calling thread and oneDNN's workers. Allocates nothing and takes no lock.
    /// - `inputs`, `outputs`: addresses of the caller's buffers in the model's order, of any alignment, at least as
    ///   large as `inputBytes` and `outputBytes` say; outputs are overwritten.
    public func execute(
        inputs: UnsafeBufferPointer<UnsafeMutableRawPointer>, outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>
    ) throws {}
}
