// SPDX-License-Identifier: Apache-2.0

/// A copy of `count` elements of a caller's array, who vouches for their number. Throws for a null pointer (161001) and
/// for more elements than `limit`, by default what an address space can hold (161002).
@safe func copied<Element>(
    _ pointer: UnsafePointer<Element>?, _ count: UInt64, _ argument: String, limit: UInt64? = nil
) throws(Failure) -> [Element] {
    let most = limit ?? 1 << 47 / UInt64(MemoryLayout<Element>.stride)
    guard count <= most else {
        throw .operatorArgument("the length of \(argument)", value: "\(count)", reason: "it must be at most \(most)")
    }
    guard count > 0 else { return [] }
    guard let pointer = unsafe pointer else { throw .operatorNull(argument) }
    return unsafe Array(UnsafeBufferPointer(start: pointer, count: Int(count)))
}
