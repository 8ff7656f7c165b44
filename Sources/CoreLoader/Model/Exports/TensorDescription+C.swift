// SPDX-License-Identifier: Apache-2.0

public import CAscendCL
import SaturatingArithmetic

@c @implementation
public func aclCreateTensorDesc(
    _ dataType: aclDataType, _ numDims: Int32, _ dims: UnsafePointer<Int64>?, _ format: aclFormat
) -> OpaquePointer? {
    handle { () throws(Failure) in
        let shape = try unsafe shape(numDims, dims)
        let value = TensorDescription(dataType: dataType.rawValue, shape: shape, format: format.rawValue)
        return try TensorDescriptionObject.make(value).handle
    }
}

@c @implementation
public func aclDestroyTensorDesc(_ desc: OpaquePointer?) {
    let handle = Handle(desc)
    guard !handle.isNull, TensorDescriptionObject.table.remove(handle) == nil else { return }
    _ = report(.handle(handle, "desc", in: TensorDescriptionObject.table))
}

@c @implementation
public func aclGetTensorDescType(_ desc: OpaquePointer?) -> aclDataType {
    value(otherwise: ACL_DT_UNDEFINED) { () throws(Failure) in
        aclDataType(rawValue: try TensorDescriptionObject.find(desc).value.dataType)
    }
}

@c @implementation
public func aclGetTensorDescFormat(_ desc: OpaquePointer?) -> aclFormat {
    value(otherwise: ACL_FORMAT_UNDEFINED) { () throws(Failure) in
        aclFormat(rawValue: try TensorDescriptionObject.find(desc).value.originFormat)
    }
}

@c @implementation
public func aclGetTensorDescSize(_ desc: OpaquePointer?) -> Int {
    value(otherwise: 0) { () throws(Failure) in
        let description = try TensorDescriptionObject.find(desc).value
        let (size, overflow) = (description.elementCount ?? 0).multipliedReportingOverflow(
            by: aclDataTypeSize(aclDataType(rawValue: description.dataType)))
        return overflow ? 0 : size
    }
}

@c @implementation
public func aclGetTensorDescElementCount(_ desc: OpaquePointer?) -> Int {
    value(otherwise: 0) { () throws(Failure) in try TensorDescriptionObject.find(desc).value.elementCount ?? 0 }
}

@c @implementation
public func aclGetTensorDescNumDims(_ desc: OpaquePointer?) -> Int {
    value(otherwise: 0) { () throws(Failure) in
        let description = try TensorDescriptionObject.find(desc).value
        // ACL_UNKNOWN_RANK, as a signed number.
        return description.hasUnknownRank ? -2 : description.originShape.count
    }
}

@c @implementation
public func aclGetTensorDescDim(_ desc: OpaquePointer?, _ index: Int) -> Int64 {
    value(otherwise: -1) { () throws(Failure) in try TensorDescriptionObject.find(desc).dimension(index) }
}

@c @implementation
public func aclGetTensorDescDimV2(
    _ desc: OpaquePointer?, _ index: Int, _ dimSize: UnsafeMutablePointer<Int64>?
) -> aclError {
    status { () throws(Failure) in
        let description = try TensorDescriptionObject.find(desc)
        let result = try output(dimSize, "dimSize")
        result.write(try description.dimension(index))
    }
}

@c @implementation
public func aclGetTensorDescDimRange(
    _ desc: OpaquePointer?, _ index: Int, _ dimRangeNum: Int, _ dimRange: UnsafeMutablePointer<Int64>?
) -> aclError {
    status { () throws(Failure) in
        let ranges = try TensorDescriptionObject.find(desc).value.shapeRange
        guard let dimRange = unsafe dimRange else { throw .null("dimRange") }
        guard ranges.indices.contains(index) else { throw .index(index, count: ranges.count) }
        guard size(dimRangeNum) >= 2 else {
            throw .argument("dimRangeNum", value: "\(dimRangeNum)", reason: "a range has 2 numbers")
        }
        // Safe: the caller vouches for `dimRangeNum` numbers, at least two.
        unsafe dimRange[0] = ranges[index].low
        unsafe dimRange[1] = ranges[index].high
    }
}

@c @implementation
public func aclSetTensorDescName(_ desc: OpaquePointer?, _ name: UnsafePointer<CChar>?) {
    let handle = Handle(desc)
    guard !handle.isNull else { return }
    value(otherwise: ()) { () throws(Failure) in
        try TensorDescriptionObject.find(desc).change { $0.name = text(name) ?? "" }
    }
}

