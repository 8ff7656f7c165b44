// SPDX-License-Identifier: Apache-2.0

public import GEGraph
internal import VectorFunctions

/// The kernel that finds the place of the largest or smallest element along `axis`; nil for types without one.
public func argumentKernel(
    _ type: DataType, _ shape: [Int], axis: Int, largest: Bool, indexType: DataType
) -> (any NativeKernel)? {
    switch type {
    case .float: vectorArgumentKernel(shape, axis, largest, indexType)
    case .double: makeArgumentKernel(Double.self, shape, axis, largest, indexType)
    case .float16: makeArgumentKernel(Float16.self, shape, axis, largest, indexType)
    case .bfloat16: makeArgumentKernel(BFloat16.self, shape, axis, largest, indexType)
    case .int8: makeArgumentKernel(Int8.self, shape, axis, largest, indexType)
    case .int16: makeArgumentKernel(Int16.self, shape, axis, largest, indexType)
    case .int32: makeArgumentKernel(Int32.self, shape, axis, largest, indexType)
    case .int64: makeArgumentKernel(Int64.self, shape, axis, largest, indexType)
    case .uint8: makeArgumentKernel(UInt8.self, shape, axis, largest, indexType)
    case .uint16: makeArgumentKernel(UInt16.self, shape, axis, largest, indexType)
    case .uint32: makeArgumentKernel(UInt32.self, shape, axis, largest, indexType)
    case .uint64: makeArgumentKernel(UInt64.self, shape, axis, largest, indexType)
    default: nil
    }
}

private func vectorArgumentKernel(
    _ shape: [Int], _ axis: Int, _ largest: Bool, _ indexType: DataType
) -> (any NativeKernel)? {
    guard indexType == .int32 || indexType == .int64 else { return nil }
    return VectorArgumentKernel(
        ArgumentLoop(
            isLargest: largest, writesLong: indexType == .int64, outer: shape.prefix(axis).reduce(1, *),
            length: axis < shape.count ? shape[axis] : 1, inner: shape.dropFirst(axis + 1).reduce(1, *)))
}

private func makeArgumentKernel<T: Element>(
    _: T.Type, _ shape: [Int], _ axis: Int, _ largest: Bool, _ indexType: DataType
) -> (any NativeKernel)? where T.Wide: Comparable {
    switch indexType {
    case .int32: SpecializedKernel(ArgumentKernel<T, Int32>(shape: shape, axis: axis, largest: largest))
    case .int64: SpecializedKernel(ArgumentKernel<T, Int64>(shape: shape, axis: axis, largest: largest))
    default: nil
    }
}

struct ArgumentKernel<T: Element, Index: FixedWidthInteger & PlainElement>: NativeKernel where T.Wide: Comparable {
    private let largest: Bool
    private let outer: Int
    private let length: Int
    private let inner: Int

    init(shape: [Int], axis: Int, largest: Bool) {
        self.largest = largest
        outer = shape.prefix(axis).reduce(1, *)
        length = axis < shape.count ? shape[axis] : 1
        inner = shape.dropFirst(axis + 1).reduce(1, *)
    }

    private var group: Int { max(1, 16384 / max(length * inner, 1)) }
    var parts: Int { max(1, (outer + group - 1) / group) }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        let input = unsafe operands.input(0, as: T.self)
        let output = unsafe operands.output(0, as: Index.self)
        for row in parts.lowerBound * group..<min(parts.upperBound * group, outer) {
            for column in 0..<inner {
                let x = unsafe input + (row * length * inner + column)
                var best = unsafe x[0].wide
                var place = 0
                for index in 1..<max(length, 1) {
                    let value = unsafe x[index * inner].wide
                    // As in numpy, a NaN (the only value that differs from itself) wins over every number.
                    let wins = largest ? value > best : value < best
                    if wins || (value != value && best == best) { (best, place) = (value, index) }
                }
                unsafe output[row * inner + column] = Index(truncatingIfNeeded: place)
            }
        }
    }
}
