// SPDX-License-Identifier: Apache-2.0

public import GEGraph
public import Kernels
import SaturatingArithmetic
import SystemMemory

/// A model made ready to run on this machine: kernels chosen, memory planned, nothing bound to addresses yet.
///
/// Immutable and shareable between threads and between any number of `ModelInstance`s. It keeps nothing of the bytes
/// that the model was read from.
public final class PreparedModel: Sendable {
    /// Bytes that an instance needs for activations and scratch, the slack for any alignment of the pointer included.
    public let workspaceBytes: Int
    /// Bytes that the packed weights take, the slack for any alignment of the pointer included; 0 for none.
    public let weightBytes: Int
    /// Exact bytes of each input and output, in the model's order; of the largest gear in a model with gears.
    public let inputBytes: [Int]
    public let outputBytes: [Int]
    /// The shapes among which each execution chooses; nil for a model with one shape.
    public let gears: GearTable?

    /// One per gear, or the only one.
    let branches: [PreparedBranch]
    /// Where the exact programs come from; nil if no kernel loses NaN.
    let exactSource: ExactSource?
    let weights: WeightLayout
    let threads: Int

    /// Prepares `model` for `threads` threads per execution, or as many as the system grants.
    /// - weights: the model's weights partition, only read during the call.
    /// - Throws: `GraphError` for operators that are missing or used wrongly.
    public convenience init(_ model: Model, weights: UnsafeRawBufferPointer, threads: Int) throws {
        try self.init(model, weightBytes: weights.count, threads: threads)
    }

    /// Prepares a model whose weights partition has `weightBytes` bytes and is not at hand yet.
    public init(_ model: Model, weightBytes partition: Int, threads: Int) throws {
        let gears = try GearGraphs(model)
        let threads = Parallel.available(threads)
        // How many threads a kernel uses is settled when it is made.
        let compiled = try Parallel.with(threads: threads) {
            try (gears?.graphs ?? [model.graph]).map { try GraphCompiler.compile($0, weightBytes: partition) }
        }
        let layout = WeightLayout(compiled.map(\.program))
        branches = try zip(compiled, layout.offsets).map { branch, offsets in
            PreparedBranch(
                inputBytes: branch.inputs.map { $0.size ?? 0 },
                outputBytes: branch.outputs.map { $0.byteCount ?? 0 }, outputDescs: branch.outputs,
                program: branch.program, placement: try Placement(branch.program), weightOffsets: offsets)
        }
        let mayLoseNaN = compiled.contains { $0.program.mayLoseNaN }
        exactSource = mayLoseNaN ? ExactSource(model, weightBytes: partition) : nil
        self.gears = gears?.table
        self.weights = layout
        inputBytes = Self.largest(branches.map(\.inputBytes))
        outputBytes = Self.largest(branches.map(\.outputBytes))
        workspaceBytes = Alignment.withSlack(branches.map(\.placement.totalBytes).max() ?? 0)
        weightBytes = Alignment.withSlack(layout.totalBytes)
        self.threads = threads
        try SystemMemory.check()
    }

    /// The largest number in each place of lists of equal length.
    private static func largest(_ lists: [[Int]]) -> [Int] {
        lists.dropFirst().reduce(lists.first ?? []) { zip($0, $1).map { max($0, $1) } }
    }

    /// Exact bytes of each input in a gear.
    public func inputBytes(gear: Int) -> [Int] { branches[gear].inputBytes }

    /// Exact bytes of each output in a gear.
    public func outputBytes(gear: Int) -> [Int] { branches[gear].outputBytes }

    /// Type and shape of each output in a gear, as the operators give them.
    public func outputDescs(gear: Int = 0) -> [TensorDesc] { branches[gear].outputDescs }

    /// Writes the weights into `area` in the layout that the kernels want.
    /// - weights: the same partition that the model was prepared with.
    /// - area: at least `weightBytes` bytes of any alignment; owned by the caller and read by every instance on it.
    public func packWeights(_ weights: UnsafeRawBufferPointer, into area: UnsafeMutableRawBufferPointer) throws {
        guard let start = area.baseAddress, area.count >= weightBytes else {
            throw ExecutableError.areaTooSmall(area: "weight", bytes: area.count, needed: weightBytes)
        }
        try Parallel.with(threads: threads) {
            // Safe: the area covers `weightBytes`, which contains the slack for aligning its start.
            try unsafe self.weights.pack(weights, into: Alignment.align(start))
        }
        try SystemMemory.check()
    }
}

/// Why a prepared model cannot be bound, or has not been executed.
public enum ExecutableError: Error, Equatable, CustomStringConvertible {
    case areaTooSmall(area: String, bytes: Int, needed: Int)
    case stopped

    public var description: String {
        switch self {
        case .areaTooSmall(let area, let bytes, let needed):
            "the \(area) area has \(bytes) bytes, \(needed) are needed"
        case .stopped: "the execution was stopped"
        }
    }
}

/// A node that met data during an execution with which it cannot be computed.
public struct KernelFailure: Error, Equatable, CustomStringConvertible {
    public let node: String
    public let type: String
    public let failure: IndexFailure

    public var description: String { "node '\(node)' (\(type)): \(failure)" }
}

/// Everything in the two areas is aligned to a cache line, whatever the alignment of the area itself.
enum Alignment {
    static let bytes = 64

    static func withSlack(_ size: Int) -> Int { size == 0 ? 0 : size + bytes - 1 }

    static func align(_ pointer: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        unsafe pointer.alignedUp(toMultipleOf: bytes)
    }

    static func roundUp(_ size: Int) -> Int { (size + bytes - 1) / bytes * bytes }
}