@c @implementation
public func aclGetTensorDescName(_ desc: OpaquePointer?) -> UnsafePointer<CChar>? {
    unsafe value(otherwise: noName.pointer) { () throws(Failure) in
        if Handle(desc).isNull { return unsafe noName.pointer }
        return unsafe try TensorDescriptionObject.find(desc).cName.pointer
    }
}

private let noName = CString("")

@c @implementation
public func aclTransTensorDescFormat(
    _ srcDesc: OpaquePointer?, _ dstFormat: aclFormat, _ dstDesc: UnsafeMutablePointer<OpaquePointer?>?
) -> aclError {
    status { () throws(Failure) in
        let source = try TensorDescriptionObject.find(srcDesc, "srcDesc").value
        guard let dstDesc = unsafe dstDesc else { throw .null("dstDesc") }
        var result = source
        guard let shape = source.shape(in: dstFormat.rawValue) else {
            throw Failure(
                ErrorCode.apiNotSupport,
                .coded(
                    "EH0006", title: "Not_Supported",
                    text: "A shape of format \(source.originFormat) cannot be changed to format \(dstFormat.rawValue).")
            )
        }
        result.originShape = shape
        result.storageShape = shape
        unsafe dstDesc.pointee = try TensorDescriptionObject.make(result).handle.opaquePointer
    }
}

@c @implementation
public func aclSetTensorStorageFormat(_ desc: OpaquePointer?, _ format: aclFormat) -> aclError {
    setUnlessNull(desc) { $0.storageFormat = format.rawValue }
}

@c @implementation
public func aclSetTensorFormat(_ desc: OpaquePointer?, _ format: aclFormat) -> aclError {
    setUnlessNull(desc) { $0.storageFormat = format.rawValue }
}

@c @implementation
public func aclSetTensorOriginFormat(_ desc: OpaquePointer?, _ format: aclFormat) -> aclError {
    setUnlessNull(desc) { $0.originFormat = format.rawValue }
}

@c @implementation
public func aclSetTensorStorageShape(
    _ desc: OpaquePointer?, _ numDims: Int32, _ dims: UnsafePointer<Int64>?
) -> aclError {
    status { () throws(Failure) in
        let shape = try unsafe newShape(desc, numDims, dims)
        try TensorDescriptionObject.find(desc).change { $0.storageShape = shape }
    }
}

@c @implementation
public func aclSetTensorShape(_ desc: OpaquePointer?, _ numDims: Int32, _ dims: UnsafePointer<Int64>?) -> aclError {
    status { () throws(Failure) in
        let shape = try unsafe newShape(desc, numDims, dims)
        try TensorDescriptionObject.find(desc).change { $0.storageShape = shape }
    }
}

@c @implementation
public func aclSetTensorOriginShape(
    _ desc: OpaquePointer?, _ numDims: Int32, _ dims: UnsafePointer<Int64>?
) -> aclError {
    status { () throws(Failure) in
        let shape = try unsafe newShape(desc, numDims, dims)
        try TensorDescriptionObject.find(desc).change { $0.originShape = shape }
    }
}

@c @implementation
public func aclGetTensorDescByIndex(_ desc: OpaquePointer?, _ index: Int) -> OpaquePointer? {
    handle { () throws(Failure) in
        if Handle(desc).isNull { return nil }
        let description = try TensorDescriptionObject.find(desc)
        // Descriptions come one by one here, never as arrays.
        guard index == 0 else { throw .index(index, count: 1) }
        return description.handle
    }
}

/// Only descriptions that an executor makes for an exception have an address, and none are made on a CPU.
@c @implementation
public func aclGetTensorDescAddress(_ desc: OpaquePointer?) -> UnsafeMutableRawPointer? {
    unsafe value(otherwise: nil) { () throws(Failure) in
        if !Handle(desc).isNull { _ = try TensorDescriptionObject.find(desc) }
        return nil
    }
}

@c @implementation
public func aclSetTensorDynamicInput(_ desc: OpaquePointer?, _ dynamicInputName: UnsafePointer<CChar>?) -> aclError {
    status { () throws(Failure) in
        let description = try TensorDescriptionObject.find(desc)
        guard let name = text(dynamicInputName) else { throw .null("dynamicInputName") }
        description.change { $0.dynamicInputName = name }
    }
}

