// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Sets of element types that operators accept.
enum Types {
    static let reals: Set<DataType> = [.float, .double, .float16, .bfloat16]
    static let signed: Set<DataType> = [.int8, .int16, .int32, .int64]
    static let integers = signed.union([.uint8, .uint16, .uint32, .uint64])
    static let numbers = reals.union(integers)
    static let bool: Set<DataType> = [.bool]
    static let all = numbers.union(bool)
}

extension Inference {
    /// The descriptor of an input of one of `types`.
    func input(_ slot: Int, of types: Set<DataType>) throws(GraphError) -> TensorDesc {
        let desc = try input(slot)
        guard types.contains(desc.dataType) else {
            let expected = types.map { "\($0)" }.sorted().joined(separator: ", ")
            throw invalid("input \(slot) has type \(desc.dataType), expected one of \(expected)")
        }
        return desc
    }

    /// The descriptor of an input of one of `types` whose shape is known.
    func staticInput(_ slot: Int, of types: Set<DataType>) throws(GraphError) -> TensorDesc {
        let desc = try input(slot, of: types)
        guard desc.isStatic else { throw invalid("input \(slot) has the shape \(desc.shape), expected a known one") }
        return desc
    }

    /// A descriptor of an output, or of something in between, refused beyond the limits.
    func output(_ type: DataType, _ shape: [Int], format: Format = .nd) throws(GraphError) -> TensorDesc {
        let desc = TensorDesc(type, shape, format: format)
        guard desc.isWithinLimits else { throw invalid("the output shape \(shape) of type \(type) is too large") }
        return desc
    }

    /// The shape that `first` and `second` broadcast to by numpy's rules; −1 stands for an unknown dimension.
    func broadcast(_ first: [Int], _ second: [Int]) throws(GraphError) -> [Int] {
        if first.contains(-2) || second.contains(-2) { return [-2] }
        let rank = max(first.count, second.count)
        var result: [Int] = []
        for dimension in 0..<rank {
            let left = dimension < rank - first.count ? 1 : first[dimension - (rank - first.count)]
            let right = dimension < rank - second.count ? 1 : second[dimension - (rank - second.count)]
            switch (left, right) {
            case (1, let other), (let other, 1): result.append(other)
            case (-1, let other), (let other, -1): result.append(other)
            case (let left, let right) where left == right: result.append(left)
            default: throw invalid("the shapes \(first) and \(second) do not broadcast to one another")
            }
        }
        return result
    }

    /// Whether `shape` broadcasts to `target` without making it larger.
    func broadcasts(_ shape: [Int], to target: [Int]) -> Bool { (try? broadcast(target, shape)) == target }

    /// `axis` counted from the front.
    func axis(_ axis: Int, rank: Int) throws(GraphError) -> Int {
        guard axis >= -rank, axis < rank else {
            throw invalid("axis \(axis) is out of range for \(rank) dimensions, expected \(-rank)...\(rank - 1)")
        }
        return axis < 0 ? axis + rank : axis
    }

    /// How many of an operator's outputs the node has; all of them where it does not say.
    func outputCount(of all: Int) -> Int {
        let stated = max(node.outputs.count, node.outputNames.count)
        return stated == 0 ? all : min(stated, all)
    }

    /// The value of a float input that is one constant number; nil for anything else.
    func constantScalar(_ slot: Int) -> Float? {
        guard let constant = constant(slot), constant.desc.elementCount == 1 else {
            return nil
        }
        return constant.floats?.first
    }
}

extension Lowering {
    /// Emits a native kernel with one output; nil says that no kernel takes the type.
    func native(_ kernel: (any NativeKernel)?, _ inputs: [Value]) throws -> [Value] {
        guard let kernel else {
            let types = inputs.map { "\(builder.desc($0).dataType)" }.joined(separator: ", ")
            throw inference.invalid("there is no kernel for inputs of type \(types)")
        }
        return try builder.native(kernel, inputs: inputs, outputs: outputs)
    }

    /// Emits what `body` emits under another shape than the output's, leaving the followers for afterwards: their
    /// operands are meant for the output's shape.
    func withoutFollowers<Result>(_ body: () throws -> Result) rethrows -> Result {
        let pending = builder.followers
        builder.followers = []
        defer { builder.followers = pending }
        return try body()
    }

    /// The same value in another element type.
    func cast(_ value: Value, to type: DataType) throws -> Value {
        let desc = builder.desc(value)
        guard desc.dataType != type else { return value }
        let kernel = castKernel(from: desc.dataType, to: type, count: desc.elementCount ?? 0)
        guard let kernel else { throw inference.invalid("there is no conversion from \(desc.dataType) to \(type)") }
        return try builder.native(kernel, inputs: [value], outputs: [TensorDesc(type, desc.shape)])[0]
    }
}
