// SPDX-License-Identifier: Apache-2.0

/// Permutes the dimensions of a dense tensor of elements of 1, 2, 4, 8 or 16 bytes.
public struct TransposeKernel: NativeKernel {
    /// Sizes of the result and, for each of its dimensions, the stride in the source, in elements; runs of dimensions that
    /// stay together are merged.
    private let sizes: [Int]
    private let strides: [Int]
    private let elementBytes: Int

    /// - shape: of the source. - permutation: dimension i of the result is dimension `permutation[i]` of the source.
    public init(elementBytes: Int, shape: [Int], permutation: [Int]) {
        var sourceStrides = [Int](repeating: 1, count: shape.count)
        for axis in stride(from: shape.count - 2, through: 0, by: -1) {
            sourceStrides[axis] = sourceStrides[axis + 1] * shape[axis + 1]
        }
        var sizes: [Int] = []
        var strides: [Int] = []
        for axis in permutation where shape[axis] != 1 {
            if let last = strides.last, last == sourceStrides[axis] * shape[axis] {
                sizes[sizes.count - 1] *= shape[axis]
                strides[strides.count - 1] = sourceStrides[axis]
            } else {
                sizes.append(shape[axis])
                strides.append(sourceStrides[axis])
            }
        }
        self.sizes = sizes.isEmpty ? [1] : sizes
        self.strides = strides.isEmpty ? [1] : strides
        self.elementBytes = elementBytes
    }

    public func run(_ operands: KernelOperands) {
        switch elementBytes {
        case 1: unsafe move(operands, UInt8.self)
        case 2: unsafe move(operands, UInt16.self)
        case 4: unsafe move(operands, UInt32.self)
        case 8: unsafe move(operands, UInt64.self)
        default: unsafe move(operands, SIMD2<UInt64>.self)
        }
    }

    /// Safety: the operands cover source and result; loads and stores do not rely on their alignment.
    @inline(__always)
    private func move<Element: BitwiseCopyable>(_ operands: KernelOperands, _ type: Element.Type) {
        var target = unsafe operands.outputs[0]
        unsafe walk(0, UnsafeRawPointer(operands.inputs[0]), &target, type)
    }

    private func walk<Element: BitwiseCopyable>(
        _ axis: Int, _ source: UnsafeRawPointer, _ target: inout UnsafeMutableRawPointer, _ type: Element.Type
    ) {
        let step = strides[axis] * MemoryLayout<Element>.stride
        if axis < sizes.count - 1 {
            for index in 0..<sizes[axis] { unsafe walk(axis + 1, source + index * step, &target, type) }
        } else if strides[axis] == 1 {
            unsafe target.copyMemory(from: source, byteCount: sizes[axis] * MemoryLayout<Element>.stride)
            unsafe target += sizes[axis] * MemoryLayout<Element>.stride
        } else {
            for index in 0..<sizes[axis] {
                unsafe target.storeBytes(of: (source + index * step).loadUnaligned(as: type), as: type)
                unsafe target += MemoryLayout<Element>.stride
            }
        }
    }
}