@c @implementation
public func aclSetTensorConst(
    _ desc: OpaquePointer?, _ dataBuffer: UnsafeMutableRawPointer?, _ length: Int
) -> aclError {
    status { () throws(Failure) in
        let description = try TensorDescriptionObject.find(desc)
        guard let data = unsafe dataBuffer else { throw .null("dataBuffer") }
        guard length > 0 else {
            throw .argument("length", value: "\(UInt(bitPattern: length))", reason: "no such length")
        }
        let start = address(of: data)
        guard let range = AddressRange(start: start, byteCount: length) else {
            throw .argument("length", value: "\(length)", reason: "so many bytes leave the address space")
        }
        func refusal(_ problem: String) -> Failure {
            .argument("dataBuffer", value: hexadecimal(start), reason: "this is \(problem)")
        }
        if let problem = AddressProbe.problemReading(range) { throw refusal(problem) }
        let bytes = try MemoryGuard.use(range, writing: false, refusal) {
            unsafe [UInt8](UnsafeRawBufferPointer(start: data, count: length))
        }
        description.change { $0.constant = bytes }
    }
}

@c @implementation
public func aclSetTensorPlaceMent(_ desc: OpaquePointer?, _ memType: aclMemType) -> aclError {
    status { () throws(Failure) in
        try TensorDescriptionObject.find(desc).change { $0.memoryType = Int32(bitPattern: memType.rawValue) }
    }
}

/// `aclSetTensorShapeRange`, whose array of pairs C hands over as numbers.
@c @implementation
public func pyaclmdlSetTensorShapeRange(
    _ desc: OpaquePointer?, _ count: Int, _ endpoints: UnsafePointer<Int64>?
) -> aclError {
    status(function: "aclSetTensorShapeRange") { () throws(Failure) in
        let description = try TensorDescriptionObject.find(desc)
        let ranges = try unsafe pairs(endpoints, count, argument: "dimsRange")
        description.change { $0.shapeRange = ranges }
    }
}

/// `aclSetTensorValueRange`, whose array of pairs C hands over as numbers.
@c @implementation
public func pyaclmdlSetTensorValueRange(
    _ desc: OpaquePointer?, _ count: Int, _ endpoints: UnsafePointer<Int64>?
) -> aclError {
    status(function: "aclSetTensorValueRange") { () throws(Failure) in
        let description = try TensorDescriptionObject.find(desc)
        let ranges = try unsafe pairs(endpoints, count, argument: "valueRange")
        description.change { $0.valueRange = ranges }
    }
}

extension TensorDescriptionObject {
    @safe static func find(
        _ pointer: OpaquePointer?, _ argument: String = "desc"
    ) throws(Failure) -> TensorDescriptionObject {
        let handle = Handle(pointer)
        guard let object = table.find(handle) else { throw .handle(handle, argument, in: table) }
        return object
    }

    fileprivate func dimension(_ index: Int) throws(Failure) -> Int64 {
        let shape = value.originShape
        guard shape.indices.contains(index) else { throw .index(index, count: shape.count) }
        return shape[index]
    }
}

/// More dimensions than any description has; keeps a wrong count from reading far beyond the caller's array.
private let mostDimensions = 1 << 16

private func shape(_ count: Int32, _ dims: UnsafePointer<Int64>?) throws(Failure) -> [Int64] {
    guard count >= 0, Int(count) <= mostDimensions else {
        throw .argument("numDims", value: "\(count)", reason: "it must be from 0 to \(mostDimensions)")
    }
    guard count > 0 else { return [] }
    guard let dims = unsafe dims else { throw .null("dims") }
    // Safe: the caller vouches for `count` numbers.
    return unsafe Array(UnsafeBufferPointer(start: dims, count: Int(count)))
}

/// The shape setters want an array even for no dimensions, and take a negative count for none.
private func newShape(
    _ desc: OpaquePointer?, _ count: Int32, _ dims: UnsafePointer<Int64>?
) throws(Failure) -> [Int64] {
    _ = try TensorDescriptionObject.find(desc)
    guard unsafe dims != nil else { throw .null("dims") }
    return try unsafe shape(max(0, count), dims)
}

private func pairs(
    _ numbers: UnsafePointer<Int64>?, _ count: Int, argument: String
) throws(Failure) -> [TensorDescription.ClosedPair] {
    guard count >= 0, count <= mostDimensions else {
        throw .argument("count", value: "\(UInt(bitPattern: count))", reason: "it must be at most \(mostDimensions)")
    }
    guard count > 0 else { return [] }
    guard let numbers = unsafe numbers else { throw .null(argument) }
    // Safe: the caller vouches for `count` pairs.
    return (0..<count).map {
        unsafe TensorDescription.ClosedPair(low: numbers[2 * $0], high: numbers[2 * $0 + 1])
    }
}

/// Format setters succeed on null, as in the original.
@safe private func setUnlessNull(
    _ pointer: OpaquePointer?, function: StaticString = #function, _ body: (inout TensorDescription) -> Void
) -> aclError {
    if Handle(pointer).isNull { return ErrorCode.success }
    return status(function: function) { () throws(Failure) in try TensorDescriptionObject.find(pointer).change(body) }
}
