// SPDX-License-Identifier: Apache-2.0

/// Takes each element from one of two tensors, as a third one says: `condition ? first : second`, with numpy's
/// broadcasting of all three.
public struct SelectKernel: NativeKernel {
    private struct Dimension {
        var size: Int
        /// Strides in elements; 0 where the operand is repeated.
        var strides: SIMD4<Int>
    }

    private let dimensions: [Dimension]
    private let elementBytes: Int

    /// - Precondition: the three shapes broadcast to `output`.
    public init(elementBytes: Int, condition: [Int], first: [Int], second: [Int], output: [Int]) {
        let shapes = [condition, first, second].map { Array(repeating: 1, count: output.count - $0.count) + $0 }
        var dimensions: [Dimension] = []
        var strides = SIMD4<Int>(1, 1, 1, 0)
        for axis in output.indices.reversed() where output[axis] != 1 {
            var used = SIMD4<Int>()
            for operand in 0..<3 where shapes[operand][axis] != 1 {
                used[operand] = strides[operand]
                strides[operand] *= shapes[operand][axis]
            }
            // The dimension inside this one, which it continues when all operands go on where that one ended.
            if let inside = dimensions.last, used == inside.strides &* SIMD4(repeating: inside.size) {
                dimensions[dimensions.count - 1].size *= output[axis]
            } else {
                dimensions.append(Dimension(size: output[axis], strides: used))
            }
        }
        if dimensions.isEmpty { dimensions = [Dimension(size: 1, strides: SIMD4(1, 1, 1, 0))] }
        self.dimensions = dimensions.reversed()
        self.elementBytes = elementBytes
    }

    /// The outermost dimension is cut into pieces where the tensor is large.
    public var parts: Int {
        let count = dimensions.reduce(1) { $0 * $1.size }
        return max(1, min(dimensions[0].size, count / 16384, 64))
    }

    public func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    public func run(_ operands: KernelOperands, parts: Range<Int>) {
        switch elementBytes {
        case 1: unsafe select(operands, parts, UInt8.self)
        case 2: unsafe select(operands, parts, UInt16.self)
        case 4: unsafe select(operands, parts, UInt32.self)
        case 8: unsafe select(operands, parts, UInt64.self)
        default: unsafe select(operands, parts, SIMD2<UInt64>.self)
        }
    }

    private func select<Element: BitwiseCopyable>(
        _ operands: KernelOperands, _ parts: Range<Int>, _ type: Element.Type
    ) {
        let outermost = dimensions[0]
        let first = outermost.size * parts.lowerBound / self.parts
        let last = outermost.size * parts.upperBound / self.parts
        let bytes = MemoryLayout<Element>.size
        let inner = dimensions.dropFirst().reduce(bytes) { $0 * $1.size }
        var target = unsafe operands.outputs[0] + first * inner
        unsafe walk(
            0, last - first, UnsafeRawPointer(operands.inputs[0]) + first * outermost.strides[0],
            UnsafeRawPointer(operands.inputs[1]) + first * outermost.strides[1] * bytes,
            UnsafeRawPointer(operands.inputs[2]) + first * outermost.strides[2] * bytes, &target, type)
    }

    private func walk<Element: BitwiseCopyable>(
        _ level: Int, _ size: Int, _ condition: UnsafeRawPointer, _ first: UnsafeRawPointer, _ second: UnsafeRawPointer,
        _ target: inout UnsafeMutableRawPointer, _ type: Element.Type
    ) {
        let strides = dimensions[level].strides
        let bytes = MemoryLayout<Element>.size
        guard level == dimensions.count - 1 else {
            for index in 0..<size {
                unsafe walk(
                    level + 1, dimensions[level + 1].size, condition + index * strides[0],
                    first + index * strides[1] * bytes,
                    second + index * strides[2] * bytes, &target, type)
            }
            return
        }
        switch (strides[0], strides[1], strides[2]) {
        // With the steps known the loop becomes vector code.
        case (1, 1, 1): unsafe pick(size, condition, 1, first, 1, second, 1, target, type)
        case (1, 1, 0): unsafe pick(size, condition, 1, first, 1, second, 0, target, type)
        case (1, 0, 1): unsafe pick(size, condition, 1, first, 0, second, 1, target, type)
        case let steps: unsafe pick(size, condition, steps.0, first, steps.1, second, steps.2, target, type)
        }
        unsafe target += size * bytes
    }
    @inline(__always)
    private func pick<Element: BitwiseCopyable>(
        _ count: Int, _ condition: UnsafeRawPointer, _ conditionStep: Int, _ first: UnsafeRawPointer, _ firstStep: Int,
        _ second: UnsafeRawPointer, _ secondStep: Int, _ target: UnsafeMutableRawPointer, _ type: Element.Type
    ) {
        let bytes = MemoryLayout<Element>.size
        for index in 0..<count {
            let holds = unsafe condition.loadUnaligned(fromByteOffset: index &* conditionStep, as: UInt8.self) != 0
            // Both are loaded so that the loop has no branches.
            let one = unsafe first.loadUnaligned(fromByteOffset: index &* firstStep &* bytes, as: type)
            let other = unsafe second.loadUnaligned(fromByteOffset: index &* secondStep &* bytes, as: type)
            unsafe target.storeBytes(of: holds ? one : other, toByteOffset: index &* bytes, as: type)
        }
    }
}
