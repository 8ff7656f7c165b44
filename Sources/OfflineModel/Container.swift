// SPDX-License-Identifier: Apache-2.0

/// The header of an offline model: its first 256 bytes.
///
/// Source: GE's `ModelFileHeader`. Fields that no reader looks at (checksum, header size, user info) are left out.
public struct ModelHeader: Equatable, Sendable {
    public static let byteCount = 256
    /// The letters `IMOD`, read as a little-endian number.
    public static let magic: UInt32 = 0x444F_4D49
    /// From this version on the header has the fields of the present layout after `irVersion`.
    public static let presentVersion: UInt32 = 0x2000_0000

    public var version: UInt32
    public var modelType: UInt8
    public var isEncrypted: Bool
    public var name: String
    public var irVersion: UInt32
    /// Number of partition tables; 1 in files older than `presentVersion`.
    public var modelCount: Int
    public var platformVersion: String
    public var platformType: UInt8
    /// Bytes after the header, as the header states them.
    public var bodyLength: UInt64
    /// Whether offsets and sizes in the partition tables have 64 bits.
    public var hasWideTables: Bool
    public var isUnknownShape: Bool
}

/// What a partition holds, by its number in the partition table.
public struct PartitionType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public var rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let modelDef = PartitionType(rawValue: 0)
    public static let weights = PartitionType(rawValue: 1)
    public static let tasks = PartitionType(rawValue: 2)
    public static let kernels = PartitionType(rawValue: 3)
    public static let flowModel = PartitionType(rawValue: 6)
    public static let flowSubModel = PartitionType(rawValue: 7)
    public static let inOutInfo = PartitionType(rawValue: 8)
    public static let bundledModel = PartitionType(rawValue: 24)

    public var description: String {
        switch self {
        case .modelDef: "MODEL_DEF"
        case .weights: "WEIGHTS_DATA"
        case .tasks: "TASK_INFO"
        case .kernels: "TBE_KERNELS"
        case .flowModel: "FLOW_MODEL"
        case .flowSubModel: "FLOW_SUBMODEL"
        case .inOutInfo: "MODEL_INOUT_INFO"
        case .bundledModel: "BUNDLE_MODEL_INFO"
        default: "of type \(rawValue)"
        }
    }
}

/// One partition: its type and where it lies in the bytes of the file.
public struct Partition: Equatable, Sendable {
    public var type: PartitionType
    public var range: Range<Int>
}

/// How an offline model is laid out: its header and partition tables, all of them checked against its size.
public struct Container: Equatable, Sendable {
    public enum Kind: Equatable, Sendable {
        /// One static model.
        case single
        /// A root model and the models that its PartitionedCall nodes name: shapes known only at run time.
        case dynamic
        /// A graph of models (GE's FlowModel).
        case flow
        /// Several complete models in one file, with a load function of their own.
        case bundle
    }

    public var header: ModelHeader
    public var kind: Kind
    /// The partitions of the (root) model, in file order.
    public var partitions: [Partition]
    /// The partitions of the other models of a dynamic model.
    public var subModels: [[Partition]]

    public var isDynamicShape: Bool { kind == .dynamic }
    public var isBundle: Bool { kind == .bundle }

    /// Where the partition of this type lies; the first one wins. Nil where there is none.
    public func range(of type: PartitionType) -> Range<Int>? {
        partitions.first { $0.type == type }?.range
    }
}
