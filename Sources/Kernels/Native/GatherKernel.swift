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

    /// Slices of a part, so that it is worth another thread; a multiple of the slices that one list of indices picks, or a
    /// share of them.
    private var slicesPerPart: Int { max(1, (1 << 17) / max(innerBytes, 1)) }
    private var slices: Int { batch * outer * count }
    public var parts: Int { max(1, (slices + slicesPerPart - 1) / slicesPerPart) }

    public func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    public func run(_ operands: KernelOperands, parts: Range<Int>) {
        let slices = parts.lowerBound * slicesPerPart..<min(parts.upperBound * slicesPerPart, slices)
        switch indexType {
        case .uint8: unsafe gather(operands, slices, UInt8.self)
        case .int32: unsafe gather(operands, slices, Int32.self)
        case .int64: unsafe gather(operands, slices, Int64.self)
        }
    }

    public func check(_ operands: KernelOperands) -> IndexFailure? {
        switch indexType {
        case .uint8: unsafe check(operands, UInt8.self)
        case .int32: unsafe check(operands, Int32.self)
        case .int64: unsafe check(operands, Int64.self)
        }
    }

    private func check<Index: FixedWidthInteger & BitwiseCopyable>(
        _ operands: KernelOperands, _ type: Index.Type
    ) -> IndexFailure? {
        guard slices > 0 else { return nil }
        for element in 0..<batch * count where unsafe position(operands.inputs[1], element, type, size: size) == nil {
            return unsafe indexFailure(operands.inputs[1], input: 1, element, type, size: size)
        }
        return nil
    }

    @inline(__always)
    private func gather<Index: FixedWidthInteger & BitwiseCopyable>(
        _ operands: KernelOperands, _ slices: Range<Int>, _ type: Index.Type
    ) {
        var slice = slices.lowerBound
        while slice < slices.upperBound {
            // As many slices as come from one place in the outer dimensions.
            let row = slice / count
            let end = min((row + 1) * count, slices.upperBound)
            let indices = row / outer * count - row * count
            let source = unsafe operands.inputs[0] + row * size * innerBytes
            switch innerBytes {
            case 4: unsafe pick(operands, slice..<end, indices, source, type, bytes: 4)
            case 8: unsafe pick(operands, slice..<end, indices, source, type, bytes: 8)
            default: unsafe pick(operands, slice..<end, indices, source, type, bytes: innerBytes)
            }
            slice = end
        }
    }

    /// - indices: what to add to a slice's number to get that of its index.
    @inline(__always)
    private func pick<Index: FixedWidthInteger & BitwiseCopyable>(
        _ operands: KernelOperands, _ slices: Range<Int>, _ indices: Int, _ source: UnsafeRawPointer,
        _ type: Index.Type, bytes: Int
    ) {
        let (list, target) = unsafe (UnsafeRawPointer(operands.inputs[1]), operands.outputs[0])
        for slice in slices {
            guard let position = unsafe position(list, slice &+ indices, type, size: size) else { continue }
            unsafe moveBytes(from: source + position &* bytes, to: target + slice &* bytes, count: bytes)
        }
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

    private var tuplesPerPart: Int { max(1, (1 << 17) / max(innerBytes, 1)) }
    public var parts: Int { max(1, (batch * count + tuplesPerPart - 1) / tuplesPerPart) }

    public func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    public func run(_ operands: KernelOperands, parts: Range<Int>) {
        let tuples = parts.lowerBound * tuplesPerPart..<min(parts.upperBound * tuplesPerPart, batch * count)
        switch indexType {
        case .uint8: unsafe gather(operands, tuples, UInt8.self)
        case .int32: unsafe gather(operands, tuples, Int32.self)
        case .int64: unsafe gather(operands, tuples, Int64.self)
        }
    }

    public func check(_ operands: KernelOperands) -> IndexFailure? {
        switch indexType {
        case .uint8: unsafe check(operands, UInt8.self)
        case .int32: unsafe check(operands, Int32.self)
        case .int64: unsafe check(operands, Int64.self)
        }
    }

    private func check<Index: FixedWidthInteger & BitwiseCopyable>(
        _ operands: KernelOperands, _ type: Index.Type
    ) -> IndexFailure? {
        for tuple in 0..<batch * count where unsafe row(operands.inputs[1], tuple, sizes, type) == nil {
            return unsafe tupleFailure(operands.inputs[1], input: 1, tuple, sizes, type)
        }
        return nil
    }

    private func gather<Index: FixedWidthInteger & BitwiseCopyable>(
        _ operands: KernelOperands, _ tuples: Range<Int>, _ type: Index.Type
    ) {
        let groupBytes = sizes.reduce(innerBytes, *)
        for tuple in tuples {
            guard let row = unsafe row(operands.inputs[1], tuple, sizes, type) else { continue }
            let source = unsafe operands.inputs[0] + tuple / count * groupBytes + row * innerBytes
            unsafe moveBytes(from: source, to: operands.outputs[0] + tuple * innerBytes, count: innerBytes)
        }
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

    var count: Int { lines.count * lineLength }
    private var linesPerPart: Int { max(1, 16384 / max(lineLength, 1)) }
    var parts: Int { max(1, (lines.count + linesPerPart - 1) / linesPerPart) }

    /// The first index that lies outside.
    /// - input: the kernel's input that holds the indices.
    func check<Index: FixedWidthInteger & BitwiseCopyable>(
        _ indices: UnsafeRawPointer, input: Int, _ type: Index.Type
    ) -> IndexFailure? {
        // Without a branch for each index, until there is reason to look closer.
        let (shift, span) = (UInt(bitPattern: size), UInt(bitPattern: size) &* 2)
        var areInside = true
        for number in 0..<count {
            let index = unsafe indices.loadUnaligned(fromByteOffset: number &* MemoryLayout<Index>.size, as: type)
            areInside = UInt(truncatingIfNeeded: index) &+ shift < span && areInside
        }
        if areInside { return nil }
        for number in 0..<count where unsafe position(indices, number, type, size: size) == nil {
            return unsafe indexFailure(indices, input: input, number, type, size: size)
        }
        return nil
    }

    /// Calls `body` with the number of each index and the element of the data that it names, for some parts; leaves out
    /// those that lie outside.
    @inline(__always)
    func forEach<Index: FixedWidthInteger & BitwiseCopyable>(
        in parts: Range<Int>, _ indices: UnsafeRawPointer, _ type: Index.Type,
        _ body: (_ index: Int, _ element: Int) -> Void
    ) {
        let range = parts.lowerBound * linesPerPart..<min(parts.upperBound * linesPerPart, lines.count)
        if range.isEmpty { return }
        var number = range.lowerBound * lineLength
        lines.forEach(in: range) { line, _ in
            for column in 0..<lineLength {
                if let position = unsafe position(indices, number, type, size: size) {
                    body(number, line &+ column &* step &+ position &* axisStride)
                }
                number &+= 1
            }
        }
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

    public var parts: Int { lookup.parts }

    public func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    public func run(_ operands: KernelOperands, parts: Range<Int>) {
        switch indexType {
        case .uint8: unsafe gather(operands, parts, UInt8.self)
        case .int32: unsafe gather(operands, parts, Int32.self)
        case .int64: unsafe gather(operands, parts, Int64.self)
        }
    }

    public func check(_ operands: KernelOperands) -> IndexFailure? {
        switch indexType {
        case .uint8: unsafe lookup.check(operands.inputs[1], input: 1, UInt8.self)
        case .int32: unsafe lookup.check(operands.inputs[1], input: 1, Int32.self)
        case .int64: unsafe lookup.check(operands.inputs[1], input: 1, Int64.self)
        }
    }

    private func gather<Index: FixedWidthInteger & BitwiseCopyable>(
        _ operands: KernelOperands, _ parts: Range<Int>, _ type: Index.Type
    ) {
        switch elementBytes {
        case 4: unsafe gather(operands, parts, type, bytes: 4)
        case 8: unsafe gather(operands, parts, type, bytes: 8)
        default: unsafe gather(operands, parts, type, bytes: elementBytes)
        }
    }

    @inline(__always)
    private func gather<Index: FixedWidthInteger & BitwiseCopyable>(
        _ operands: KernelOperands, _ parts: Range<Int>, _ type: Index.Type, bytes: Int
    ) {
        let (source, target) = unsafe (UnsafeRawPointer(operands.inputs[0]), operands.outputs[0])
        unsafe lookup.forEach(in: parts, operands.inputs[1], type) { index, element in
            unsafe moveBytes(from: source + element &* bytes, to: target + index &* bytes, count: bytes)
        }
    }
}
