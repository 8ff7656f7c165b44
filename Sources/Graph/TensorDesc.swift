// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// What is known of a tensor without its elements: GE's TensorDescriptor.
///
/// `shape` holds −1 for a dimension known only at run time; the single entry −2 stands for an unknown rank.
public struct TensorDesc: Hashable, Sendable {
    public var dataType: DataType
    public var shape: [Int]
    public var format: Format
    /// The framework's view of a tensor that is stored in another format; nil where both are the same.
    public var originShape: [Int]?
    public var originFormat: Format?
    /// The size in bytes that the model states for this tensor, often padded; nil where it states none.
    public var size: Int?
    /// Descriptor attributes without a field of their own.
    public var attributes: [String: Attribute]

    public init(
        _ dataType: DataType, _ shape: [Int], format: Format = .nd, originShape: [Int]? = nil,
        originFormat: Format? = nil, size: Int? = nil, attributes: [String: Attribute] = [:]
    ) {
        self.dataType = dataType
        self.shape = shape
        self.format = format
        self.originShape = originShape
        self.originFormat = originFormat
        self.size = size
        self.attributes = attributes
    }

    public var isStatic: Bool { shape.allSatisfy { $0 >= 0 } }

    /// Number of elements; nil for a shape that is not static or whose product overflows.
    public var elementCount: Int? {
        var product = 1
        for dimension in shape {
            guard dimension >= 0 else { return nil }
            let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
            guard !overflow else { return nil }
            product = next
        }
        return product
    }

    /// The most dimensions that AscendCL can describe (ACL_MAX_DIM_CNT).
    public static let rankLimit = 128
    /// The most bytes of a tensor: what a 64-bit processor can address.
    public static let byteLimit = 1 << 47

    /// Whether the tensor is one that can be: with at most `rankLimit` dimensions, none below −3 (GE's mark for an absent
    /// tensor), and at most `byteLimit` bytes, also if its dimensions of 0 and below were 1 or if the model states them.
    ///
    /// What follows from such shapes (a product of some of the dimensions, a stride, a sum over a graph's tensors) stays
    /// far below what an integer holds.
    public var isWithinLimits: Bool {
        guard shape.count <= TensorDesc.rankLimit, shape.allSatisfy({ $0 >= -3 }), size ?? 0 <= TensorDesc.byteLimit
        else { return false }
        let elements = shape.reduce(1) { $0 * max($1, 1) }
        return elements * max(dataType.bitWidth, 8) <= TensorDesc.byteLimit * 8
    }

    /// Bytes of the densely packed tensor; nil where `elementCount` is.
    public var byteCount: Int? { elementCount.flatMap { dataType.byteCount(elements: $0) } }
}
