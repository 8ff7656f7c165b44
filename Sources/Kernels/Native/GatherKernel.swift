// SPDX-License-Identifier: Apache-2.0

/// Picks slices of a tensor along one dimension.
///
/// Inputs: data `[batch, outer, size, inner]`, indices `[batch, count]`; output `[batch, outer, count, inner]`.
public struct GatherKernel: NativeKernel {
    private let batch: Int
    private let outer: Int
    private let size: Int
    private let innerBytes: Int
    private let count: Int
    private let indexType: IndexType

    public init(batch: Int, outer: Int, size: Int, innerBytes: Int, count: Int, indexType: IndexType) {
        self.batch = batch
        self.outer = outer
        self.size = size
        self.innerBytes = innerBytes
        self.count = count
        self.indexType = indexType
    }

    public func run(_ operands: KernelOperands) { _ = unsafe runChecked(operands) }

    public func runChecked(_ operands: KernelOperands) -> IndexFailure? {
        switch indexType {
        case .uint8: unsafe gather(operands, UInt8.self)
        case .int32: unsafe gather(operands, Int32.self)
        case .int64: unsafe gather(operands, Int64.self)
        }
    }

    private func gather<Index: FixedWidthInteger & BitwiseCopyable>(
        _ operands: KernelOperands, _ type: Index.Type
    ) -> IndexFailure? {
        var target = unsafe operands.outputs[0]
        var source = unsafe UnsafeRawPointer(operands.inputs[0])
        for group in 0..<batch {
            for _ in 0..<outer {
                for element in group * count..<(group + 1) * count {
                    guard let position = unsafe position(operands.inputs[1], element, type, size: size) else {
                        return unsafe indexFailure(operands.inputs[1], input: 1, element, type, size: size)
                    }
                    unsafe moveBytes(from: source + position &* innerBytes, to: target, count: innerBytes)
                    unsafe target += innerBytes
                }
                unsafe source += size * innerBytes
            }
        }
        return nil
    }
}

/// Picks slices by tuples of indices, one index for each of the first dimensions after the batch.
///
/// Inputs: data `[batch, sizes…, inner]`, indices `[batch, count, sizes.count]`; output `[batch, count, inner]`.
public struct GatherNdKernel: NativeKernel {
    private let batch: Int
    private let sizes: [Int]
    private let innerBytes: Int
    private let count: Int
    private let indexType: IndexType

    public init(batch: Int, sizes: [Int], innerBytes: Int, count: Int, indexType: IndexType) {
        self.batch = batch
        self.sizes = sizes
        self.innerBytes = innerBytes
        self.count = count
        self.indexType = indexType
    }

    public func run(_ operands: KernelOperands) { _ = unsafe runChecked(operands) }

    public func runChecked(_ operands: KernelOperands) -> IndexFailure? {
        switch indexType {
        case .uint8: unsafe gather(operands, UInt8.self)
        case .int32: unsafe gather(operands, Int32.self)
        case .int64: unsafe gather(operands, Int64.self)
        }
    }

    private func gather<Index: FixedWidthInteger & BitwiseCopyable>(
        _ operands: KernelOperands, _ type: Index.Type
    ) -> IndexFailure? {
        let groupBytes = sizes.reduce(innerBytes, *)
        var target = unsafe operands.outputs[0]
        for group in 0..<batch {
            let source = unsafe operands.inputs[0] + group * groupBytes
            for tuple in group * count..<(group + 1) * count {
                guard let row = unsafe row(operands.inputs[1], tuple, sizes, type) else {
                    return unsafe tupleFailure(operands.inputs[1], input: 1, tuple, sizes, type)
                }
                unsafe moveBytes(from: source + row * innerBytes, to: target, count: innerBytes)
                unsafe target += innerBytes
            }
        }
        return nil
    }
}

/// The row-major number of the element of a tensor of `sizes` that tuple number `tuple` names; nil when it lies
/// outside.
@inline(__always)
func row<Index: FixedWidthInteger & BitwiseCopyable>(
    _ indices: UnsafeRawPointer, _ tuple: Int, _ sizes: [Int], _ type: Index.Type
) -> Int? {
    var row = 0
    for dimension in sizes.indices {
        guard let position = unsafe position(indices, tuple * sizes.count + dimension, type, size: sizes[dimension])
        else { return nil }
        row = row * sizes[dimension] + position
    }
    return row
}

