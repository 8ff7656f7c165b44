// SPDX-License-Identifier: Apache-2.0

public import CAscendCL
import Glibc

@c @implementation
public func aclCreateTensor(
    _ viewDims: UnsafePointer<Int64>?, _ viewDimsNum: UInt64, _ dataType: aclDataType, _ stride: UnsafePointer<Int64>?,
    _ offset: Int64, _ format: aclFormat, _ storageDims: UnsafePointer<Int64>?, _ storageDimsNum: UInt64,
    _ tensorData: UnsafeMutableRawPointer?
) -> OpaquePointer? {
    handle { () throws(Failure) in
        OperatorObjects.tensors.insert(
            try unsafe tensor(
                viewDims, viewDimsNum, dataType, stride, offset, format, storageDims, storageDimsNum, tensorData))
    }
}

@c @implementation
public func aclInitTensor(
    _ tensor: OpaquePointer?, _ viewDims: UnsafePointer<Int64>?, _ viewDimsNum: UInt64, _ dataType: aclDataType,
    _ stride: UnsafePointer<Int64>?, _ offset: Int64, _ format: aclFormat, _ storageDims: UnsafePointer<Int64>?,
    _ storageDimsNum: UInt64, _ tensorDataAddr: UnsafeMutableRawPointer?
) -> aclnnStatus {
    OperatorObjects.tensors.change(tensor, "tensor") { (changed) throws(Failure) in
        changed = try unsafe CoreLoader.tensor(
            viewDims, viewDimsNum, dataType, stride, offset, format, storageDims, storageDimsNum, tensorDataAddr)
    }
}

private func tensor(
    _ viewDims: UnsafePointer<Int64>?, _ viewDimsNum: UInt64, _ dataType: aclDataType, _ stride: UnsafePointer<Int64>?,
    _ offset: Int64, _ format: aclFormat, _ storageDims: UnsafePointer<Int64>?, _ storageDimsNum: UInt64,
    _ data: UnsafeMutableRawPointer?
) throws(Failure) -> OperatorTensor {
    let limit = OperatorTensor.mostDimensions
    let viewShape = try copied(viewDims, viewDimsNum, "viewDims", limit: limit)
    let hasStrides = unsafe stride != nil
    return try OperatorTensor(
        viewShape: viewShape, strides: hasStrides ? try copied(stride, viewDimsNum, "stride", limit: limit) : nil,
        offset: offset, dataType: dataType.rawValue, format: format.rawValue,
        storageShape: try copied(storageDims, storageDimsNum, "storageDims", limit: limit), data: address(of: data))
}

@c @implementation
public func aclDestroyTensor(_ tensor: OpaquePointer?) -> aclnnStatus {
    if Handle(tensor).isNull { return ErrorCode.success }
    return OperatorObjects.tensors.destroy(tensor, "tensor")
}

@c @implementation
public func aclGetViewShape(
    _ tensor: OpaquePointer?, _ viewDims: UnsafeMutablePointer<UnsafeMutablePointer<Int64>?>?,
    _ viewDimsNum: UnsafeMutablePointer<UInt64>?
) -> aclnnStatus {
    deliver(\.viewShape, of: tensor, viewDims, "viewDims", viewDimsNum, "viewDimsNum")
}

@c @implementation
public func aclGetStorageShape(
    _ tensor: OpaquePointer?, _ storageDims: UnsafeMutablePointer<UnsafeMutablePointer<Int64>?>?,
    _ storageDimsNum: UnsafeMutablePointer<UInt64>?
) -> aclnnStatus {
    deliver(\.storageShape, of: tensor, storageDims, "storageDims", storageDimsNum, "storageDimsNum")
}

@c @implementation
public func aclGetViewStrides(
    _ tensor: OpaquePointer?, _ stridesValue: UnsafeMutablePointer<UnsafeMutablePointer<Int64>?>?,
    _ stridesNum: UnsafeMutablePointer<UInt64>?
) -> aclnnStatus {
    deliver(\.strides, of: tensor, stridesValue, "stridesValue", stridesNum, "stridesNum")
}

/// Hands a copy of numbers to the caller, in memory from `malloc`, which `delete[]` releases as well as `free`.
@safe private func deliver(
    _ path: KeyPath<OperatorTensor, [Int64]>, of tensor: OpaquePointer?,
    _ numbers: UnsafeMutablePointer<UnsafeMutablePointer<Int64>?>?, _ numbersArgument: String,
    _ count: UnsafeMutablePointer<UInt64>?, _ countArgument: String, function: StaticString = #function
) -> aclnnStatus {
    status(function: function) { () throws(Failure) in
        let found = try OperatorObjects.tensors.value(tensor, "tensor")[keyPath: path]
        guard let numbers = unsafe numbers else { throw .operatorNull(numbersArgument) }
        guard let count = Output(count) else { throw .operatorNull(countArgument) }
        guard let copy = unsafe malloc(max(found.count, 1) * MemoryLayout<Int64>.stride) else {
            throw Failure(ErrorCode.operatorNoMemory, .resources("No memory for \(found.count) numbers"))
        }
        let elements = unsafe copy.bindMemory(to: Int64.self, capacity: max(found.count, 1))
        for (index, number) in found.enumerated() { unsafe elements[index] = number }
        unsafe numbers.pointee = elements
        count.write(UInt64(found.count))
    }
}

@c @implementation
public func aclGetViewOffset(_ tensor: OpaquePointer?, _ offset: UnsafeMutablePointer<Int64>?) -> aclnnStatus {
    write(to: offset, "offset", of: tensor) { $0.offset }
}

@c @implementation
public func aclGetFormat(_ tensor: OpaquePointer?, _ format: UnsafeMutablePointer<aclFormat>?) -> aclnnStatus {
    write(to: format, "format", of: tensor) { aclFormat(rawValue: $0.format) }
}

@c @implementation
public func aclGetDataType(_ tensor: OpaquePointer?, _ dataType: UnsafeMutablePointer<aclDataType>?) -> aclnnStatus {
    write(to: dataType, "dataType", of: tensor) { aclDataType(rawValue: $0.dataType) }
}

@c @implementation
public func aclGetRawTensorAddr(
    _ tensor: OpaquePointer?, _ addr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> aclnnStatus {
    write(to: addr, "addr", of: tensor) { pointer(to: $0.data) }
}

@safe private func write<Part>(
    to result: UnsafeMutablePointer<Part>?, _ argument: String, of tensor: OpaquePointer?,
    function: StaticString = #function, _ part: (OperatorTensor) -> Part
) -> aclnnStatus {
    status(function: function) { () throws(Failure) in
        let found = try OperatorObjects.tensors.value(tensor, "tensor")
        guard let result = Output(result) else { throw .operatorNull(argument) }
        result.write(part(found))
    }
}

@c @implementation
public func aclSetRawTensorAddr(_ tensor: OpaquePointer?, _ addr: UnsafeMutableRawPointer?) -> aclnnStatus {
    let data = address(of: addr)
    return OperatorObjects.tensors.change(tensor, "tensor") { (changed) throws(Failure) in
        try Failure.checkOperatorData(data, "addr")
        changed.data = data
    }
}
