// SPDX-License-Identifier: Apache-2.0

public import GEGraph
import Glibc
import SaturatingArithmetic

/// How much may still be computed ahead of executions, in bytes that are read or written.
///
/// What a model asks for grows with the model: a node of a few bytes in the file can ask for gigabytes, or for hours.
/// Beyond the budget a node is not folded but kept, and computed in each execution.
public struct FoldingBudget: Sendable {
    /// What every model may ask for: a mask of 4096 x 4096 floats.
    private static let base = 64 << 20
    /// What it may ask for in addition with each of its bytes.
    private static let perByte = 64

    private var left: Int

    /// - modelBytes: size of the model, without weights in files of their own.
    public init(modelBytes: Int) { left = Self.base + Self.perByte * modelBytes }

    /// Adds what the weights in a file of their own allow.
    public mutating func add(modelBytes: Int) { left += Self.perByte * modelBytes }

    /// Whether `cost` is left; it is gone then.
    public mutating func take(_ cost: Int) -> Bool {
        guard cost <= left else { return false }
        left -= cost
        return true
    }

    /// What it costs to compute `node`.
    public static func cost(of node: Node, inputs: [TensorDesc?], outputs: [TensorDesc]) -> Int {
        let tensors = inputs.compactMap { $0 } + outputs
        let bytes = tensors.reduce(0) { $0 + ($1.byteCount ?? 0) }
        let elements = tensors.reduce(0) { $0 + ($1.elementCount ?? 0) }
        let results = outputs.reduce(0) { $0 + ($1.elementCount ?? 0) }
        let work: Int
        switch node.type {
        case "MatMulV2", "BatchMatMulV2", "CommonLSTM", "CommonGRU":
            // rows x depth x columns is the root of the product of the three tensors' elements.
            work = Int(saturating: pow(Double(elements), 1.5))
        case "Conv2D", "Conv3D", "Conv2DTranspose", "Conv3DTranspose":
            work = results * inputs.dropFirst().reduce(0) { $0 + ($1?.elementCount ?? 0) }
        case "MaxPoolV3", "MaxPool3D", "AvgPoolV2", "AvgPool3D":
            work = results * (node.attributes.ints("ksize") ?? []).reduce(1, *)
        case "LRN": work = results * results
        default: work = 0
        }
        // A multiplication and an addition take a fraction of what moving a byte takes.
        return bytes + work / 16
    }
}