/// What to say of a tuple for which `row` is nil; nil for any other.
func tupleFailure<Index: FixedWidthInteger & BitwiseCopyable>(
    _ indices: UnsafeRawPointer, input: Int, _ tuple: Int, _ sizes: [Int], _ type: Index.Type
) -> IndexFailure? {
    for dimension in sizes.indices {
        let element = tuple * sizes.count + dimension
        guard unsafe position(indices, element, type, size: sizes[dimension]) == nil else { continue }
        return unsafe indexFailure(indices, input: input, element, type, size: sizes[dimension])
    }
    return nil
}

/// Where the elements of one tensor lie in another one when a coordinate is replaced by an index.
struct ElementLookup: Sendable {
    /// Offsets of the lines along the last dimension, without the replaced coordinate.
    private let lines: NestedLoops
    private let lineLength: Int
    /// How far one step along the line moves in the data; 0 when the line's coordinate is the replaced one.
    private let step: Int
    private let axisStride: Int
    private let size: Int

    /// - data: shape of the tensor that is looked into. - indices: shape of the index tensor, of the same rank, at
    /// least 1,   no dimension but `axis` larger than that of `data`.
    init(data: [Int], indices: [Int], axis: Int) {
        var strides = [Int](repeating: 1, count: data.count)
        for dimension in data.indices.dropLast().reversed() {
            strides[dimension] = strides[dimension + 1] * data[dimension + 1]
        }
        let last = data.count - 1
        lines = NestedLoops(
            (0..<last).map { (size: indices[$0], firstStride: $0 == axis ? 0 : strides[$0], secondStride: 0) })
        lineLength = indices[last]
        step = axis == last ? 0 : 1
        axisStride = strides[axis]
        size = data[axis]
    }

    /// Calls `body` with the number of each index and the element of the data that it names; leaves out those that lie
    /// outside and returns the first of them.
    /// - input: the kernel's input that holds the indices.
    @inline(__always)
    func forEach<Index: FixedWidthInteger & BitwiseCopyable>(
        _ indices: UnsafeRawPointer, input: Int, _ type: Index.Type, _ body: (_ index: Int, _ element: Int) -> Void
    ) -> IndexFailure? {
        var number = 0
        var failure: IndexFailure?
        lines.forEach { line, _ in
            for column in 0..<lineLength {
                if let position = unsafe position(indices, number, type, size: size) {
                    body(number, line &+ column &* step &+ position &* axisStride)
                } else if failure == nil {
                    failure = unsafe indexFailure(indices, input: input, number, type, size: size)
                }
                number &+= 1
            }
        }
        return failure
    }
}

/// Picks one element for each index.
///
/// Inputs: data, indices of the same rank; output of the shape of the indices.
public struct GatherElementsKernel: NativeKernel {
    private let lookup: ElementLookup
    private let elementBytes: Int
    private let indexType: IndexType

    public init(elementBytes: Int, data: [Int], indices: [Int], axis: Int, indexType: IndexType) {
        lookup = ElementLookup(data: data, indices: indices, axis: axis)
        self.elementBytes = elementBytes
        self.indexType = indexType
    }

    public func run(_ operands: KernelOperands) { _ = unsafe runChecked(operands) }

    public func runChecked(_ operands: KernelOperands) -> IndexFailure? {
        switch indexType {
        case .uint8: unsafe gather(operands, UInt8.self)
        case .int32: unsafe gather(operands, Int32.self)
        case .int64: unsafe gather(operands, Int64.self)
        }
    }

    private func gather<Index: FixedWidthInteger & BitwiseCopyable>(
        _ operands: KernelOperands, _ type: Index.Type
    ) -> IndexFailure? {
        let (source, target) = unsafe (operands.inputs[0], operands.outputs[0])
        return unsafe lookup.forEach(operands.inputs[1], input: 1, type) { index, element in
            unsafe moveBytes(
                from: source + element * elementBytes, to: target + index * elementBytes, count: elementBytes)
        }
    }
}
