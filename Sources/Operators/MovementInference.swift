// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

extension Inference {
    /// The descriptor of an input whose shape is known.
    func known(_ slot: Int) throws(GraphError) -> TensorDesc {
        let desc = try input(slot)
        guard desc.isStatic else { throw invalid("input \(slot) has the shape \(desc.shape), expected a known one") }
        return desc
    }

    /// The same for an input whose elements take whole bytes, so that they can be moved one by one.
    func movable(_ slot: Int) throws(GraphError) -> TensorDesc {
        let desc = try known(slot)
        guard [8, 16, 32, 64, 128].contains(desc.dataType.bitWidth) else {
            throw invalid("input \(slot) has type \(desc.dataType), expected elements of 1, 2, 4, 8 or 16 bytes")
        }
        return desc
    }

    /// The descriptor of a result; a change of rank drops the format.
    func moved(_ x: TensorDesc, _ shape: [Int]) throws(GraphError) -> TensorDesc {
        try output(x.dataType, shape, format: shape.count == x.shape.count ? x.format : .nd)
    }

    /// Constants and tables that are made while a model is prepared are refused above this many bytes: 16 million indices.
    static let largestConstant = 1 << 27

    /// A list of integers from an attribute, which may also hold a single one.
    func list(_ name: String) -> [Int]? {
        switch attributes[name] {
        case .ints(let values)?: values.map { Int($0) }
        case .int(let value)?: [Int(value)]
        // An empty list carries no element type in a file.
        case .floats(let values)? where values.isEmpty: []
        case .strings(let values)? where values.isEmpty: []
        default: nil
        }
    }

    /// A list of integers from the attribute `name`, or from the constant input `slot` where the operator has one.
    func list(_ name: String, orInput slot: Int?) throws(GraphError) -> [Int] {
        if let values = list(name) { return values }
        guard let slot else { throw invalid("attribute \(name) is missing, expected a list of integers") }
        guard slot >= 0 else { throw invalid("there are no inputs") }
        return try constantInts(slot)
    }

    /// One integer from the attribute `name`, or from the constant input `slot` where the operator has one.
    func number(_ name: String, orInput slot: Int?) throws(GraphError) -> Int {
        let values = try list(name, orInput: slot)
        guard values.count == 1 else { throw invalid("\(name) has \(values.count) values, expected one") }
        return values[0]
    }

    /// Axes counted from the front, each at most once.
    func axes(_ axes: [Int], rank: Int) throws(GraphError) -> [Int] {
        guard axes.count <= 64 else { throw invalid("\(axes.count) axes are given, expected at most 64") }
        var result: [Int] = []
        for axis in axes {
            let axis = try self.axis(axis, rank: rank)
            guard !result.contains(axis) else { throw invalid("the axes \(axes) name one dimension twice") }
            result.append(axis)
        }
        return result
    }

    /// The type of an index input.
    func indexType(_ slot: Int) throws(GraphError) -> IndexType {
        switch try input(slot).dataType {
        case .int32: .int32
        case .int64: .int64
        case .uint8: .uint8
        case let type: throw invalid("input \(slot) has type \(type), expected indices of type int32, int64 or uint8")
        }
    }

    /// Refuses constant indices that lie outside a dimension of `size`.
    func checkIndices(_ slot: Int, size: Int) throws(GraphError) {
        guard let wrong = optionalConstantInts(slot)?.first(where: { $0 < -size || $0 >= size }) else { return }
        throw invalid("index \(wrong) in input \(slot) is outside a dimension of size \(size)")
    }

    /// Refuses inputs of different element types.
    func checkSameType(_ slots: [Int]) throws(GraphError) {
        let type = try input(slots[0]).dataType
        for slot in slots.dropFirst() where try input(slot).dataType != type {
            throw invalid(
                "inputs \(slots[0]) and \(slot) have types \(type) and \(try input(slot).dataType), expected one type")
        }
    }
}

extension Lowering {
    /// Emits one copy from input value `x` to the only output.
    func copy(_ x: Value, _ dimensions: [CopyDimension], sourceOffset: Int = 0) throws -> [Value] {
        let region = RegionCopyKernel.Region(
            elementBytes: outputs[0].elementBytes, dimensions: dimensions, sourceOffset: sourceOffset)
        return try builder.native(RegionCopyKernel([region]), inputs: [x], outputs: outputs)
    }
}

extension TensorDesc {
    /// Bytes of an element of whole bytes.
    var elementBytes: Int { dataType.bitWidth / 8 }
}

/// Elements to step over for each dimension of a dense row-major tensor.
func rowMajorStrides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
    return strides
}

extension Sequence<Int> {
    /// The number of elements of these dimensions; the tensor has been checked not to be too large.
    var product: Int { reduce(1, *) }
}
