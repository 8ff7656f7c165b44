// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclCreateIntArray(_ value: UnsafePointer<Int64>?, _ size: UInt64) -> OpaquePointer? {
    handle { () throws(Failure) in
        OperatorObjects.integers.insert(try copied(value, size, "value"))
    }
}

@c @implementation
public func aclCreateFloatArray(_ value: UnsafePointer<Float>?, _ size: UInt64) -> OpaquePointer? {
    handle { () throws(Failure) in
        OperatorObjects.floats.insert(try copied(value, size, "value"))
    }
}

@c @implementation
public func aclCreateBoolArray(_ value: UnsafePointer<Bool>?, _ size: UInt64) -> OpaquePointer? {
    handle { () throws(Failure) in
        // Read as bytes: a caller in C may have stored other numbers than 0 and 1.
        let bytes = unsafe UnsafeRawPointer(value)?.assumingMemoryBound(to: UInt8.self)
        let values = try copied(bytes, size, "value").map { $0 != 0 }
        return OperatorObjects.booleans.insert(values)
    }
}

@c @implementation
public func aclCreateTensorList(_ value: UnsafePointer<OpaquePointer?>?, _ size: UInt64) -> OpaquePointer? {
    handle { () throws(Failure) in
        let tensors = try unsafe members(value, size, in: OperatorObjects.tensors)
        return OperatorObjects.tensorLists.insert(tensors)
    }
}

@c @implementation
public func aclCreateScalarList(_ value: UnsafePointer<OpaquePointer?>?, _ size: UInt64) -> OpaquePointer? {
    handle { () throws(Failure) in
        let scalars = try unsafe members(value, size, in: OperatorObjects.scalars)
        return OperatorObjects.scalarLists.insert(scalars)
    }
}

/// The members of a new list; null stands for one that is left out.
private func members<Value>(
    _ value: UnsafePointer<OpaquePointer?>?, _ size: UInt64, in table: ValueTable<Value>
) throws(Failure) -> [Handle] {
    // Read as numbers, which is all that they are here.
    let numbers = unsafe UnsafeRawPointer(value)?.assumingMemoryBound(to: UInt.self)
    let members = try copied(numbers, size, "value").map { Handle(bits: $0) }
    for (index, member) in members.enumerated() where !member.isNull {
        _ = try table.value(member, "value[\(index)]")
    }
    return members
}

@c @implementation
public func aclDestroyIntArray(_ array: OpaquePointer?) -> aclnnStatus {
    if Handle(array).isNull { return ErrorCode.success }
    return OperatorObjects.integers.destroy(array, "array")
}

@c @implementation
public func aclDestroyFloatArray(_ array: OpaquePointer?) -> aclnnStatus {
    if Handle(array).isNull { return ErrorCode.success }
    return OperatorObjects.floats.destroy(array, "array")
}

@c @implementation
public func aclDestroyBoolArray(_ array: OpaquePointer?) -> aclnnStatus {
    if Handle(array).isNull { return ErrorCode.success }
    return OperatorObjects.booleans.destroy(array, "array")
}

@c @implementation
public func aclDestroyTensorList(_ array: OpaquePointer?) -> aclnnStatus {
    destroyList(array, OperatorObjects.tensorLists, of: OperatorObjects.tensors)
}

@c @implementation
public func aclDestroyScalarList(_ array: OpaquePointer?) -> aclnnStatus {
    destroyList(array, OperatorObjects.scalarLists, of: OperatorObjects.scalars)
}

/// Destroys a list with its members; those that the caller has destroyed before are gone already.
@safe private func destroyList<Value>(
    _ array: OpaquePointer?, _ lists: ValueTable<[Handle]>, of table: ValueTable<Value>,
    function: StaticString = #function
) -> aclnnStatus {
    let handle = Handle(array)
    if handle.isNull { return ErrorCode.success }
    return status(function: function) { () throws(Failure) in
        for member in try lists.remove(handle, "array") { table.discard(member) }
    }
}

@c @implementation
public func aclGetIntArraySize(_ array: OpaquePointer?, _ size: UnsafeMutablePointer<UInt64>?) -> aclnnStatus {
    writeSize(of: array, "array", in: OperatorObjects.integers, to: size)
}

@c @implementation
public func aclGetFloatArraySize(_ array: OpaquePointer?, _ size: UnsafeMutablePointer<UInt64>?) -> aclnnStatus {
    writeSize(of: array, "array", in: OperatorObjects.floats, to: size)
}

@c @implementation
public func aclGetBoolArraySize(_ array: OpaquePointer?, _ size: UnsafeMutablePointer<UInt64>?) -> aclnnStatus {
    writeSize(of: array, "array", in: OperatorObjects.booleans, to: size)
}

@c @implementation
public func aclGetTensorListSize(_ tensorList: OpaquePointer?, _ size: UnsafeMutablePointer<UInt64>?) -> aclnnStatus {
    writeSize(of: tensorList, "tensorList", in: OperatorObjects.tensorLists, to: size)
}

@c @implementation
public func aclGetScalarListSize(_ scalarList: OpaquePointer?, _ size: UnsafeMutablePointer<UInt64>?) -> aclnnStatus {
    writeSize(of: scalarList, "scalarList", in: OperatorObjects.scalarLists, to: size)
}

@safe private func writeSize<Element>(
    of array: OpaquePointer?, _ argument: String, in table: ValueTable<[Element]>,
    to size: UnsafeMutablePointer<UInt64>?, function: StaticString = #function
) -> aclnnStatus {
    status(function: function) { () throws(Failure) in
        let count = try table.value(array, argument).count
        guard let result = Output(size) else { throw .operatorNull("size") }
        result.write(UInt64(count))
    }
}
