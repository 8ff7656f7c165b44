// SPDX-License-Identifier: Apache-2.0

/// Reverses the first elements of each sequence of a batch, as many as its length says, and copies the rest.
///
/// Inputs: data `[outer, first, middle, second, inner]`, lengths `[batch]`; batch and sequence are `first` and `second`
/// in either order.
public struct ReverseSequenceKernel: NativeKernel {
    private let outer: Int
    private let first: Int
    private let middle: Int
    private let second: Int
    private let innerBytes: Int
    private let batchIsFirst: Bool
    private let indexType: IndexType

    public init(
        outer: Int, first: Int, middle: Int, second: Int, innerBytes: Int, batchIsFirst: Bool, indexType: IndexType
    ) {
        self.outer = outer
        self.first = first
        self.middle = middle
        self.second = second
        self.innerBytes = innerBytes
        self.batchIsFirst = batchIsFirst
        self.indexType = indexType
    }

    public func run(_ operands: KernelOperands) { _ = unsafe runChecked(operands) }

    public func runChecked(_ operands: KernelOperands) -> IndexFailure? {
        switch indexType {
        case .uint8: unsafe reverse(operands, UInt8.self)
        case .int32: unsafe reverse(operands, Int32.self)
        case .int64: unsafe reverse(operands, Int64.self)
        }
    }

    private func reverse<Index: FixedWidthInteger & BitwiseCopyable>(
        _ operands: KernelOperands, _ type: Index.Type
    ) -> IndexFailure? {
        let (batches, steps) = batchIsFirst ? (first, second) : (second, first)
        if let failure = unsafe lengthFailure(operands.inputs[1], input: 1, type, count: batches, longest: steps) {
            return failure
        }
        var target = unsafe operands.outputs[0]
        for group in 0..<outer {
            for i in 0..<first {
                for m in 0..<middle {
                    for j in 0..<second {
                        let (batch, step) = batchIsFirst ? (i, j) : (j, i)
                        let given = unsafe operands.inputs[1].loadUnaligned(
                            fromByteOffset: batch * MemoryLayout<Index>.size, as: type)
                        // The caller's memory may have changed since it was checked.
                        let length = min(max(Int(truncatingIfNeeded: given), 0), steps)
                        let origin = step < length ? length - 1 - step : step
                        let (a, b) = batchIsFirst ? (i, origin) : (origin, j)
                        let row = ((group * first + a) * middle + m) * second + b
                        unsafe moveBytes(from: operands.inputs[0] + row * innerBytes, to: target, count: innerBytes)
                        unsafe target += innerBytes
                    }
                }
            }
        }
        return nil
    }
}
