// SPDX-License-Identifier: Apache-2.0

import SystemMemory

/// What a handle stands for; the number is part of the handle.
enum HandleKind: UInt8, CaseIterable, Sendable {
    case stream = 1
    case event, context, notify, dataBuffer, streamConfig, allocator, binary, memoryPool, physicalMemory
    case dataset, modelDescription, tensorDescription, aipp, loadConfig, executeConfig, bundleQuery
    case exceptionInfo, sharedBuffer
    case pictureDescription, pictureBatch, videoDescription, pictureArea, resizeSettings, encoderSettings
    case borderSettings, imageChannel
    case operatorTensor, operatorScalar, integerArray, floatArray, booleanArray, tensorList, scalarList
    case operatorAttributes

    var name: String {
        switch self {
        case .stream: "stream"
        case .event: "event"
        case .context: "context"
        case .notify: "notify"
        case .dataBuffer: "data buffer"
        case .streamConfig: "stream configuration"
        case .allocator: "allocator description"
        case .binary: "binary"
        case .memoryPool: "memory pool"
        case .physicalMemory: "physical memory handle"
        case .dataset: "dataset"
        case .modelDescription: "model description"
        case .tensorDescription: "tensor description"
        case .aipp: "AIPP parameter set"
        case .loadConfig: "load configuration"
        case .executeConfig: "execution configuration"
        case .bundleQuery: "bundle query"
        case .exceptionInfo: "exception information"
        case .sharedBuffer: "shared buffer"
        case .pictureDescription: "picture description"
        case .pictureBatch: "batch of picture descriptions"
        case .videoDescription: "stream description"
        case .pictureArea: "picture area"
        case .resizeSettings: "resize configuration"
        case .encoderSettings: "JPEG encoder configuration"
        case .borderSettings: "border configuration"
        case .imageChannel: "channel description"
        case .operatorTensor: "tensor"
        case .operatorScalar: "scalar"
        case .integerArray: "array of integers"
        case .floatArray: "array of floats"
        case .booleanArray: "array of booleans"
        case .tensorList: "list of tensors"
        case .scalarList: "list of scalars"
        case .operatorAttributes: "set of operator attributes"
        }
    }
}

/// What a caller holds instead of a pointer: kind, generation and index of a slot in a table.
///
/// The value lies outside every address space, is never 0 and never negative. Nothing is ever read through it.
struct Handle: Hashable, Sendable {
    let bits: UInt

    static let indexBits = 24
    static let generationBits = 28
    private static let indexShift: UInt = 4
    private static let generationShift: UInt = 28
    private static let kindShift: UInt = 56

    init(bits: UInt) { self.bits = bits }

    /// Takes what a caller passed, whatever it is.
    @safe init(_ pointer: UnsafeRawPointer?) { bits = UInt(bitPattern: pointer) }
    @safe init(_ pointer: UnsafeMutableRawPointer?) { bits = UInt(bitPattern: pointer) }
    @safe init(_ pointer: OpaquePointer?) { bits = UInt(bitPattern: pointer) }

    init(kind: HandleKind, generation: Int, index: Int) {
        bits =
            UInt(kind.rawValue) << Self.kindShift | UInt(generation) << Self.generationShift
            | UInt(index) << Self.indexShift
    }

    var isNull: Bool { bits == 0 }
    var kind: HandleKind? { HandleKind(rawValue: UInt8(truncatingIfNeeded: bits >> Self.kindShift)) }
    var generation: Int { Int(bits >> Self.generationShift) & (1 << Self.generationBits - 1) }
    var index: Int { Int(bits >> Self.indexShift) & (1 << Self.indexBits - 1) }

    /// The values for C; never dereferenced.
    @safe var pointer: UnsafeMutableRawPointer? { unsafe UnsafeMutableRawPointer(bitPattern: bits) }
    @safe var opaquePointer: OpaquePointer? { unsafe OpaquePointer(bitPattern: bits) }
}

/// A table without the type of its objects.
protocol LiveObjects: Sendable {
    var kind: HandleKind { get }
    /// The handles of the objects that are alive.
    var handles: [Handle] { get }
}

