// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// The shapes ("gears") that a model was converted for, and how an execution names the one that it wants.
public struct GearTable: Equatable, Sendable {
    /// Position of the input whose elements, of type int32, choose the gear.
    public let selectorInput: Int
    /// Elements of that input.
    public let valueCount: Int
    /// The values of all gears, one gear after the other.
    private let values: [Int32]

    /// - gears: the values of each gear, all of the same number.
    init(selectorInput: Int, gears: [[Int32]]) {
        self.selectorInput = selectorInput
        valueCount = gears.first?.count ?? 0
        values = gears.flatMap { $0 }
    }

    /// Bytes that the selector takes.
    public var selectorBytes: Int { valueCount * MemoryLayout<Int32>.size }

    /// The gear whose values lie at `selector`; nil if no gear has these. Allocates nothing.
    ///
    /// Safety: `selectorBytes` bytes can be read there; any alignment will do.
    public func index(at selector: UnsafeRawPointer) -> Int? {
        guard valueCount > 0 else { return nil }
        for start in stride(from: 0, to: values.count, by: valueCount) {
            var position = 0
            while position < valueCount, unsafe Self.value(position, at: selector) == values[start + position] {
                position += 1
            }
            if position == valueCount { return start / valueCount }
        }
        return nil
    }

    /// What lies at `selector`, for messages.
    ///
    /// Safety: as for `index(at:)`.
    public func values(at selector: UnsafeRawPointer) -> [Int32] {
        (0..<valueCount).map { unsafe Self.value($0, at: selector) }
    }

    /// The values of each gear.
    public var gears: [[Int32]] {
        guard valueCount > 0 else { return [] }
        return stride(from: 0, to: values.count, by: valueCount).map { Array(values[$0..<$0 + valueCount]) }
    }

    private static func value(_ position: Int, at selector: UnsafeRawPointer) -> Int32 {
        unsafe selector.loadUnaligned(fromByteOffset: position * MemoryLayout<Int32>.size, as: Int32.self)
    }
}
