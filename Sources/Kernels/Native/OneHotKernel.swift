// SPDX-License-Identifier: Apache-2.0

/// Writes one value at the position that each index names and another one everywhere else; an index outside names none.
///
/// Inputs: indices `[outer, inner]`, the value for on and the value for off, one element each; output
/// `[outer, depth, inner]`.
public struct OneHotKernel: NativeKernel {
    private let outer: Int
    private let inner: Int
    private let depth: Int
    private let elementBytes: Int
    private let indexType: IndexType

    public init(outer: Int, depth: Int, inner: Int, elementBytes: Int, indexType: IndexType) {
        self.outer = outer
        self.depth = depth
        self.inner = inner
        self.elementBytes = elementBytes
        self.indexType = indexType
    }

    private var group: Int { max(1, 16384 / max(depth * inner, 1)) }
    public var parts: Int { max(1, (outer + group - 1) / group) }

    public func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    public func run(_ operands: KernelOperands, parts: Range<Int>) {
        let rows = parts.lowerBound * group..<min(parts.upperBound * group, outer)
        if rows.isEmpty { return }
        let target = unsafe operands.outputs[0]
        for element in rows.lowerBound * depth * inner..<rows.upperBound * depth * inner {
            unsafe moveBytes(from: operands.inputs[2], to: target + element * elementBytes, count: elementBytes)
        }
        switch indexType {
        case .uint8: unsafe mark(operands, rows, UInt8.self)
        case .int32: unsafe mark(operands, rows, Int32.self)
        case .int64: unsafe mark(operands, rows, Int64.self)
        }
    }

    private func mark<Index: FixedWidthInteger & BitwiseCopyable>(
        _ operands: KernelOperands, _ rows: Range<Int>, _ type: Index.Type
    ) {
        for row in rows {
            for column in 0..<inner {
                let index = unsafe operands.inputs[0].loadUnaligned(
                    fromByteOffset: (row * inner + column) * MemoryLayout<Index>.size, as: type)
                guard index >= 0, index < depth else { continue }
                let element = (row * depth + Int(index)) * inner + column
                unsafe moveBytes(
                    from: operands.inputs[1], to: operands.outputs[0] + element * elementBytes, count: elementBytes)
            }
        }
    }
}