/// The live objects of one kind that callers know by handle.
///
/// A handle is only compared with what the table holds, so a stale, foreign or made-up one is recognised, never followed.
final class HandleTable<Object: AnyObject & Sendable>: LiveObjects {
    let kind: HandleKind
    private let state = Protected(State())

    private struct Slot {
        var generation = 0
        var object: Object?
    }

    private struct State {
        var slots: [Slot] = []
        /// Slots to use again, the longest unused first.
        var unused = FIFO<Int>()
        var count = 0

        /// The object that `handle` was issued for, if that is still so.
        func object(_ handle: Handle, _ kind: HandleKind) -> Object? {
            let index = handle.index
            guard index < slots.count, slots[index].generation == handle.generation,
                Handle(kind: kind, generation: handle.generation, index: index) == handle
            else { return nil }
            return slots[index].object
        }
    }

    init(_ kind: HandleKind) { self.kind = kind }

    /// Nil when the table is full (16 million live objects), or the system has no memory for the object.
    func insert(_ make: @autoclosure () -> Object) -> Handle? {
        guard !SystemMemory.isScarce else { return nil }
        let refusals = SystemMemory.refusalCount
        guard let handle = add(make()) else { return nil }
        guard SystemMemory.refusalCount == refusals else {
            _ = remove(handle)
            return nil
        }
        return handle
    }

    /// As `insert`; a message says why there is no handle.
    func create(_ make: @autoclosure () -> Object, function: StaticString = #function) -> Handle? {
        if let handle = insert(make()) { return handle }
        _ = fail(
            ErrorCode.badAlloc,
            .resources("There are too many objects of the kind \(kind.name), or no memory for another"),
            function: function)
        return nil
    }

    private func add(_ object: Object) -> Handle? {
        state.withLock { state in
            let index: Int
            if state.slots.count < 64 || state.unused.isEmpty {
                guard state.slots.count < 1 << Handle.indexBits, SystemMemory.hasRoom(toGrow: state.slots) else {
                    return nil
                }
                index = state.slots.count
                state.slots.append(Slot())
            } else if let reused = state.unused.removeFirst() {
                index = reused
            } else {
                return nil
            }
            state.slots[index].generation = (state.slots[index].generation + 1) & (1 << Handle.generationBits - 1)
            state.slots[index].object = object
            state.count += 1
            return Handle(kind: kind, generation: state.slots[index].generation, index: index)
        }
    }

    /// The live object of `handle`; nil for everything else.
    func find(_ handle: Handle) -> Object? {
        guard handle.kind == kind else { return nil }
        return state.withLock { $0.object(handle, kind) }
    }

    /// Takes the object out of the table; of several threads that try, one gets it.
    func remove(_ handle: Handle) -> Object? {
        guard handle.kind == kind else { return nil }
        return state.withLock { state in
            guard let object = state.object(handle, kind) else { return nil }
            state.slots[handle.index].object = nil
            state.unused.append(handle.index)
            state.count -= 1
            return object
        }
    }

    var count: Int { state.withLock { $0.count } }

    var handles: [Handle] {
        state.withLock { state in
            state.slots.indices.compactMap { index in
                let slot = state.slots[index]
                return slot.object.map { _ in Handle(kind: kind, generation: slot.generation, index: index) }
            }
        }
    }

    var objects: [Object] { state.withLock { $0.slots.compactMap(\.object) } }

    /// Why `handle` is not a live handle of this kind, for messages.
    func describe(_ handle: Handle) -> String {
        if handle.isNull { return "a null \(kind.name)" }
        guard let otherKind = handle.kind else { return "not a handle of this library" }
        guard otherKind == kind else { return "a handle of the kind \(otherKind.name), not \(kind.name)" }
        let wasIssued = state.withLock { state in
            handle.index < state.slots.count && handle.generation <= state.slots[handle.index].generation
        }
        return wasIssued ? "a \(kind.name) that has been destroyed" : "not a handle of this library"
    }
}
