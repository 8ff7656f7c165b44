// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

/// One entry of a batch.
private struct CopyEntry: Sendable {
    let destination: UInt
    let destinationMaximum: UInt
    let source: UInt
    let bytes: UInt
}

/// The arguments that the four batch functions share. The caller vouches for the lengths of its arrays.
@safe
private struct CopyBatch {
    let destinations: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    let maximums: UnsafeMutablePointer<Int>?
    let sources: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    let sizes: UnsafeMutablePointer<Int>?
    let count: Int
    let attributes: UnsafeMutablePointer<aclrtMemcpyBatchAttr>?
    let attributeIndexes: UnsafeMutablePointer<Int>?
    let attributeCount: Int

    /// The entries after all checks; empty when every size is 0.
    func entries() throws(Failure) -> [CopyEntry] {
        guard let sizes = unsafe sizes else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "sizes")) }
        guard count > 0 else { throw bad("numBatches", "\(UInt(bitPattern: count))", "a positive number") }
        let bytes = unsafe UnsafeBufferPointer(start: sizes, count: count).map { UInt(bitPattern: $0) }
        guard bytes.contains(where: { $0 != 0 }) else { return [] }
        guard let destinations = unsafe destinations, let maximums = unsafe maximums, let sources = unsafe sources,
            let attributes = unsafe attributes, let indexes = unsafe attributeIndexes
        else {
            throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "dsts, destMaxs, srcs, attrs or attrsIndexes"))
        }
        guard attributeCount > 0, attributeCount <= count else {
            throw bad("numAttrs", "\(UInt(bitPattern: attributeCount))", "1 to numBatches (\(count))")
        }
        var entries: [CopyEntry] = []
        for index in 0..<count {
            let entry = unsafe CopyEntry(
                destination: address(of: destinations[index]), destinationMaximum: UInt(bitPattern: maximums[index]),
                source: address(of: sources[index]), bytes: bytes[index])
            guard entry.destination != 0, entry.source != 0 else {
                throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "dsts[\(index)] or srcs[\(index)]"))
            }
            guard entry.bytes <= entry.destinationMaximum else {
                throw bad(
                    "sizes[\(index)]", "\(entry.bytes)", "at most destMaxs[\(index)] (\(entry.destinationMaximum))")
            }
            entries.append(entry)
        }
        for index in 0..<attributeCount {
            let attribute = unsafe attributes[index]
            let isReservedUsed = unsafe withUnsafeBytes(of: attribute.rsv) { bytes in unsafe bytes.contains { $0 != 0 }
            }
            guard !isReservedUsed else { throw bad("attrs[\(index)].rsv", "not 0", "zeros") }
            let first = unsafe indexes[index]
            guard (0..<count).contains(first) else {
                throw bad("attrsIndexes[\(index)]", "\(UInt(bitPattern: first))", "below numBatches (\(count))")
            }
            let end = unsafe index + 1 < attributeCount ? indexes[index + 1] : count
            guard first < end, end <= count else { throw bad("attrsIndexes", "not ascending", "ascending positions") }
            for position in first..<end { try check(entries[position], position, attribute) }
        }
        return entries
    }

    private func check(_ entry: CopyEntry, _ position: Int, _ attribute: aclrtMemcpyBatchAttr) throws(Failure) {
        let source = CopyDirection.Side(entry.source)
        let destination = CopyDirection.Side(entry.destination)
        guard source.isHost != destination.isHost else {
            throw bad("entry \(position)", "both sides on the same side", "a copy between host and device")
        }
        let isFitting =
            (attribute.srcLoc.type == ACL_MEM_LOCATION_TYPE_DEVICE) == !source.isHost
            && (attribute.dstLoc.type == ACL_MEM_LOCATION_TYPE_DEVICE) == !destination.isHost
        guard isFitting else { throw bad("entry \(position)", "its location", "the location that its attribute names") }
    }

    private func bad(_ argument: String, _ value: String, _ expected: String) -> Failure {
        Failure(ErrorCode.invalidParam, .unexpected(argument: argument, value: value, expected: expected))
    }
}

/// Copies one after the other; tells `failed` the number of the first that fails.
private func copyAll(_ entries: [CopyEntry], failed: (Int) -> Void = { _ in }) throws(Failure) {
    for (index, entry) in entries.enumerated() where entry.bytes > 0 {
        do throws(Failure) {
            try Copy.copy(to: entry.destination, from: entry.source, bytes: Int(bitPattern: entry.bytes))
        } catch {
            failed(index)
            throw error
        }
    }
}

