// SPDX-License-Identifier: Apache-2.0

import GEGraph
import OfflineModel
import SaturatingArithmetic

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

    /// Whether nothing contradicts `dims`, of which −1 stands for any number.
    func fits(_ dims: [Int]) -> Bool {
        hasUnknownRank
            || originShape.count == dims.count
                && zip(originShape, dims).allSatisfy { $0 == Int64($1) || $0 < 0 || $1 < 0 }
    }

    /// Whether neither format contradicts `format`; they say something of images only.
    func fits(_ format: Format) -> Bool {
        let vague: [Format] = [.undefined, .nd]
        guard originShape.count >= 4, !vague.contains(format) else { return true }
        return [originFormat, storageFormat].map { Format(rawValue: $0).primary }.allSatisfy {
            vague.contains($0) || $0 == format
        }
    }

    /// The shape in another format: between NCHW, NHWC and NC1HWC0; ND stays as it is. Nil for anything else.
    func shape(in format: Int32) -> [Int64]? {
        if format == originFormat || (originFormat == 2 && format <= 2) || format == 2 { return originShape }
        let nchw: [Int64]
        switch (originFormat, originShape.count) {
        case (0, 4): nchw = originShape
        case (1, 4): nchw = [originShape[0], originShape[3], originShape[1], originShape[2]]
        default: return nil
        }
        switch format {
        case 0: return nchw
        case 1: return [nchw[0], nchw[2], nchw[3], nchw[1]]
        case 3:
            let blockSize: Int64 = dataType == 2 || dataType == 4 ? 32 : 16
            let blocks = nchw[1] < 0 ? nchw[1] : (nchw[1] + blockSize - 1) / blockSize
            return [nchw[0], blocks, nchw[2], nchw[3], blockSize]
        default: return nil
        }
    }
}
