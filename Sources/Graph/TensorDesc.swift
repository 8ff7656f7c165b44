// SPDX-License-Identifier: Apache-2.0

/// What is known of a tensor without its elements: GE's TensorDescriptor.
///
/// `shape` holds −1 for a dimension known only at run time; the single entry −2 stands for an unknown rank.
public struct TensorDesc: Equatable, Sendable {
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

    /// Bytes of the densely packed tensor; nil where `elementCount` is.
    public var byteCount: Int? { elementCount.flatMap { dataType.byteCount(elements: $0) } }
}
