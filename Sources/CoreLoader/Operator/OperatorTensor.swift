// SPDX-License-Identifier: Apache-2.0

/// `aclTensor`: a view of strided elements over memory of the caller.
struct OperatorTensor: Sendable {
    /// Dimensions of a tensor, at most (`ACL_MAX_DIM_CNT`).
    static let mostDimensions: UInt64 = 128

    let viewShape: [Int64]
    /// Elements from one position to the next, per dimension of the view.
    let strides: [Int64]
    /// Elements before the first of the view.
    let offset: Int64
    /// `aclDataType` and `aclFormat`, unchecked as in the original.
    let dataType: Int32
    let format: Int32
    let storageShape: [Int64]
    /// May be 0 until it is set.
    var data: UInt

    /// Without strides, the elements follow each other. Throws 161002 for negative numbers and for more elements than
    /// 64 bits can count.
    init(
        viewShape: [Int64], strides: [Int64]?, offset: Int64, dataType: Int32, format: Int32, storageShape: [Int64],
        data: UInt
    ) throws(Failure) {
        try Self.checkCount(viewShape, "viewDims")
        try Self.checkCount(storageShape, "storageDims")
        guard offset >= 0 else {
            throw .operatorArgument("offset", value: "\(offset)", reason: "it must not be negative")
        }
        let strides = strides ?? Self.contiguousStrides(viewShape)
        try Self.checkExtent(viewShape, strides, offset)
        try Failure.checkOperatorData(data, "tensorData")
        self.viewShape = viewShape
        self.strides = strides
        self.offset = offset
        self.dataType = dataType
        self.format = format
        self.storageShape = storageShape
        self.data = data
    }

    private static func checkCount(_ shape: [Int64], _ argument: String) throws(Failure) {
        var count: Int64 = 1
        for dimension in shape {
            guard dimension >= 0 else {
                throw .operatorArgument(argument, value: "\(shape)", reason: "dimensions must not be negative")
            }
            // A dimension of 0 makes the tensor empty, but the others must still be numbers that can be meant.
            let (next, overflow) = count.multipliedReportingOverflow(by: max(dimension, 1))
            guard !overflow else {
                throw .operatorArgument(argument, value: "\(shape)", reason: "it has more than 2^63 elements")
            }
            count = next
        }
    }

    /// The last element of the view must have a position.
    private static func checkExtent(_ shape: [Int64], _ strides: [Int64], _ offset: Int64) throws(Failure) {
        var last = offset
        for (dimension, stride) in zip(shape, strides) {
            guard stride >= 0 else {
                throw .operatorArgument("stride", value: "\(strides)", reason: "strides must not be negative")
            }
            let (span, tooWide) = max(dimension - 1, 0).multipliedReportingOverflow(by: stride)
            let (sum, tooFar) = last.addingReportingOverflow(span)
            guard !tooWide, !tooFar else {
                throw .operatorArgument("stride", value: "\(strides)", reason: "the view ends beyond 2^63 elements")
            }
            last = sum
        }
    }

    private static func contiguousStrides(_ shape: [Int64]) -> [Int64] {
        var strides: [Int64] = []
        var next: Int64 = 1
        for dimension in shape.reversed() {
            strides.append(next)
            // Cannot overflow: the product of the dimensions was checked.
            next *= max(dimension, 1)
        }
        return strides.reversed()
    }
}

extension Failure {
    /// The answer of single-operator functions to a wrong argument that is not a null pointer.
    static func operatorArgument(_ argument: String, value: String, reason: String) -> Failure {
        Failure(ErrorCode.operatorInvalid, .invalid(argument: argument, value: value, reason: reason))
    }

    static func operatorNull(_ argument: String) -> Failure {
        Failure(ErrorCode.operatorNull, .nullPointer(argument: argument))
    }

    /// The address of a tensor: null for none yet; memory that is known to be freed is refused.
    static func checkOperatorData(_ address: UInt, _ argument: String) throws(Failure) {
        guard address != 0 else { return }
        try MemoryRegistry.shared.check(address, bytes: 0, argument: argument, code: ErrorCode.operatorInvalid)
    }
}

extension ErrorCode {
    /// `ACLNN_ERR_PARAM_NULLPTR`, `ACLNN_ERR_PARAM_INVALID`, `ACLNN_ERR_INNER_NULLPTR`.
    static let operatorNull: Int32 = 161_001
    static let operatorInvalid: Int32 = 161_002
    static let operatorNoMemory: Int32 = 561_103
}
