// SPDX-License-Identifier: Apache-2.0

/// Permutes the dimensions of a dense tensor of elements of 1, 2, 4, 8 or 16 bytes.
public struct TransposeKernel: NativeKernel {
    private let copy: RegionCopyKernel

    /// - shape: of the source. - permutation: dimension i of the result is dimension `permutation[i]` of the source.
    public init(elementBytes: Int, shape: [Int], permutation: [Int]) {
        let source = TransposeKernel.strides(shape)
        let target = TransposeKernel.strides(permutation.map { shape[$0] })
        let dimensions = permutation.indices.map {
            CopyDimension(size: shape[permutation[$0]], source: source[permutation[$0]], target: target[$0])
        }
        copy = RegionCopyKernel([.init(elementBytes: elementBytes, dimensions: dimensions)])
    }

    /// Elements to step over for each dimension of a dense row-major tensor.
    private static func strides(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
        return strides
    }

    public var parts: Int { copy.parts }

    public func run(_ operands: KernelOperands) { unsafe copy.run(operands) }

    public func run(_ operands: KernelOperands, parts: Range<Int>) { unsafe copy.run(operands, parts: parts) }
}
