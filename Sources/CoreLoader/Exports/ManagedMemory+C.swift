// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclrtMemAllocManaged(
    _ ptr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ size: UInt64, _ flag: UInt32
) -> aclError {
    guard let result = PointerOutput(ptr) else { return failNull("ptr") }
    guard flag == ACL_RT_MEM_ATTACH_GLOBAL else {
        return fail(
            ErrorCode.invalidParam,
            .unexpected(argument: "flag", value: "\(flag)", expected: "ACL_RT_MEM_ATTACH_GLOBAL (1)"))
    }
    return status { () throws(Failure) in
        let block = try DeviceAllocation.allocate(UInt(size), kind: .managed, rounding: .plain)
        ManagedMemory.shared.forget(block)
        result.write(address: block)
    }
}

@c @implementation
public func aclrtMemManagedAdvise(
    _ ptr: UnsafeRawPointer?, _ size: UInt64, _ advise: aclrtMemManagedAdviseType, _ location: aclrtMemManagedLocation
) -> aclError {
    let target = address(of: ptr)
    guard target != 0 else { return failNull("ptr") }
    return status { () throws(Failure) in
        try checkSize(size)
        let block = try ManagedMemory.shared.block(at: target, bytes: UInt(size))
        let place = ManagedMemory.Location(type: location.type.rawValue, id: location.id)
        switch advise {
        case ACL_MEM_ADVISE_SET_READ_MOSTLY: ManagedMemory.shared.update(block) { $0.isReadMostly = true }
        case ACL_MEM_ADVISE_UNSET_READ_MOSTLY: ManagedMemory.shared.update(block) { $0.isReadMostly = false }
        case ACL_MEM_ADVISE_SET_PREFERRED_LOCATION: ManagedMemory.shared.update(block) { $0.preferred = place }
        case ACL_MEM_ADVISE_UNSET_PREFERRED_LOCATION: ManagedMemory.shared.update(block) { $0.preferred = .none }
        case ACL_MEM_ADVISE_SET_ACCESSED_BY:
            ManagedMemory.shared.update(block) { if !$0.accessedBy.contains(place) { $0.accessedBy.append(place) } }
        case ACL_MEM_ADVISE_UNSET_ACCESSED_BY:
            ManagedMemory.shared.update(block) { $0.accessedBy.removeAll { $0 == place } }
        default:
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(argument: "advise", value: "\(advise.rawValue)", expected: "0 to 5", layer: .runtime))
        }
    }
}

private func checkSize(_ size: UInt64, _ argument: String = "size") throws(Failure) {
    guard size > 0 else {
        throw Failure(
            ErrorCode.invalidParam, .invalid(argument: argument, value: "0", reason: "it must be greater than 0"))
    }
}

@c @implementation
public func aclrtMemManagedGetAttr(
    _ attribute: aclrtMemManagedRangeAttribute, _ ptr: UnsafeRawPointer?, _ size: Int,
    _ data: UnsafeMutableRawPointer?, _ dataSize: Int
) -> aclError {
    let (target, place) = (address(of: ptr), address(of: data))
    guard target != 0 else { return failNull("ptr") }
    guard place != 0 else { return failNull("data") }
    return status { () throws(Failure) in
        try checkSize(UInt64(CoreLoader.size(size)))
        let block = try ManagedMemory.shared.block(at: target, bytes: CoreLoader.size(size))
        try answer(attribute.rawValue, about: block, to: place, dataSize)
    }
}

@c @implementation
public func aclrtMemManagedGetAttrs(
    _ attributes: UnsafeMutablePointer<aclrtMemManagedRangeAttribute>?, _ numAttributes: Int,
    _ ptr: UnsafeRawPointer?, _ size: Int, _ data: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    _ dataSizes: UnsafeMutablePointer<Int>?
) -> aclError {
    let target = address(of: ptr)
    guard target != 0 else { return failNull("ptr") }
    guard let list = unsafe attributes else { return failNull("attributes") }
    guard let answers = unsafe data else { return failNull("data") }
    guard let sizes = unsafe dataSizes else { return failNull("dataSizes") }
    return status { () throws(Failure) in
        try checkSize(UInt64(CoreLoader.size(size)))
        let block = try ManagedMemory.shared.block(at: target, bytes: CoreLoader.size(size))
        guard numAttributes > 0 else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "numAttributes", value: "\(CoreLoader.size(numAttributes))", expected: "more than 0",
                    layer: .runtime))
        }
        for index in 0..<numAttributes {
            // The caller vouches for the lengths of its arrays.
            let (attribute, place, bytes) = unsafe (list[index].rawValue, address(of: answers[index]), sizes[index])
            guard place != 0 else {
                throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "data[\(index)]"))
            }
            try answer(attribute, about: block, to: place, bytes)
        }
    }
}

