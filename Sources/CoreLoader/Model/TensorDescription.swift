// SPDX-License-Identifier: Apache-2.0

/// The value behind an `aclTensorDesc`: what a caller says of a tensor.
///
/// The getters read the origin side, some setters write the storage side; both are kept as the original does.
struct TensorDescription: Sendable {
    /// `aclDataType`, unchecked as in the original.
    var dataType: Int32
    var originFormat: Int32
    var originShape: [Int64]
    /// −1 (undefined) until set.
    var storageFormat: Int32 = -1
    var storageShape: [Int64]
    var name = ""
    var shapeRange: [ClosedPair] = []
    var valueRange: [ClosedPair] = []
    var dynamicInputName = ""
    /// Bytes of a constant tensor.
    var constant: [UInt8]?
    var memoryType: Int32 = 0

    struct ClosedPair: Equatable, Sendable {
        var low: Int64
        var high: Int64
    }

    init(dataType: Int32, shape: [Int64], format: Int32) {
        self.dataType = dataType
        originFormat = format
        originShape = shape
        storageShape = shape
    }

    /// 1 for a scalar; nil with a dimension that is not known, or on overflow.
    var elementCount: Int? {
        var product = 1
        for dimension in originShape {
            guard dimension >= 0 else { return nil }
            let (next, overflow) = product.multipliedReportingOverflow(by: Int(dimension))
            guard !overflow else { return nil }
            product = next
        }
        return product
    }

    var hasUnknownRank: Bool { originShape.first == -2 }
}
