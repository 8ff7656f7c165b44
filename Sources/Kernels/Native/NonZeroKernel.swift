// SPDX-License-Identifier: Apache-2.0

/// The coordinates of the elements that are not 0, in row-major order, and how many there are.
///
/// Output: `[rank, count]`, or `[count, rank]` where `listsElements`; its memory has room for every element.
public struct NonZeroKernel: NativeKernel {
    private let shape: [Int]
    private let elementBytes: Int
    private let isFloatingPoint: Bool
    private let listsElements: Bool
    private let isWide: Bool

    /// - listsElements: whether the coordinates of one element lie together.
    /// - isWide: whether coordinates have 64 bits instead of 32.
    public init(shape: [Int], elementBytes: Int, isFloatingPoint: Bool, listsElements: Bool, isWide: Bool) {
        self.shape = shape
        self.elementBytes = elementBytes
        self.isFloatingPoint = isFloatingPoint
        self.listsElements = listsElements
        self.isWide = isWide
    }

    public func run(_ operands: KernelOperands) {
        switch elementBytes {
        case 1: unsafe find(operands, UInt8.self)
        case 2: unsafe find(operands, UInt16.self)
        case 4: unsafe find(operands, UInt32.self)
        default: unsafe find(operands, UInt64.self)
        }
    }

    private func find<Pattern: FixedWidthInteger & BitwiseCopyable>(_ operands: KernelOperands, _ type: Pattern.Type) {
        // Without its sign a floating-point zero is all zero bits.
        let significant: Pattern = isFloatingPoint ? Pattern.max >> 1 : Pattern.max
        let elements = shape.reduce(1, *)
        let source = unsafe operands.inputs[0]
        func isNonZero(_ element: Int) -> Bool {
            let pattern = unsafe source.loadUnaligned(
                fromByteOffset: element * MemoryLayout<Pattern>.size, as: Pattern.self)
            return pattern & significant != 0
        }
        var count = 0
        for element in 0..<elements where isNonZero(element) { count += 1 }
        unsafe operands.resultCount?.pointee = count
        var place = 0
        for element in 0..<elements where isNonZero(element) {
            var rest = element
            for axis in shape.indices.reversed() {
                let target = listsElements ? place * shape.count + axis : axis * count + place
                unsafe store(rest % shape[axis], at: target, operands.outputs[0])
                rest /= shape[axis]
            }
            place += 1
        }
    }

    private func store(_ coordinate: Int, at place: Int, _ target: UnsafeMutableRawPointer) {
        if isWide {
            unsafe target.storeBytes(of: Int64(coordinate), toByteOffset: 8 * place, as: Int64.self)
        } else {
            unsafe target.storeBytes(
                of: Int32(truncatingIfNeeded: coordinate), toByteOffset: 4 * place, as: Int32.self)
        }
    }
}
