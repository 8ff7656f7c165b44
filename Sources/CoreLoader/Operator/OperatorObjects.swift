// SPDX-License-Identifier: Apache-2.0

/// `aclScalar`: one number, as its bytes.
struct OperatorScalar: Sendable {
    /// `aclDataType`
    let dataType: Int32
    let bytes: [UInt8]
}

/// A value of `aclopAttr`.
enum OperatorAttribute: Sendable, Equatable {
    case bool(Bool)
    case int(Int64)
    case float(Float)
    case string(String)
    /// `aclDataType`
    case dataType(Int32)
    case bools([Bool])
    case ints([Int64])
    case floats([Float])
    case strings([String])
    case dataTypes([Int32])
    case intLists([[Int64]])
}

/// The live objects that single operators take.
enum OperatorObjects {
    static let tensors: ValueTable<OperatorTensor> = table(.operatorTensor)
    static let scalars: ValueTable<OperatorScalar> = table(.operatorScalar)
    static let integers: ValueTable<[Int64]> = table(.integerArray)
    static let floats: ValueTable<[Float]> = table(.floatArray)
    static let booleans: ValueTable<[Bool]> = table(.booleanArray)
    /// Handles of tensors and of scalars; null for one that is left out.
    static let tensorLists: ValueTable<[Handle]> = table(.tensorList)
    static let scalarLists: ValueTable<[Handle]> = table(.scalarList)
    static let attributes = ValueTable<[String: OperatorAttribute]>(.operatorAttributes)

    private static func table<Value>(_ kind: HandleKind) -> ValueTable<Value> {
        ValueTable(kind, nullCode: ErrorCode.operatorNull, invalidCode: ErrorCode.operatorInvalid)
    }
}
