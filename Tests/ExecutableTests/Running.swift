// SPDX-License-Identifier: Apache-2.0

import GEGraph

@testable import Executable

/// A prepared model with memory of its own, whose areas start at a chosen misalignment and are surrounded by marks.
final class Running {
    let prepared: PreparedModel
    private let weights: Marked
    private let workspace: Marked
    private let instance: ModelInstance

    convenience init(_ graph: Graph, threads: Int = 1, misalignment: Int = 0) throws {
        try self.init(Model(name: graph.name, graph: graph), threads: threads, misalignment: misalignment)
    }

    init(_ model: Model, threads: Int = 1, misalignment: Int = 0) throws {
        prepared = try unsafe PreparedModel(
            model, weights: UnsafeRawBufferPointer(start: nil, count: 0), threads: threads)
        weights = Marked(prepared.weightBytes, misalignment)
        workspace = Marked(prepared.workspaceBytes, misalignment)
        if prepared.weightBytes > 0 {
            try unsafe prepared.packWeights(UnsafeRawBufferPointer(start: nil, count: 0), into: weights.area)
        }
        instance = try unsafe ModelInstance(
            prepared, weights: weights.area.baseAddress, workspace: workspace.area.baseAddress)
    }

    /// Another instance on the weights of `other`, with a workspace of its own.
    init(sharing other: Running) throws {
        prepared = other.prepared
        weights = other.weights
        workspace = Marked(prepared.workspaceBytes, 0)
        instance = try unsafe ModelInstance(
            prepared, weights: weights.area.baseAddress, workspace: workspace.area.baseAddress)
    }

    /// How often the quick kernels had lost NaN.
    var exactExecutions: Int { instance.exactExecutions }

    /// How often that is after so many executions with NaN: never, where all kernels keep it.
    func exactExecutions(after count: Int) -> Int { prepared.exactSource == nil ? 0 : count }

    /// The outputs; in a model with gears those of the gear, which is given, whatever its selector holds.
    func run(_ inputs: [[Float]], gear: Int = 0) throws -> [[Float]] {
        let sources = unsafe inputs.map { values in
            let area = UnsafeMutableRawBufferPointer.allocate(byteCount: max(values.count * 4, 1), alignment: 4)
            unsafe values.withUnsafeBytes { unsafe area.copyMemory(from: $0) }
            return unsafe area
        }
        let targets = unsafe prepared.outputBytes.map {
            UnsafeMutableRawBufferPointer.allocate(byteCount: max($0, 1), alignment: 4)
        }
        defer { unsafe (sources + targets).forEach { unsafe $0.deallocate() } }
        let inputPointers = unsafe sources.compactMap { $0.baseAddress }
        let outputPointers = unsafe targets.compactMap { $0.baseAddress }
        try unsafe inputPointers.withUnsafeBufferPointer { inputs in
            try unsafe outputPointers.withUnsafeBufferPointer { outputs in
                try unsafe instance.execute(inputs: inputs, outputs: outputs, gear: gear)
            }
        }
        return unsafe zip(targets, prepared.outputBytes(gear: gear)).map { area, bytes in
            unsafe Array(area.bindMemory(to: Float.self).prefix(bytes / 4))
        }
    }

    /// Whether the bytes around both areas are as they were.
    var isSurroundingIntact: Bool { weights.isIntact && workspace.isIntact }
}

/// Memory between two runs of marks.
@safe
private final class Marked {
    private static let margin = 256
    private static let mark: UInt8 = 0xA5
    private let whole: UnsafeMutableRawBufferPointer
    let area: UnsafeMutableRawBufferPointer

    init(_ bytes: Int, _ misalignment: Int) {
        let count = bytes + 2 * Self.margin + misalignment
        unsafe whole = .allocate(byteCount: count, alignment: 64)
        for index in 0..<count { unsafe whole[index] = Self.mark }
        let start = Self.margin + misalignment
        unsafe area = UnsafeMutableRawBufferPointer(rebasing: whole[start..<start + bytes])
    }

    deinit { unsafe whole.deallocate() }

    var isIntact: Bool {
        let start = unsafe whole.count - Self.margin - area.count
        return unsafe whole[..<start].allSatisfy { $0 == Self.mark }
            && whole[(start + area.count)...].allSatisfy { $0 == Self.mark }
    }
}
