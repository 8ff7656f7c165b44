// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// The numbers of the blocks in MODEL_INOUT_INFO: type, length, value.
private enum Block: UInt32 {
    case inputs = 0
    case outputs = 1
    case dynamicBatch = 2
    case dynamicImageSize = 3
    case dynamicDims = 4
    case dynamicOutputShapes = 5
    case inputOrder = 6
}

extension ModelDescription {
    /// Reads the partition.
    /// - `strict`: refuse blocks of an unknown type, as GE's description functions do; else skip them.
    init(partition: CheckedBytes, strict: Bool) throws(OfflineModelError) {
        self.init()
        var cursor = ByteCursor(partition) { .malformedDescription($0) }
        while cursor.remaining > 0 {
            let type: UInt32 = try cursor.integer("the type of a block")
            let length: UInt32 = try cursor.integer("the length of a block")
            var value = try cursor.block("block of type \(type)", size: Int(length))
            switch Block(rawValue: type) {
            case .inputs: inputs = try ModelDescription.tensors(&value)
            case .outputs: outputs = try ModelDescription.tensors(&value)
            case .dynamicBatch:
                let count: UInt32 = try value.integer("the number of batch sizes")
                dynamicBatch = try value.integers("batch sizes", count: Int(count))
            case .dynamicImageSize: dynamicImageSize = try ModelDescription.gears(&value)
            case .dynamicDims: dynamicDims = try ModelDescription.gears(&value)
            case .dynamicOutputShapes: dynamicOutputShapes = try ModelDescription.texts(&value)
            case .inputOrder: inputOrder = try ModelDescription.texts(&value)
            case nil where strict:
                throw .malformedDescription("block of unknown type \(type), expected 0 to \(Block.inputOrder.rawValue)")
            case nil: continue
            }
        }
        if let fault = gearFault { throw .malformedDescription(fault) }
    }

    private static func tensors(_ cursor: inout ByteCursor) throws(OfflineModelError) -> [Tensor] {
        let count: UInt32 = try cursor.integer("the number of tensors")
        var tensors: [Tensor] = []
        for _ in 0..<count {
            let size: UInt64 = try cursor.integer("the size of a tensor")
            let format: Int32 = try cursor.integer("the format of a tensor")
            let dataType: Int32 = try cursor.integer("the data type of a tensor")
            let nameLength: UInt32 = try cursor.integer("the length of a tensor's name")
            let dimsLength: UInt32 = try cursor.integer("the length of a tensor's dims")
            let dimsV2Length: UInt32 = try cursor.integer("the length of a tensor's dimsV2")
            let rangeLength: UInt32 = try cursor.integer("the length of a tensor's shape range")
            let name = try cursor.text("a tensor's name", size: Int(nameLength))
            let dims = try cursor.dimensions("dims of '\(name)'", bytes: dimsLength)
            let dimsV2 = try cursor.dimensions("dimsV2 of '\(name)'", bytes: dimsV2Length)
            guard rangeLength % 16 == 0 else {
                throw .malformedDescription("the shape range of '\(name)' takes \(rangeLength) bytes, expected pairs")
            }
            let bounds = try cursor.integers("the shape range of '\(name)'", count: Int(rangeLength) / 8)
            guard let size = Int(exactly: size) else {
                throw .malformedDescription("the size of '\(name)' is \(size) bytes")
            }
            tensors.append(
                Tensor(
                    name: name, dataType: DataType(rawValue: dataType) ?? .undefined,
                    format: Format(rawValue: format).primary, dims: dims, dimsV2: dimsV2,
                    range: stride(from: 0, to: bounds.count, by: 2).map {
                        DimensionRange(lower: bounds[$0], upper: bounds[$0 + 1])
                    },
                    size: size))
        }
        return tensors
    }

    private static func gears(_ cursor: inout ByteCursor) throws(OfflineModelError) -> [[Int]] {
        var gears: [[Int]] = []
        for count in try cursor.lengths("gears") { gears.append(try cursor.integers("a gear", count: count)) }
        return gears
    }

    private static func texts(_ cursor: inout ByteCursor) throws(OfflineModelError) -> [String] {
        var texts: [String] = []
        for size in try cursor.lengths("texts") { texts.append(try cursor.text("a text", size: size)) }
        return texts
    }

    /// The partition's bytes.
    var partitionBytes: [UInt8] {
        var writer = ByteWriter()
        writer.block(.inputs) { $0.tensors(inputs) }
        writer.block(.outputs) { $0.tensors(outputs) }
        if !dynamicBatch.isEmpty {
            writer.block(.dynamicBatch) {
                $0.append(UInt32(clamping: dynamicBatch.count))
                $0.append(integers: dynamicBatch)
            }
        }
        if !dynamicImageSize.isEmpty { writer.block(.dynamicImageSize) { $0.gears(dynamicImageSize) } }
        if !dynamicDims.isEmpty { writer.block(.dynamicDims) { $0.gears(dynamicDims) } }
        if !dynamicOutputShapes.isEmpty { writer.block(.dynamicOutputShapes) { $0.texts(dynamicOutputShapes) } }
        if !inputOrder.isEmpty { writer.block(.inputOrder) { $0.texts(inputOrder) } }
        return writer.bytes
    }
}

extension ByteCursor {
    fileprivate mutating func dimensions(_ what: String, bytes: UInt32) throws(OfflineModelError) -> [Int] {
        guard bytes % 8 == 0, bytes / 8 <= TensorDesc.rankLimit else {
            throw .malformedDescription(
                "\(what) take \(bytes) bytes, expected at most \(TensorDesc.rankLimit) numbers of 8")
        }
        return try integers(what, count: Int(bytes) / 8)
    }

    fileprivate mutating func lengths(_ what: String) throws(OfflineModelError) -> [Int] {
        let count: UInt32 = try integer("the number of \(what)")
        guard Int(count) <= remaining / 4 else {
            throw .malformedDescription("\(count) \(what), but \(remaining) bytes are left")
        }
        var lengths: [Int] = []
        for _ in 0..<count { lengths.append(Int(try integer("the lengths of \(what)", as: UInt32.self))) }
        return lengths
    }
}

extension ByteWriter {
    fileprivate mutating func block(_ type: Block, _ body: (inout ByteWriter) -> Void) {
        var value = ByteWriter()
        body(&value)
        append(type.rawValue)
        append(UInt32(clamping: value.bytes.count))
        append(value.bytes)
    }

    fileprivate mutating func tensors(_ tensors: [ModelDescription.Tensor]) {
        append(UInt32(clamping: tensors.count))
        for tensor in tensors {
            append(UInt64(clamping: tensor.size))
            append(tensor.format.rawValue)
            append(tensor.dataType.rawValue)
            append(UInt32(clamping: tensor.name.utf8.count))
            append(UInt32(clamping: tensor.dims.count * 8))
            append(UInt32(clamping: tensor.dimsV2.count * 8))
            append(UInt32(clamping: tensor.range.count * 16))
            append(Array(tensor.name.utf8))
            append(integers: tensor.dims)
            append(integers: tensor.dimsV2)
            append(integers: tensor.range.flatMap { [$0.lower, $0.upper] })
        }
    }

    fileprivate mutating func gears(_ gears: [[Int]]) {
        append(UInt32(clamping: gears.count))
        for gear in gears { append(UInt32(clamping: gear.count)) }
        for gear in gears { append(integers: gear) }
    }

    fileprivate mutating func texts(_ texts: [String]) {
        append(UInt32(clamping: texts.count))
        for text in texts { append(UInt32(clamping: text.utf8.count)) }
        for text in texts { append(Array(text.utf8)) }
    }
}