/// Writes the answer to a query into `bytes` bytes of the caller.
private func answer(_ attribute: UInt32, about block: UInt, to place: UInt, _ bytes: Int) throws(Failure) {
    let capacity = bytes / 4
    guard bytes > 0, bytes % 4 == 0,
        let words = ManagedMemory.words(
            ManagedMemory.shared.advice(for: block), attribute: attribute, capacity: min(capacity, 1 << 16)),
        words.count <= capacity
    else {
        throw Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(
                argument: "attribute, dataSize", value: "\(attribute), \(size(bytes))",
                expected: "an attribute from 1 to 8 and room for 32-bit numbers", layer: .runtime))
    }
    try Copy.verify(place, bytes: words.count * 4, argument: "data")
    for (index, word) in words.enumerated() {
        // Inside the bytes of the caller.
        unsafe pointer(to: place)?.storeBytes(of: word, toByteOffset: index * 4, as: Int32.self)
    }
}

@c @implementation
public func aclrtMemManagedPrefetchAsync(
    _ ptr: UnsafeRawPointer?, _ size: Int, _ location: aclrtMemManagedLocation, _ flags: UInt32,
    _ stream: aclrtStream?
) -> aclError {
    let (target, handle) = (address(of: ptr), Handle(stream))
    guard target != 0 else { return failNull("ptr") }
    return status { () throws(Failure) in
        try checkSize(UInt64(CoreLoader.size(size)))
        try checkFlags(UInt64(flags))
        try prefetch(target, CoreLoader.size(size), location, on: Stream.findOwn(handle))
    }
}

private func checkFlags(_ flags: UInt64) throws(Failure) {
    guard flags == 0 else {
        throw Failure(ErrorCode.invalidParam, .unexpected(argument: "flags", value: "\(flags)", expected: "0"))
    }
}

/// Notes, in the order of the stream, where the memory was wanted.
private func prefetch(
    _ target: UInt, _ bytes: UInt, _ location: aclrtMemManagedLocation, on stream: Stream
) throws(Failure) {
    let block = try ManagedMemory.shared.block(at: target, bytes: bytes)
    let place = ManagedMemory.Location(type: location.type.rawValue, id: location.id)
    try stream.enqueue {
        ManagedMemory.shared.update(block) { $0.lastPrefetch = place }
        return ErrorCode.success
    }
}

@c @implementation
public func aclrtMemManagedPrefetchBatchAsync(
    _ ptrs: UnsafeMutablePointer<UnsafeRawPointer?>?, _ sizes: UnsafeMutablePointer<Int>?, _ count: Int,
    _ prefetchLocs: UnsafeMutablePointer<aclrtMemManagedLocation>?, _ prefetchLocIdxs: UnsafeMutablePointer<Int>?,
    _ numPrefetchLocs: Int, _ flags: UInt64, _ stream: aclrtStream?
) -> aclError {
    let handle = Handle(stream)
    guard let addresses = unsafe ptrs else { return failNull("ptrs") }
    guard let lengths = unsafe sizes else { return failNull("sizes") }
    guard let places = unsafe prefetchLocs else { return failNull("prefetchLocs") }
    guard let firsts = unsafe prefetchLocIdxs else { return failNull("prefetchLocIdxs") }
    return status { () throws(Failure) in
        try checkSize(UInt64(size(count)), "count")
        try checkSize(UInt64(size(numPrefetchLocs)), "numPrefetchLocs")
        try checkFlags(flags)
        guard count > 0, numPrefetchLocs > 0, count >= numPrefetchLocs else {
            throw Failure(
                ErrorCode.invalidParam,
                .unexpected(argument: "numPrefetchLocs", value: "\(size(numPrefetchLocs))", expected: "at most count"))
        }
        let found = try Stream.findOwn(handle)
        var location = 0
        for index in 0..<count {
            // The caller vouches for the lengths of its arrays; a location counts from its index on.
            while unsafe location + 1 < numPrefetchLocs && firsts[location + 1] <= index { location += 1 }
            let (target, bytes, place) = unsafe (address(of: addresses[index]), lengths[index], places[location])
            try prefetch(target, size(bytes), place, on: found)
        }
    }
}
