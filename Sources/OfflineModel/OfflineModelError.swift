// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a usable offline model. Each text names the place, what was found and what was expected.
public enum OfflineModelError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Fewer bytes than the header takes.
    case tooSmall(size: Int)
    case badMagic(found: UInt32)
    /// The header's length of the body is not the number of bytes that follow it.
    case lengthMismatch(stated: UInt64, actual: Int)
    /// A partition table does not fit, or nothing follows it.
    case tableBeyondEnd(offset: Int, size: Int, available: Int)
    case partitionCount(found: Int, limit: Int, offset: Int)
    /// A partition ends after the body.
    case partitionBeyondEnd(type: PartitionType, offset: Int, size: UInt64, available: Int)
    /// Bytes follow the last partition of a model that has several tables.
    case trailingBytes(count: Int)
    /// The file is sound, but of a kind that this library does not load. The text says which.
    case unsupportedKind(String)
    /// The graph (MODEL_DEF) is missing, unreadable or contradicts itself.
    case malformedGraph(String)
    /// A constant does not lie within the weights (WEIGHTS_DATA).
    case malformedWeights(String)
    /// The task partition (TASK_INFO) is unreadable.
    case malformedTasks(String)
    /// The I/O description (MODEL_INOUT_INFO) is unreadable.
    case malformedDescription(String)
    /// The system has no memory for what the model holds.
    case memoryExhausted(String)

    public var description: String {
        switch self {
        case .tooSmall(let size):
            "the model has \(size) bytes, expected at least \(ModelHeader.byteCount) for its header"
        case .badMagic(let found):
            "the model starts with 0x\(String(found, radix: 16)), expected 0x\(String(ModelHeader.magic, radix: 16)) "
                + "(the letters IMOD)"
        case .lengthMismatch(let stated, let actual):
            "the header states a body of \(stated) bytes, but \(actual) bytes follow it"
        case .tableBeyondEnd(let offset, let size, let available):
            "the partition table at offset \(offset) takes \(size) bytes, but \(available) bytes are left "
                + "(partitions must follow it)"
        case .partitionCount(let found, let limit, let offset):
            "the partition table at offset \(offset) has \(found) entries, expected 1 to \(limit)"
        case .partitionBeyondEnd(let type, let offset, let size, let available):
            "partition \(type) at offset \(offset) has \(size) bytes, but \(available) bytes are left"
        case .trailingBytes(let count):
            "\(count) bytes follow the last partition of a model with several tables, expected none"
        case .unsupportedKind(let text): text
        case .malformedGraph(let text): "partition MODEL_DEF: \(text)"
        case .malformedWeights(let text): "partition WEIGHTS_DATA: \(text)"
        case .malformedTasks(let text): "partition TASK_INFO: \(text)"
        case .malformedDescription(let text): "partition MODEL_INOUT_INFO: \(text)"
        case .memoryExhausted(let text): text
        }
    }

    /// The functions of AscendCL that read a model; they report the same defect with different codes.
    public enum EntryPoint: Sendable {
        case load, loadWithQueue, querySize, describe
    }

    /// The code that `aclmdlLoadFromMem` and its kin return.
    public var code: Int32 { code(for: .load) }

    /// The code that AscendCL documents for this defect at this entry point; where its own library would not look,
    /// the code of the load.
    public func code(for entry: EntryPoint) -> Int32 {
        switch self {
        case .tooSmall(let size):
            if size < 4 { 145_006 } else if entry == .load { 100_000 } else { 145_000 }
        case .badMagic, .lengthMismatch, .partitionCount: 145_000
        case .tableBeyondEnd, .partitionBeyondEnd: 145_006
        case .unsupportedKind, .malformedGraph: entry == .loadWithQueue ? 545_002 : 500_002
        case .malformedWeights: entry == .loadWithQueue || entry == .querySize ? 545_003 : 500_002
        case .malformedTasks: entry == .loadWithQueue || entry == .querySize ? 545_004 : 500_002
        case .trailingBytes, .malformedDescription: 500_002
        case .memoryExhausted: 245_000
        }
    }
}
