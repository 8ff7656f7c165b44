// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic
import SystemMemory

/// Where each packed constant lies in the weight area, and how it gets there.
struct WeightLayout {
    /// By program and constant: offset from the aligned start of the area.
    let offsets: [[Int]]
    let totalBytes: Int
    /// What is stored, each once.
    private let contents: [(packed: Program.PackedConstant, offset: Int)]

    /// - programs: the gears of one model; constants that several of them want in the same layout are stored once.
    init(_ programs: [Program]) {
        var contents: [(packed: Program.PackedConstant, offset: Int)] = []
        var total = 0
        var known = StoredConstants()
        offsets = programs.map { program in
            program.constants.map { packed in
                // A program alone shares its constants already.
                if programs.count > 1 {
                    if let stored = known.find(packed) { return contents[stored].offset }
                    known.add(packed, at: contents.count)
                }
                contents.append((packed, total))
                defer { total += Alignment.roundUp(packed.bytes) }
                return total
            }
        }
        self.contents = contents
        totalBytes = total
    }

    /// Writes all constants to `base`, which is aligned and covers `totalBytes`.
    func pack(_ weights: UnsafeRawBufferPointer, into base: UnsafeMutableRawPointer) throws {
        for (packed, offset) in contents { try unsafe Self.store(packed, from: weights, at: base + offset) }
    }

    /// Writes a constant to `target`, which covers its bytes.
    /// - weights: the partition that it may lie in.
    static func store(
        _ packed: Program.PackedConstant, from weights: UnsafeRawBufferPointer, at target: UnsafeMutableRawPointer
    ) throws {
        switch packed.constant.data {
        case .inline(let bytes):
            try unsafe bytes.withUnsafeBytes { try unsafe store(packed, $0, at: target) }
        case .weights(let range):
            guard range.upperBound <= weights.count else {
                throw ExecutableError.areaTooSmall(
                    area: "model's weights", bytes: weights.count, needed: range.upperBound)
            }
            // Safe: the range lies within the partition.
            let source = unsafe UnsafeRawBufferPointer(rebasing: weights[range])
            guard packed.isWidened else { return try unsafe store(packed, source, at: target) }
            let wide = try OwnedMemory(2 * source.count)
            unsafe Widening.run(source, from: packed.constant.desc.dataType, into: wide.start)
            try unsafe store(packed, UnsafeRawBufferPointer(start: wide.start, count: 2 * source.count), at: target)
        }
    }

    /// The offset of each of `constants`; nil for those that the area does not hold in their layout.
    func offsets(of constants: [Program.PackedConstant]) -> [Int?] {
        var known = StoredConstants()
        for (index, content) in contents.enumerated() { known.add(content.packed, at: index) }
        return constants.map { packed in known.find(packed).map { contents[$0].offset } }
    }

    /// Writes a constant that the area at `base` holds in another layout to `target`, which covers its bytes.
    func restore(
        _ packed: Program.PackedConstant, from base: UnsafeMutableRawPointer?, to target: UnsafeMutableRawPointer
    ) throws {
        if case .inline(let bytes) = packed.constant.data {
            try unsafe bytes.withUnsafeBytes { try unsafe Self.store(packed, $0, at: target) }
            return
        }
        guard let base = unsafe base,
            let (stored, offset) = contents.first(where: { $0.packed.constant.data == packed.constant.data })
        else { throw ExecutableError.areaTooSmall(area: "weight", bytes: 0, needed: packed.bytes) }
        let source = unsafe base + offset
        if case .plain = stored.form {
            try unsafe Self.store(packed, UnsafeRawBufferPointer(start: source, count: stored.bytes), at: target)
            return
        }
        // Back into the order of the model's file first, from which every layout is made.
        let originalBytes = if case .weights(let form) = stored.form { 4 * form.extent } else { stored.bytes }
        try SystemMemory.require(originalBytes)
        let original = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(originalBytes, 1), alignment: Alignment.bytes)
        defer { unsafe original.deallocate() }
        guard let start = original.baseAddress else { return }
        switch stored.form {
        case .plain: break
        case .copy(let from, let to):
            unsafe run(RegionCopyKernel(from: to, to: from, elementBytes: stored.elementBytes), source, start)
        case .weights(let form):
            unsafe form.unpack(
                source.assumingMemoryBound(to: Float.self), into: start.assumingMemoryBound(to: Float.self))
        }
        try unsafe Self.store(packed, UnsafeRawBufferPointer(original), at: target)
    }

    private static func store(
        _ packed: Program.PackedConstant, _ source: UnsafeRawBufferPointer, at target: UnsafeMutableRawPointer
    ) throws {
        guard let start = source.baseAddress, packed.bytes > 0 else { return }
        let kernel: any NativeKernel
        let needed: Int
        switch packed.form {
        case .plain: (kernel, needed) = (CopyKernel(bytes: packed.bytes), packed.bytes)
        case .copy(let from, let to):
            kernel = RegionCopyKernel(from: from, to: to, elementBytes: packed.elementBytes)
            needed = packed.bytes
        case .weights(let form): (kernel, needed) = (WeightPackingKernel(form), 4 * form.extent)
        }
        guard source.count >= needed else {
            throw ExecutableError.areaTooSmall(area: "constant", bytes: source.count, needed: needed)
        }
        unsafe run(kernel, UnsafeMutableRawPointer(mutating: start), target)
    }
}

extension Program.PackedConstant {
    fileprivate var elementBytes: Int { dataType.bitWidth / 8 }
}

/// Finds constants that are stored with the same elements in the same layout.
struct StoredConstants {
    private struct Key: Hashable {
        let source: Constant.Data
        let bytes: Int
    }

    private var entries: [Key: [(form: Program.PackedConstant.Form, index: Int)]] = [:]

    /// The index of an equal constant; nil if there is none.
    func find(_ packed: Program.PackedConstant) -> Int? {
        entries[Self.key(packed)]?.first { $0.form == packed.form }?.index
    }

    mutating func add(_ packed: Program.PackedConstant, at index: Int) {
        entries[Self.key(packed), default: []].append((packed.form, index))
    }

    mutating func remove(_ index: Int) {
        for key in entries.keys where entries[key]?.contains(where: { $0.index == index }) == true {
            entries[key]?.removeAll { $0.index == index }
            if entries[key]?.isEmpty == true { entries[key] = nil }
        }
    }

    private static func key(_ packed: Program.PackedConstant) -> Key {
        Key(source: packed.constant.data, bytes: packed.bytes)
    }
}

/// Safety: both addresses cover what the kernel reads and writes; the source is only read.
private func run(
    _ kernel: any NativeKernel, _ source: UnsafeMutableRawPointer, _ target: UnsafeMutableRawPointer
) {
    var (input, output) = unsafe (source, target)
    _ = unsafe Parallel.run(kernel, KernelOperands(inputs: &input, outputs: &output, scratch: target))
}
