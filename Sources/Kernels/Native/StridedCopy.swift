// SPDX-License-Identifier: Apache-2.0

internal import VectorFunctions

/// One loop of a copy: how often, and how far source and target move each time, in elements.
public struct CopyDimension: Equatable, Sendable {
    public var size: Int
    public var source: Int
    public var target: Int

    public init(size: Int, source: Int, target: Int) {
        self.size = size
        self.source = source
        self.target = target
    }
}

/// Copies elements of 1, 2, 4, 8 or 16 bytes from one strided view to another; a source stride of 0 repeats, a negative
/// one reverses.
///
/// Dimensions that both views walk alike are merged first, so that the inner loop is as long as it can be.
struct StridedCopy: Sendable {
    /// What happens for each combination of the outer loops' offsets.
    private enum Inner {
        /// One contiguous run of this many bytes.
        case run(bytes: Int)
        /// Elements one by one; strides in bytes.
        case elements(count: Int, source: Int, target: Int)
        /// One element repeated over a contiguous run.
        case fill(count: Int)
        /// A matrix whose rows are contiguous in the target and whose columns are contiguous in the source.
        case transpose(rows: Int, columns: Int, sourceColumn: Int, targetRow: Int)
    }

    private let outer: NestedLoops
    private let inner: Inner
    private let elementBytes: Int
    private let sourceStart: Int
    private let targetStart: Int
    private let functions = CPULevel.current.functions

    /// Whether the vector kernels do it: a transposition of numbers of four bytes.
    var isVectorTransposition: Bool {
        guard elementBytes == 4, case .transpose(let rows, let columns, _, _) = inner else { return false }
        return max(rows, columns) >= TransposeLoop.tile
    }

    /// - dimensions: outermost first, strides in elements. - sourceOffset, targetOffset: first element of the views.
    /// - Precondition: the caller has checked that the views lie inside their tensors.
    init(elementBytes: Int, dimensions: [CopyDimension], sourceOffset: Int, targetOffset: Int) {
        guard !dimensions.contains(where: { $0.size == 0 }) else {
            // Nothing is copied, and nothing may be read: the source can be empty.
            (outer, inner) = (NestedLoops([]), .run(bytes: 0))
            (self.elementBytes, sourceStart, targetStart) = (elementBytes, 0, 0)
            return
        }
        var merged: [CopyDimension] = []
        for dimension in dimensions where dimension.size != 1 {
            if let last = merged.last, last.source == dimension.source * dimension.size,
                last.target == dimension.target * dimension.size
            {
                merged[merged.count - 1] = CopyDimension(
                    size: last.size * dimension.size, source: dimension.source, target: dimension.target)
            } else {
                merged.append(dimension)
            }
        }
        var run = 1
        if let last = merged.last, last.source == 1, last.target == 1 {
            run = last.size
            merged.removeLast()
        }
        let bytes = run * elementBytes
        sourceStart = sourceOffset * elementBytes
        targetStart = targetOffset * elementBytes
        self.elementBytes = bytes
        // A run as long as an element is one: what follows is counted in bytes.
        merged = merged.map {
            CopyDimension(size: $0.size, source: $0.source * elementBytes, target: $0.target * elementBytes)
        }
        if ![1, 2, 4, 8, 16].contains(bytes) || merged.isEmpty {
            inner = .run(bytes: bytes)
        } else {
            let last = merged.removeLast()
            if last.target == bytes, last.source == 0 {
                inner = .fill(count: last.size)
            } else if last.target == bytes, let rows = merged.firstIndex(where: { $0.source == bytes && $0.size > 1 }) {
                inner = .transpose(
                    rows: merged[rows].size, columns: last.size, sourceColumn: last.source,
                    targetRow: merged[rows].target)
                merged.remove(at: rows)
            } else {
                inner = .elements(count: last.size, source: last.source, target: last.target)
            }
        }
        outer = NestedLoops(merged.map { (size: $0.size, firstStride: $0.source, secondStride: $0.target) })
    }

    /// Safety: the addresses cover the tensors that the copy was made for; they may have any alignment.
    func run(from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer) {
        switch inner {
        case .run(let bytes):
            outer.forEach { from, to in
                unsafe (target + targetStart + to).copyMemory(from: source + sourceStart + from, byteCount: bytes)
            }
        default:
            switch elementBytes {
            case 1: unsafe run(from: source, to: target, UInt8.self)
            case 2: unsafe run(from: source, to: target, UInt16.self)
            case 4: unsafe run(from: source, to: target, UInt32.self)
            case 8: unsafe run(from: source, to: target, UInt64.self)
            default: unsafe run(from: source, to: target, SIMD2<UInt64>.self)
            }
        }
    }

    @inline(__always)
    private func run<Element: BitwiseCopyable>(
        from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, _ type: Element.Type
    ) {
        let bytes = MemoryLayout<Element>.size
        outer.forEach { from, to in
            let source = unsafe source + sourceStart + from
            let target = unsafe target + targetStart + to
            switch inner {
            case .run: break
            case .fill(let count):
                let element = unsafe source.loadUnaligned(as: type)
                for index in 0..<count {
                    unsafe target.storeBytes(of: element, toByteOffset: index &* bytes, as: type)
                }
            case .elements(let count, let sourceStride, let targetStride)
            where sourceStride == 2 &* bytes && targetStride == bytes:
                // With the steps known the loop becomes vector code.
                for index in 0..<count {
                    unsafe target.storeBytes(
                        of: source.loadUnaligned(fromByteOffset: 2 &* index &* bytes, as: type),
                        toByteOffset: index &* bytes, as: type)
                }
            case .elements(let count, let sourceStride, let targetStride):
                for index in 0..<count {
                    unsafe target.storeBytes(
                        of: source.loadUnaligned(fromByteOffset: index &* sourceStride, as: type),
                        toByteOffset: index &* targetStride, as: type)
                }
            case .transpose(let rows, let columns, let sourceColumn, let targetRow) where isVectorTransposition:
                let loop = TransposeLoop(
                    rows: rows, columns: columns, sourceColumn: sourceColumn, targetRow: targetRow)
                unsafe withUnsafePointer(to: loop) { unsafe functions.transpose($0, source, target) }
            case .transpose(let rows, let columns, let sourceColumn, let targetRow):
                // Blocks of 16 by 16 keep the lines of both sides in the cache.
                for firstRow in stride(from: 0, to: rows, by: 16) {
                    for firstColumn in stride(from: 0, to: columns, by: 16) {
                        for row in firstRow..<min(firstRow &+ 16, rows) {
                            let line = unsafe source + row &* bytes
                            let result = unsafe target + row &* targetRow
                            for column in firstColumn..<min(firstColumn &+ 16, columns) {
                                unsafe result.storeBytes(
                                    of: line.loadUnaligned(fromByteOffset: column &* sourceColumn, as: type),
                                    toByteOffset: column &* bytes, as: type)
                            }
                        }
                    }
                }
            }
        }
    }
}
