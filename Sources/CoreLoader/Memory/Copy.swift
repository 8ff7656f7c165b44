// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Copying and filling memory at addresses that a caller gave.
///
/// Everything is checked before a byte is touched: freed or too small memory of this library is refused, and so is
/// memory of the program's own that is not mapped or may not be read.
enum Copy {
    /// Throws 107000 when `bytes` bytes at `address` cannot be used.
    static func verify(_ address: UInt, bytes: Int, argument: String) throws(Failure) {
        if let problem = problem(at: address, bytes: bytes) {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: argument, value: hexadecimal(address), expected: "usable memory, but this is \(problem)",
                    layer: .runtime))
        }
    }

    private static func problem(at address: UInt, bytes: Int) -> String? {
        guard bytes >= 0 else { return "\(UInt(bitPattern: bytes)) bytes, more than the address space" }
        switch MemoryRegistry.shared.verdict(at: address, bytes: bytes) {
        case .usable: return nil
        case .unusable(let problem): return problem
        case .unknown:
            guard let range = AddressRange(start: address, byteCount: bytes) else {
                return "\(bytes) bytes that reach past the end of the address space"
            }
            return AddressProbe.problem(with: range)
        }
    }

    /// Copies; the ranges may overlap.
    static func copy(to destination: UInt, from source: UInt, bytes: Int) throws(Failure) {
        try verify(destination, bytes: bytes, argument: "dst")
        try verify(source, bytes: bytes, argument: "src")
        move(to: destination, from: source, bytes: bytes)
    }

    static func fill(_ destination: UInt, with value: Int32, bytes: Int) throws(Failure) {
        try verify(destination, bytes: bytes, argument: "devPtr")
        guard let memory = pointer(to: destination) else { return }
        // Safe as in `move`.
        unsafe _ = memset(memory, value, bytes)
    }

    /// Safe as far as `verify` can know; the caller vouches for the rest.
    private static func move(to destination: UInt, from source: UInt, bytes: Int) {
        guard let destination = unsafe UnsafeMutableRawPointer(bitPattern: destination),
            let source = unsafe UnsafeRawPointer(bitPattern: source)
        else { return }
        unsafe _ = memmove(destination, source, bytes)
    }

    /// Fills `count` 32-bit words; the address is a multiple of 4.
    static func fill(_ destination: UInt, withWord value: UInt32, count: Int) throws(Failure) {
        try verify(destination, bytes: count * 4, argument: "ptr")
        let words = unsafe UnsafeMutablePointer<UInt32>(bitPattern: destination)
        // Safe as in `move`.
        unsafe words?.update(repeating: value, count: count)
    }

    /// A rectangle of bytes: `height` rows of `width` bytes, rows `pitch` bytes apart.
    struct Rectangle: Sendable {
        var width: Int
        var height: Int
        var destination: UInt
        var destinationPitch: Int
        var source: UInt
        var sourcePitch: Int
    }

    static func copy(_ rectangle: Rectangle) throws(Failure) {
        try verify(rectangle)
        for row in 0..<rectangle.height {
            move(
                to: rectangle.destination + UInt(row * rectangle.destinationPitch),
                from: rectangle.source + UInt(row * rectangle.sourcePitch), bytes: rectangle.width)
        }
    }

    /// As the other `verify`, for both sides.
    static func verify(_ rectangle: Rectangle) throws(Failure) {
        let (width, rows) = (rectangle.width, rectangle.height - 1)
        try verify(rectangle.destination, bytes: span(rows, rectangle.destinationPitch, width), argument: "dst")
        try verify(rectangle.source, bytes: span(rows, rectangle.sourcePitch, width), argument: "src")
    }

    /// Bytes from the first row to the end of the last one; -1 when that is more than an address can say.
    private static func span(_ rows: Int, _ pitch: Int, _ width: Int) -> Int {
        let (offset, tooFar) = rows.multipliedReportingOverflow(by: pitch)
        let (end, tooLong) = offset.addingReportingOverflow(width)
        return tooFar || tooLong || pitch < 0 ? -1 : end
    }
}

/// A function as a stream task: its failure becomes the error of the stream.
func streamTask(_ body: @escaping @Sendable () throws(Failure) -> Void) -> Stream.Task {
    {
        do throws(Failure) {
            try body()
            return ErrorCode.success
        } catch {
            return error.code
        }
    }
}
