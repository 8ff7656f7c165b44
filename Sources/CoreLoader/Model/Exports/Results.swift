// SPDX-License-Identifier: Apache-2.0

/// The body of an entry point that returns a handle: null when it throws, with the message queued.
@safe func handle(function: StaticString = #function, _ body: () throws(Failure) -> Handle?) -> OpaquePointer? {
    opaquePointer(value(otherwise: nil, function: function, body))
}

/// The body of an entry point that returns a value: `otherwise` when it throws, with the message queued.
@inline(__always)
func value<Value>(
    otherwise: Value, function: StaticString = #function, _ body: () throws(Failure) -> Value
) -> Value {
    do throws(Failure) {
        return try body()
    } catch {
        _ = report(error, function: function)
        return otherwise
    }
}

extension Failure {
    static func index(_ index: Int, count: Int) -> Failure {
        .argument(
            "index", value: "\(UInt(bitPattern: index))",
            reason: count == 0 ? "there are none" : "it must be below \(count)")
    }
}

/// Where a caller wants a result; throws EH0002 for null.
@safe func output<Value>(_ pointer: UnsafeMutablePointer<Value>?, _ argument: String) throws(Failure) -> Output<Value> {
    guard let output = Output(pointer) else { throw .null(argument) }
    return output
}