@c @implementation
public func aclrtMemcpyBatch(
    _ dsts: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ destMaxs: UnsafeMutablePointer<Int>?,
    _ srcs: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ sizes: UnsafeMutablePointer<Int>?, _ numBatches: Int,
    _ attrs: UnsafeMutablePointer<aclrtMemcpyBatchAttr>?, _ attrsIndexes: UnsafeMutablePointer<Int>?,
    _ numAttrs: Int, _ failIndex: UnsafeMutablePointer<Int>?
) -> aclError {
    guard let failed = Output(failIndex) else { return failNull("failIndex") }
    let batch = unsafe CopyBatch(
        destinations: dsts, maximums: destMaxs, sources: srcs, sizes: sizes, count: numBatches, attributes: attrs,
        attributeIndexes: attrsIndexes, attributeCount: numAttrs)
    // SIZE_MAX: no entry has failed.
    failed.write(-1)
    return status { () throws(Failure) in
        let entries = try batch.entries()
        guard !entries.isEmpty else { return }
        _ = try Context.current()
        try copyAll(entries) { failed.write($0) }
    }
}

@c @implementation
public func aclrtMemcpyBatchV2(
    _ dsts: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ destMaxs: UnsafeMutablePointer<Int>?,
    _ srcs: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ sizes: UnsafeMutablePointer<Int>?, _ numBatches: Int,
    _ attrs: UnsafeMutablePointer<aclrtMemcpyBatchAttr>?, _ attrsIndexes: UnsafeMutablePointer<Int>?, _ numAttrs: Int
) -> aclError {
    let batch = unsafe CopyBatch(
        destinations: dsts, maximums: destMaxs, sources: srcs, sizes: sizes, count: numBatches, attributes: attrs,
        attributeIndexes: attrsIndexes, attributeCount: numAttrs)
    return status { () throws(Failure) in
        let entries = try batch.entries()
        guard !entries.isEmpty else { return }
        _ = try Context.current()
        try copyAll(entries)
    }
}

@c @implementation
public func aclrtMemcpyBatchAsync(
    _ dsts: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ destMaxs: UnsafeMutablePointer<Int>?,
    _ srcs: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ sizes: UnsafeMutablePointer<Int>?, _ numBatches: Int,
    _ attrs: UnsafeMutablePointer<aclrtMemcpyBatchAttr>?, _ attrsIndexes: UnsafeMutablePointer<Int>?,
    _ numAttrs: Int, _ failIndex: UnsafeMutablePointer<Int>?, _ stream: aclrtStream?
) -> aclError {
    guard let failed = Output(failIndex) else { return failNull("failIndex") }
    let handle = Handle(stream)
    let batch = unsafe CopyBatch(
        destinations: dsts, maximums: destMaxs, sources: srcs, sizes: sizes, count: numBatches, attributes: attrs,
        attributeIndexes: attrsIndexes, attributeCount: numAttrs)
    failed.write(-1)
    return status { () throws(Failure) in try enqueue(batch, handle) }
}

@c @implementation
public func aclrtMemcpyBatchAsyncV2(
    _ dsts: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ destMaxs: UnsafeMutablePointer<Int>?,
    _ srcs: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ sizes: UnsafeMutablePointer<Int>?, _ numBatches: Int,
    _ attrs: UnsafeMutablePointer<aclrtMemcpyBatchAttr>?, _ attrsIndexes: UnsafeMutablePointer<Int>?,
    _ numAttrs: Int, _ stream: aclrtStream?
) -> aclError {
    let handle = Handle(stream)
    let batch = unsafe CopyBatch(
        destinations: dsts, maximums: destMaxs, sources: srcs, sizes: sizes, count: numBatches, attributes: attrs,
        attributeIndexes: attrsIndexes, attributeCount: numAttrs)
    return status { () throws(Failure) in try enqueue(batch, handle) }
}

/// As with single copies, memory that may be paged out is copied before the call returns.
private func enqueue(_ batch: CopyBatch, _ handle: Handle) throws(Failure) {
    let entries = try batch.entries()
    guard !entries.isEmpty else { return }
    let found = try Stream.findOwn(handle)
    for entry in entries where entry.bytes > 0 {
        try Copy.verify(entry.destination, bytes: Int(bitPattern: entry.bytes), argument: "dsts", isWritten: true)
        try Copy.verify(entry.source, bytes: Int(bitPattern: entry.bytes), argument: "srcs")
    }
    let isPageable = entries.contains {
        CopyDirection.Side($0.source) == .pageable || CopyDirection.Side($0.destination) == .pageable
    }
    if isPageable {
        try found.synchronize(until: .never)
        try copyAll(entries)
    } else {
        try found.enqueue(streamTask { () throws(Failure) in try copyAll(entries) })
    }
}
