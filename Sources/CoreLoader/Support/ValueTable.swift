// SPDX-License-Identifier: Apache-2.0

/// A value behind a handle: a description or a configuration that only holds what callers put in.
final class ValueObject<Value: Sendable>: Sendable {
    fileprivate let state: Protected<Value>

    fileprivate init(_ value: Value) { state = Protected(value) }
}

/// The live values of one kind, with the four things that entry points do to them.
///
/// Pointers are handles here: nothing is ever read through them. Every failure leaves a message that names the function
/// and its argument.
final class ValueTable<Value: Sendable>: LiveObjects {
    private let objects: HandleTable<ValueObject<Value>>

    private let nullCode: Int32
    private let invalidCode: Int32

    /// - `nullCode`, `invalidCode`: the answers to a null handle and to one that is not live.
    init(
        _ kind: HandleKind, nullCode: Int32 = ErrorCode.invalidParam, invalidCode: Int32 = ErrorCode.invalidParam
    ) {
        objects = HandleTable(kind)
        self.nullCode = nullCode
        self.invalidCode = invalidCode
    }

    var kind: HandleKind { objects.kind }
    var handles: [Handle] { objects.handles }

    /// Nil, with a message, when there are too many.
    func insert(_ value: Value, function: StaticString = #function) -> Handle? {
        objects.create(ValueObject(value), function: function)
    }

    @safe func create(_ value: Value, function: StaticString = #function) -> OpaquePointer? {
        opaquePointer(insert(value, function: function))
    }

    /// Ends the handle; throws for one that is not live.
    func remove(_ handle: Handle, _ argument: String) throws(Failure) -> Value {
        guard let object = objects.remove(handle) else { throw failure(handle, argument) }
        return object.state.withLock { $0 }
    }

    @safe func destroy(_ pointer: OpaquePointer?, _ argument: String, function: StaticString = #function) -> Int32 {
        status(function: function) { () throws(Failure) in _ = try remove(Handle(pointer), argument) }
    }

    @safe func value(_ pointer: OpaquePointer?, _ argument: String) throws(Failure) -> Value {
        try value(Handle(pointer), argument)
    }

    func value(_ handle: Handle, _ argument: String) throws(Failure) -> Value {
        guard let object = objects.find(handle) else { throw failure(handle, argument) }
        return object.state.withLock { $0 }
    }

    @safe func change(
        _ pointer: OpaquePointer?, _ argument: String, function: StaticString = #function,
        _ body: (inout Value) throws(Failure) -> Void
    ) -> Int32 {
        status(function: function) { () throws(Failure) in
            let handle = Handle(pointer)
            guard let object = objects.find(handle) else { throw failure(handle, argument) }
            try object.state.withLock(body)
        }
    }

    /// What `path` leads to; `otherwise` for a handle that is not live.
    @safe func read<Part>(
        _ path: KeyPath<Value, Part>, of pointer: OpaquePointer?, _ argument: String, otherwise: Part,
        function: StaticString = #function
    ) -> Part {
        do throws(Failure) {
            return try value(pointer, argument)[keyPath: path]
        } catch {
            _ = report(error, function: function)
            return otherwise
        }
    }

    var values: [Value] { objects.objects.map { $0.state.withLock { $0 } } }

    /// Ends the handle if it is live.
    func discard(_ handle: Handle) { _ = objects.remove(handle) }

    private func failure(_ handle: Handle, _ argument: String) -> Failure {
        if handle.isNull { return Failure(nullCode, .nullPointer(argument: argument)) }
        return Failure(
            invalidCode,
            .unexpected(
                argument: argument, value: hexadecimal(handle.bits),
                expected: "a live \(objects.kind.name); this is \(objects.describe(handle))"))
    }
}
