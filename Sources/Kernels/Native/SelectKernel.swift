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

    public func run(_ operands: KernelOperands) {
        switch elementBytes {
        case 1: unsafe select(operands, UInt8.self)
        case 2: unsafe select(operands, UInt16.self)
        case 4: unsafe select(operands, UInt32.self)
        case 8: unsafe select(operands, UInt64.self)
        default: unsafe select(operands, SIMD2<UInt64>.self)
        }
    }

    private func select<Element: BitwiseCopyable>(_ operands: KernelOperands, _ type: Element.Type) {
        var target = unsafe operands.outputs[0]
        unsafe walk(
            0, UnsafeRawPointer(operands.inputs[0]), UnsafeRawPointer(operands.inputs[1]),
            UnsafeRawPointer(operands.inputs[2]), &target, type)
    }

    private func walk<Element: BitwiseCopyable>(
        _ level: Int, _ condition: UnsafeRawPointer, _ first: UnsafeRawPointer, _ second: UnsafeRawPointer,
        _ target: inout UnsafeMutableRawPointer, _ type: Element.Type
    ) {
        let size = dimensions[level].size
        let strides = dimensions[level].strides
        let bytes = MemoryLayout<Element>.size
        guard level == dimensions.count - 1 else {
            for index in 0..<size {
                unsafe walk(
                    level + 1, condition + index * strides[0], first + index * strides[1] * bytes,
                    second + index * strides[2] * bytes, &target, type)
            }
            return
        }
        let (conditionStep, firstStep, secondStep) = (strides[0], strides[1] &* bytes, strides[2] &* bytes)
        let result = unsafe target
        for index in 0..<size {
            let holds = unsafe condition.loadUnaligned(fromByteOffset: index &* conditionStep, as: UInt8.self) != 0
            // Both are loaded so that the loop has no branches.
            let one = unsafe first.loadUnaligned(fromByteOffset: index &* firstStep, as: type)
            let other = unsafe second.loadUnaligned(fromByteOffset: index &* secondStep, as: type)
            unsafe result.storeBytes(of: holds ? one : other, toByteOffset: index &* bytes, as: type)
        }
        unsafe target += size * bytes
    }
}
