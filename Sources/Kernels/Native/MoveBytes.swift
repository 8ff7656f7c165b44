// SPDX-License-Identifier: Apache-2.0

/// Copies `count` bytes; the sizes of single elements without a call.
///
/// Safety: both addresses cover `count` bytes and do not overlap; they may have any alignment.
@inline(__always)
func moveBytes(from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int) {
    switch count {
    case 1: unsafe target.storeBytes(of: source.loadUnaligned(as: UInt8.self), as: UInt8.self)
    case 2: unsafe target.storeBytes(of: source.loadUnaligned(as: UInt16.self), as: UInt16.self)
    case 4: unsafe target.storeBytes(of: source.loadUnaligned(as: UInt32.self), as: UInt32.self)
    case 8: unsafe target.storeBytes(of: source.loadUnaligned(as: UInt64.self), as: UInt64.self)
    default: unsafe target.copyMemory(from: source, byteCount: count)
    }
}

/// Sets `count` bytes to zero.
///
/// Safety: the address covers `count` bytes.
@inline(__always)
func clearBytes(at target: UnsafeMutableRawPointer, count: Int) {
    _ = unsafe target.initializeMemory(as: UInt8.self, repeating: 0, count: count)
}

/// The integer types that indices may have.
public enum IndexType: Sendable {
    case uint8, int32, int64
}

/// An index of a tensor along a dimension of `size`; negative ones count from the end. Nil when it lies outside.
@inline(__always)
func position<Index: FixedWidthInteger & BitwiseCopyable>(
    _ indices: UnsafeRawPointer, _ element: Int, _ type: Index.Type, size: Int
) -> Int? {
    let index = unsafe Int(
        truncatingIfNeeded: indices.loadUnaligned(fromByteOffset: element &* MemoryLayout<Index>.size, as: type))
    let position = index < 0 ? index &+ size : index
    return UInt(bitPattern: position) < UInt(bitPattern: size) ? position : nil
}

/// What to say of an index for which `position` is nil.
func indexFailure<Index: FixedWidthInteger & BitwiseCopyable>(
    _ indices: UnsafeRawPointer, input: Int, _ element: Int, _ type: Index.Type, size: Int
) -> IndexFailure {
    let value = unsafe indices.loadUnaligned(fromByteOffset: element &* MemoryLayout<Index>.size, as: type)
    return IndexFailure(
        input: input, element: element, value: Int(truncatingIfNeeded: value), lowest: -size, highest: size - 1)
}

/// The first of `count` lengths that is negative or longer than `longest`; nil if there is none.
func lengthFailure<Length: FixedWidthInteger & BitwiseCopyable>(
    _ lengths: UnsafeRawPointer, input: Int, _ type: Length.Type, count: Int, longest: Int
) -> IndexFailure? {
    for element in 0..<count {
        let value = unsafe lengths.loadUnaligned(fromByteOffset: element &* MemoryLayout<Length>.size, as: type)
        guard value < 0 || value > longest else { continue }
        return IndexFailure(
            input: input, element: element, value: Int(truncatingIfNeeded: value), lowest: 0, highest: longest)
    }
    return nil
}
