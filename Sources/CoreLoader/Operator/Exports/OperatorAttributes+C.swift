// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclopCreateAttr() -> OpaquePointer? {
    OperatorObjects.attributes.create([:])
}

@c @implementation
public func aclopDestroyAttr(_ attr: OpaquePointer?) {
    if !Handle(attr).isNull { _ = OperatorObjects.attributes.destroy(attr, "attr") }
}

@c @implementation
public func aclopSetAttrBool(
    _ attr: OpaquePointer?, _ attrName: UnsafePointer<CChar>?, _ attrValue: UInt8
) -> aclError {
    set(attr, attrName) { .bool(attrValue != 0) }
}

@c @implementation
public func aclopSetAttrInt(_ attr: OpaquePointer?, _ attrName: UnsafePointer<CChar>?, _ attrValue: Int64) -> aclError {
    set(attr, attrName) { .int(attrValue) }
}

@c @implementation
public func aclopSetAttrFloat(
    _ attr: OpaquePointer?, _ attrName: UnsafePointer<CChar>?, _ attrValue: Float
) -> aclError {
    set(attr, attrName) { .float(attrValue) }
}

@c @implementation
public func aclopSetAttrDataType(
    _ attr: OpaquePointer?, _ attrName: UnsafePointer<CChar>?, _ attrValue: aclDataType
) -> aclError {
    set(attr, attrName) { .dataType(attrValue.rawValue) }
}

@c @implementation
public func aclopSetAttrString(
    _ attr: OpaquePointer?, _ attrName: UnsafePointer<CChar>?, _ attrValue: UnsafePointer<CChar>?
) -> aclError {
    set(attr, attrName) { () throws(Failure) in
        guard let value = text(attrValue) else {
            throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "attrValue"))
        }
        return .string(value)
    }
}

@c @implementation
public func aclopSetAttrListBool(
    _ attr: OpaquePointer?, _ attrName: UnsafePointer<CChar>?, _ numValues: Int32, _ values: UnsafePointer<UInt8>?
) -> aclError {
    set(attr, attrName) { () throws(Failure) in .bools(try list(values, numValues).map { $0 != 0 }) }
}

@c @implementation
public func aclopSetAttrListInt(
    _ attr: OpaquePointer?, _ attrName: UnsafePointer<CChar>?, _ numValues: Int32, _ values: UnsafePointer<Int64>?
) -> aclError {
    set(attr, attrName) { () throws(Failure) in .ints(try list(values, numValues)) }
}

@c @implementation
public func aclopSetAttrListFloat(
    _ attr: OpaquePointer?, _ attrName: UnsafePointer<CChar>?, _ numValues: Int32, _ values: UnsafePointer<Float>?
) -> aclError {
    set(attr, attrName) { () throws(Failure) in .floats(try list(values, numValues)) }
}

@c @implementation
public func aclopSetAttrListDataType(
    _ attr: OpaquePointer?, _ attrName: UnsafePointer<CChar>?, _ numValues: Int32, _ values: UnsafePointer<aclDataType>?
) -> aclError {
    set(attr, attrName) { () throws(Failure) in .dataTypes(try list(values, numValues).map { $0.rawValue }) }
}

@c @implementation
public func aclopSetAttrListString(
    _ attr: OpaquePointer?, _ attrName: UnsafePointer<CChar>?, _ numValues: Int32,
    _ values: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> aclError {
    set(attr, attrName) { () throws(Failure) in
        var texts: [String] = []
        let addresses = unsafe UnsafeRawPointer(values)?.assumingMemoryBound(to: UInt.self)
        for address in try list(addresses, numValues) {
            let characters = unsafe UnsafePointer(pointer(to: address)?.assumingMemoryBound(to: CChar.self))
            guard let value = text(characters) else {
                throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "values[\(texts.count)]"))
            }
            texts.append(value)
        }
        return .strings(texts)
    }
}

@c @implementation
public func aclopSetAttrListListInt(
    _ attr: OpaquePointer?, _ attrName: UnsafePointer<CChar>?, _ numLists: Int32, _ numValues: UnsafePointer<Int32>?,
    _ values: UnsafePointer<UnsafePointer<Int64>?>?
) -> aclError {
    set(attr, attrName) { () throws(Failure) in
        let counts = try list(numValues, numLists, "numValues", of: "numLists")
        let addresses = unsafe UnsafeRawPointer(values)?.assumingMemoryBound(to: UInt.self)
        var lists: [[Int64]] = []
        for (index, address) in try list(addresses, numLists, of: "numLists").enumerated() {
            let row = unsafe UnsafePointer(pointer(to: address)?.assumingMemoryBound(to: Int64.self))
            lists.append(try list(row, counts[index], "values[\(index)]", of: "numValues[\(index)]"))
        }
        return .intLists(lists)
    }
}

/// Sets one attribute; the name must not be null, the set must be live.
@safe private func set(
    _ attr: OpaquePointer?, _ name: UnsafePointer<CChar>?, function: StaticString = #function,
    _ value: () throws(Failure) -> OperatorAttribute
) -> aclError {
    OperatorObjects.attributes.change(attr, "attr", function: function) { (attributes) throws(Failure) in
        guard let name = text(name) else {
            throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "attrName"))
        }
        attributes[name] = try value()
    }
}

/// A copy of the caller's list. Throws 100000 for a negative length, and for a null pointer unless the length is 0.
@safe private func list<Element>(
    _ values: UnsafePointer<Element>?, _ count: Int32, _ argument: String = "values",
    of countArgument: String = "numValues"
) throws(Failure) -> [Element] {
    guard count >= 0 else {
        throw Failure(
            ErrorCode.invalidParam,
            .invalid(argument: countArgument, value: "\(count)", reason: "it must not be negative"))
    }
    guard count > 0 else { return [] }
    guard let values = unsafe values else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: argument)) }
    // The caller vouches for the length.
    return unsafe Array(UnsafeBufferPointer(start: values, count: Int(count)))
}
