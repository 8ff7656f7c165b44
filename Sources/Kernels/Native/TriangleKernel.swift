// SPDX-License-Identifier: Apache-2.0

/// Keeps the part of each matrix above or below a diagonal and sets the rest to zero.
public struct TriangleKernel: NativeKernel {
    private let batch: Int
    private let rows: Int
    private let columns: Int
    private let elementBytes: Int
    private let diagonal: Int
    private let keepsUpper: Bool

    /// - diagonal: 0 for the main one, positive above it. It belongs to what is kept.
    public init(batch: Int, rows: Int, columns: Int, elementBytes: Int, diagonal: Int, keepsUpper: Bool) {
        self.batch = batch
        self.rows = rows
        self.columns = columns
        self.elementBytes = elementBytes
        // Beyond these everything or nothing is kept, and sums stay small.
        self.diagonal = min(max(diagonal, -rows - 1), columns + 1)
        self.keepsUpper = keepsUpper
    }

    private var group: Int { max(1, (1 << 17) / max(columns * elementBytes, 1)) }
    public var parts: Int { max(1, (batch * rows + group - 1) / group) }

    public func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    public func run(_ operands: KernelOperands, parts: Range<Int>) {
        let rowBytes = columns * elementBytes
        for row in parts.lowerBound * group..<min(parts.upperBound * group, batch * rows) {
            let source = unsafe operands.inputs[0] + row * rowBytes
            let target = unsafe operands.outputs[0] + row * rowBytes
            let first = row % rows + diagonal + (keepsUpper ? 0 : 1)
            let split = min(max(first, 0), columns) * elementBytes
            if keepsUpper {
                unsafe clearBytes(at: target, count: split)
                unsafe (target + split).copyMemory(from: source + split, byteCount: rowBytes - split)
            } else {
                unsafe target.copyMemory(from: source, byteCount: split)
                unsafe clearBytes(at: target + split, count: rowBytes - split)
            }
        }
    }
}
