// SPDX-License-Identifier: Apache-2.0

/// Copies a tensor through one table per dimension that says which coordinate of the source stands at each coordinate
/// of the target: reflecting, repeating and wrapping paddings.
public struct IndexedCopyKernel: NativeKernel {
    /// Byte offsets in the source, by coordinate of the target.
    private let tables: [[Int]]
    /// Bytes of the elements that move together.
    private let runBytes: Int
    /// The coordinates of the last table that follow one another in the source as well.
    private let contiguous: Range<Int>
    /// The outermost table of more than one coordinate, by which the work is cut; nil where there is none.
    private let cut: Int?
    public let parts: Int

    /// - tables: for each dimension of the target the coordinates in the source. - source: shape of the source.
    /// - Precondition: all coordinates lie inside the source.
    public init(elementBytes: Int, tables: [[Int]], source: [Int]) {
        var tables = tables
        var source = source
        var run = elementBytes
        // Trailing dimensions that are taken over whole move in one piece.
        while let last = tables.last, let size = source.last, last.elementsEqual(0..<size) {
            run *= size
            tables.removeLast()
            source.removeLast()
        }
        var stride = run
        for axis in tables.indices.reversed() {
            tables[axis] = tables[axis].map { $0 * stride }
            stride *= source[axis]
        }
        let last = tables.last ?? []
        var longest = 0..<0
        var start = 0
        for index in last.indices {
            if index > 0, last[index] != last[index - 1] + run { start = index }
            if index + 1 - start > longest.count { longest = start..<index + 1 }
        }
        self.tables = tables
        cut = tables.firstIndex { $0.count > 1 }
        let bytes = tables.reduce(run) { $0 * $1.count }
        parts = cut.map { max(1, min(tables[$0].count, bytes >> 17)) } ?? 1
        runBytes = run
        contiguous = longest
    }

    public var tableBytes: Int { tables.reduce(0) { $0 + 8 * $1.count } }

    public func run(_ operands: KernelOperands) {
        var target = unsafe operands.outputs[0]
        unsafe walk(0, UnsafeRawPointer(operands.inputs[0]), &target)
    }

    public func run(_ operands: KernelOperands, parts: Range<Int>) {
        guard let cut, cut < tables.count - 1, self.parts > 1 else {
            if parts.lowerBound == 0 { unsafe run(operands) }
            return
        }
        let count = tables[cut].count
        let coordinates = count * parts.lowerBound / self.parts..<count * parts.upperBound / self.parts
        let source = unsafe UnsafeRawPointer(operands.inputs[0]) + tables[..<cut].reduce(0) { $0 + ($1.first ?? 0) }
        let bytes = tables[(cut + 1)...].reduce(runBytes) { $0 * $1.count }
        var target = unsafe operands.outputs[0] + coordinates.lowerBound * bytes
        for coordinate in coordinates { unsafe walk(cut + 1, source + tables[cut][coordinate], &target) }
    }

    private func walk(_ level: Int, _ source: UnsafeRawPointer, _ target: inout UnsafeMutableRawPointer) {
        guard level < tables.count else {
            unsafe moveBytes(from: source, to: target, count: runBytes)
            unsafe target += runBytes
            return
        }
        if level < tables.count - 1 {
            for offset in tables[level] { unsafe walk(level + 1, source + offset, &target) }
            return
        }
        for index in 0..<contiguous.lowerBound { unsafe move(source + tables[level][index], &target, runBytes) }
        if !contiguous.isEmpty {
            unsafe move(source + tables[level][contiguous.lowerBound], &target, contiguous.count * runBytes)
        }
        for index in contiguous.upperBound..<tables[level].count {
            unsafe move(source + tables[level][index], &target, runBytes)
        }
    }

    @inline(__always)
    private func move(_ source: UnsafeRawPointer, _ target: inout UnsafeMutableRawPointer, _ count: Int) {
        unsafe moveBytes(from: source, to: target, count: count)
        unsafe target += count
    }
}
