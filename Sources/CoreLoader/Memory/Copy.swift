// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Copying and filling memory at addresses that a caller gave.
///
/// Everything is checked before a byte is touched: freed or too small memory of this library is refused, and so is
/// memory of the program's own that is not mapped or may not be used. What the checks cannot see (pages in the middle,
/// another thread that unmaps them meanwhile) is refused as well, with a part of the copy done.
enum Copy {
    /// Memory that takes part in a copy, found to be usable.
    struct Operand {
        let range: AddressRange
        let argument: String
        let isWritten: Bool
        /// The library's own, which only the library unmaps.
        let isOwn: Bool

        fileprivate func refusal(_ problem: String) -> Failure {
            Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: argument, value: hexadecimal(range.start),
                    expected: "usable memory, but this is \(problem)", layer: .runtime))
        }
    }

    /// Throws 107000 when `bytes` bytes at `address` cannot be used.
    @discardableResult
    static func verify(
        _ address: UInt, bytes: Int, argument: String, isWritten: Bool = false
    ) throws(Failure) -> Operand {
        guard bytes >= 0, let range = AddressRange(start: address, byteCount: bytes) else {
            throw Operand(range: .empty(at: address), argument: argument, isWritten: isWritten, isOwn: false).refusal(
                "\(UInt(bitPattern: bytes)) bytes that reach past the end of the address space")
        }
        let verdict = MemoryRegistry.shared.verdict(at: address, bytes: bytes)
        let operand = Operand(range: range, argument: argument, isWritten: isWritten, isOwn: verdict == .usable)
        let problem: String? =
            switch verdict {
            case .usable: nil
            case .unusable(let problem): problem
            case .unknown: AddressProbe.problem(with: range, writing: isWritten)
            }
        if let problem { throw operand.refusal(problem) }
        return operand
    }

    /// Runs `body`, which touches the operands; throws 107000 when one of them is taken away meanwhile.
    static func touching(_ first: Operand, _ second: Operand? = nil, _ body: () -> Void) throws(Failure) {
        let guarded = try MemoryGuard(ranges: 2, isBrief: true)
        guarded.set(0, address: first.range.start, byteCount: first.range.byteCount)
        if let second { guarded.set(1, address: second.range.start, byteCount: second.range.byteCount) }
        guarded.enter(second == nil ? 1 : 2, isTrusted: first.isOwn && second?.isOwn ?? true)
        body()
        guard let fault = guarded.leave() else { return }
        let operand = fault.range == 0 ? first : second ?? first
        throw operand.refusal(fault.problem(writing: operand.isWritten))
    }

    /// Copies; the ranges may overlap.
    static func copy(to destination: UInt, from source: UInt, bytes: Int) throws(Failure) {
        let target = try verify(destination, bytes: bytes, argument: "dst", isWritten: true)
        let origin = try verify(source, bytes: bytes, argument: "src")
        try touching(target, origin) { move(to: destination, from: source, bytes: bytes) }
    }

    static func fill(_ destination: UInt, with value: Int32, bytes: Int) throws(Failure) {
        let target = try verify(destination, bytes: bytes, argument: "devPtr", isWritten: true)
        guard let memory = pointer(to: destination) else { return }
        // Safe as in `move`.
        try touching(target) { unsafe _ = memset(memory, value, bytes) }
    }

    /// Safe: the callers have verified both sides and watch them.
    private static func move(to destination: UInt, from source: UInt, bytes: Int) {
        guard let destination = unsafe UnsafeMutableRawPointer(bitPattern: destination),
            let source = unsafe UnsafeRawPointer(bitPattern: source)
        else { return }
        unsafe _ = memmove(destination, source, bytes)
    }

    /// Fills `count` 32-bit words; the address is a multiple of 4.
    static func fill(_ destination: UInt, withWord value: UInt32, count: Int) throws(Failure) {
        let target = try verify(destination, bytes: count * 4, argument: "ptr", isWritten: true)
        let words = unsafe UnsafeMutablePointer<UInt32>(bitPattern: destination)
        // Safe as in `move`.
        try touching(target) { unsafe words?.update(repeating: value, count: count) }
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
        let (target, origin) = try verify(rectangle)
        try touching(target, origin) {
            for row in 0..<rectangle.height {
                move(
                    to: rectangle.destination + UInt(row * rectangle.destinationPitch),
                    from: rectangle.source + UInt(row * rectangle.sourcePitch), bytes: rectangle.width)
            }
        }
    }

    /// As the other `verify`, for both sides.
    @discardableResult
    static func verify(_ rectangle: Rectangle) throws(Failure) -> (target: Operand, origin: Operand) {
        let (width, rows) = (rectangle.width, rectangle.height - 1)
        return (
            try verify(
                rectangle.destination, bytes: span(rows, rectangle.destinationPitch, width), argument: "dst",
                isWritten: true),
            try verify(rectangle.source, bytes: span(rows, rectangle.sourcePitch, width), argument: "src")
        )
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
