// SPDX-License-Identifier: Apache-2.0

/// Where a caller wants a result. Made only from a pointer that is not null; the caller vouches for its target.
@safe
struct Output<Value> {
    private let pointer: UnsafeMutablePointer<Value>

    @safe init?(_ pointer: UnsafeMutablePointer<Value>?) {
        guard let pointer = unsafe pointer else { return nil }
        unsafe self.pointer = pointer
    }

    func write(_ value: Value) { unsafe pointer.pointee = value }
}

/// Where a caller wants a handle or an address.
@safe
struct PointerOutput {
    private let target: UnsafeMutablePointer<UnsafeMutableRawPointer?>

    @safe init?(_ pointer: UnsafeMutablePointer<UnsafeMutableRawPointer?>?) {
        guard let pointer = unsafe pointer else { return nil }
        unsafe target = pointer
    }

    func write(_ handle: Handle?) { unsafe target.pointee = handle?.pointer }
    func write(address: UInt) { unsafe target.pointee = UnsafeMutableRawPointer(bitPattern: address) }
}

/// A pointer of the caller as a number; 0 for null.
@safe func address(of pointer: UnsafeMutableRawPointer?) -> UInt { UInt(bitPattern: pointer) }
@safe func address(of pointer: UnsafeRawPointer?) -> UInt { UInt(bitPattern: pointer) }
@safe func address(of pointer: OpaquePointer?) -> UInt { UInt(bitPattern: pointer) }
@safe func address(of pointer: UnsafeMutablePointer<UnsafeMutableRawPointer?>?) -> UInt { UInt(bitPattern: pointer) }
@safe func address(ofText pointer: UnsafePointer<CChar>?) -> UInt { UInt(bitPattern: pointer) }
@safe func address<Value>(of pointer: UnsafeMutablePointer<Value>?) -> UInt { UInt(bitPattern: pointer) }
@safe func address<Value>(of pointer: UnsafePointer<Value>?) -> UInt { UInt(bitPattern: pointer) }

/// A number as a pointer for the caller.
@safe func pointer(to address: UInt) -> UnsafeMutableRawPointer? { unsafe UnsafeMutableRawPointer(bitPattern: address) }

/// The text of a caller; nil for a null pointer. The caller vouches for the terminating zero.
@safe func text(_ pointer: UnsafePointer<CChar>?) -> String? {
    guard let pointer = unsafe pointer else { return nil }
    return unsafe String(cString: pointer)
}

/// A size of the caller; sizes of the upper half of `size_t` arrive as negative numbers.
func size(_ size: Int) -> UInt { UInt(bitPattern: size) }

/// A handle for the caller; null when there is none.
@safe func rawPointer(_ handle: Handle?) -> UnsafeMutableRawPointer? { handle?.pointer }
@safe func opaquePointer(_ handle: Handle?) -> OpaquePointer? { handle?.opaquePointer }
