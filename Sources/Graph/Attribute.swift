// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// The value of an attribute of a node, tensor, graph or model: GE's AttrDef.
public indirect enum Attribute: Hashable, Sendable {
    case string(String)
    /// A string attribute that is not UTF-8, or a `bytes` attribute.
    case bytes([UInt8])
    case int(Int64)
    case float(Float)
    case bool(Bool)
    case dataType(DataType)
    case tensor(Constant)
    case tensorDesc(TensorDesc)
    /// NamedAttrs: a named set of attributes, such as an AIPP configuration.
    case named(String, [String: Attribute])

    case strings([String])
    case ints([Int64])
    case floats([Float])
    case bools([Bool])
    case dataTypes([DataType])
    case intLists([[Int64]])
    case floatLists([[Float]])
    case tensors([Constant])
    case tensorDescs([TensorDesc])
    case byteStrings([[UInt8]])
    case namedList([Attribute])
}

extension [String: Attribute] {
    public func string(_ name: String) -> String? {
        if case .string(let value)? = self[name] { value } else { nil }
    }

    public func int(_ name: String) -> Int? {
        switch self[name] {
        case .int(let value)?: Int(value)
        case .dataType(let value)?: Int(value.rawValue)
        default: nil
        }
    }

    public func float(_ name: String) -> Float? {
        if case .float(let value)? = self[name] { value } else { nil }
    }

    public func bool(_ name: String) -> Bool? {
        if case .bool(let value)? = self[name] { value } else { nil }
    }

    public func ints(_ name: String) -> [Int]? {
        if case .ints(let values)? = self[name] { values.map { Int($0) } } else { nil }
    }

    public func floats(_ name: String) -> [Float]? {
        if case .floats(let values)? = self[name] { values } else { nil }
    }

    public func strings(_ name: String) -> [String]? {
        if case .strings(let values)? = self[name] { values } else { nil }
    }

    /// A `ge::DataType`, whichever way the file spells it: as a type or as its number.
    public func dataType(_ name: String) -> DataType? {
        switch self[name] {
        case .dataType(let value)?: value
        case .int(let value)?: Int32(exactly: value).flatMap { DataType(rawValue: $0) }
        default: nil
        }
    }
}
