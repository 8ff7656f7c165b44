// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// A model that can be executed: ready to run where its shapes are known, else prepared anew for each shape.
public enum RunnableModel: Sendable {
    case fixed(PreparedModel)
    case dynamic(DynamicModel)

    /// - weightBytes: size of the weights partition, which is not at hand yet.
    /// - isDynamic: whether the model says itself that its shapes are known at run time only.
    /// - threads: per execution, or as many as the system grants.
    /// - Throws: what making a `PreparedModel` or a `DynamicModel` throws.
    public init(_ model: Model, weightBytes: Int, isDynamic: Bool, threads: Int) throws {
        if isDynamic || DynamicModel.isNeeded(for: model) {
            self = .dynamic(try DynamicModel(model, weightBytes: weightBytes, threads: threads))
        } else {
            self = .fixed(try PreparedModel(model, weightBytes: weightBytes, threads: threads))
        }
    }

    public var isDynamic: Bool { if case .dynamic = self { true } else { false } }

    /// Bytes that an instance needs of the workspace area; a dynamic model has memory of its own.
    public var workspaceBytes: Int {
        switch self {
        case .fixed(let model): model.workspaceBytes
        case .dynamic: 0
        }
    }

    /// Bytes of the weight area: the packed weights, or the partition as it is in the file.
    public var weightBytes: Int {
        switch self {
        case .fixed(let model): model.weightBytes
        case .dynamic(let model): model.weightBytes
        }
    }

    public var inputCount: Int {
        switch self {
        case .fixed(let model): model.inputBytes.count
        case .dynamic(let model): model.inputs.count
        }
    }

    public var outputCount: Int {
        switch self {
        case .fixed(let model): model.outputBytes.count
        case .dynamic(let model): model.outputCount
        }
    }

    /// Writes the weights into `area`, which has at least `weightBytes` bytes of any alignment.
    /// - weights: the partition that the model was made with.
    public func packWeights(_ weights: UnsafeRawBufferPointer, into area: UnsafeMutableRawBufferPointer) throws {
        switch self {
        case .fixed(let model): try unsafe model.packWeights(weights, into: area)
        case .dynamic(let model):
            guard area.count >= model.weightBytes, weights.count >= model.weightBytes else {
                throw ExecutableError.areaTooSmall(area: "weight", bytes: area.count, needed: model.weightBytes)
            }
            // Safe: both have so many bytes.
            unsafe area.copyMemory(from: UnsafeRawBufferPointer(rebasing: weights[..<model.weightBytes]))
        }
    }
}
