// SPDX-License-Identifier: Apache-2.0

public import GEGraph
import SwiftProtobuf

/// What one file of a dump holds: the inputs and outputs of one operator in one execution.
///
/// The file is the length of a `toolkit.dump.DumpData` message as a 64-bit little-endian number, the message, and the
/// bytes of the inputs and then of the outputs, densely packed. Source: the readers in msaccucmp and msprobe.
public struct DumpFile: Sendable {
    public var operatorName: String
    /// Microseconds since 1970.
    public var time: UInt64
    public var inputs: [TensorDesc]
    public var outputs: [TensorDesc]

    public init(operatorName: String, time: UInt64, inputs: [TensorDesc], outputs: [TensorDesc]) {
        self.operatorName = operatorName
        self.time = time
        self.inputs = inputs
        self.outputs = outputs
    }

    /// Everything before the tensors' bytes. Throws `malformedGraph` for a message that is too long.
    public func head() throws(OfflineModelError) -> [UInt8] {
        var data = DumpRecordDumpData()
        data.version = "1.0"
        data.dumpTime = time
        data.opName = operatorName
        data.input = inputs.map(DumpRecordOpInput.init)
        data.output = outputs.map(DumpRecordOpOutput.init)
        let message: [UInt8]
        do {
            message = try data.serializedBytes()
        } catch {
            throw .malformedGraph("the dump of '\(operatorName)' cannot be written: \(error)")
        }
        var writer = ByteWriter()
        writer.append(UInt64(clamping: message.count))
        writer.append(message)
        return writer.bytes
    }
}

extension DumpRecordShape {
    fileprivate init(_ shape: [Int]) {
        self.init()
        dim = shape.map { UInt64(clamping: max($0, 0)) }
    }
}

extension Format {
    /// The number in a dump; GE's name for "none" is RESERVED.
    fileprivate var dumpNumber: Int32 { self == .undefined ? Format.reserved.rawValue : primary.rawValue }
    fileprivate var subFormat: Int32 { rawValue >= 0 ? rawValue >> 8 : 0 }
}

extension DumpRecordOpInput {
    fileprivate init(_ desc: TensorDesc) {
        self.init()
        dataType = desc.dataType.descriptorNumber
        format = desc.format.dumpNumber
        shape = DumpRecordShape(desc.shape)
        size = UInt64(clamping: desc.byteCount ?? 0)
        originalShape = DumpRecordShape(desc.originShape ?? desc.shape)
        subFormat = desc.format.subFormat
    }
}

extension DumpRecordOpOutput {
    fileprivate init(_ desc: TensorDesc) {
        self.init()
        dataType = desc.dataType.descriptorNumber
        format = desc.format.dumpNumber
        shape = DumpRecordShape(desc.shape)
        size = UInt64(clamping: desc.byteCount ?? 0)
        originalShape = DumpRecordShape(desc.originShape ?? desc.shape)
        subFormat = desc.format.subFormat
        guard let name = desc.attributes.string("_datadump_origin_name") else { return }
        originalOp.name = name
        originalOp.outputIndex = UInt32(clamping: desc.attributes.int("_datadump_origin_output_index") ?? 0)
        originalOp.dataType = (desc.attributes.dataType("_datadump_origin_data_type") ?? desc.dataType).descriptorNumber
        originalOp.format = (desc.originFormat ?? desc.format).dumpNumber
    }
}
