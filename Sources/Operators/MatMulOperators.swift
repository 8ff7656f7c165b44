// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Matrix products. Inputs: x1, x2, bias? (and offset_w?, of quantized products, which must be absent).
enum MatMul {
    static let operators: [Operator] = [
        matMul("MatMul"), matMul("MatMulV2"), matMul("BatchMatMul"), matMul("BatchMatMulV2"), fullyConnection,
    ]

    private static let types = Types.reals.union([.int32, .int64, .uint32, .uint64])

    /// Operands and result as matrices with leading batch dimensions.
    private struct Product {
        var first: [Int]
        var second: [Int]
        let transposesFirst: Bool
        let transposesSecond: Bool
        /// [batch…, M, N]; `shape` lacks the dimensions that vectors as operands do not have.
        let matrix: [Int]
        let shape: [Int]

        init(_ node: Inference, _ x1: [Int], _ x2: [Int]) throws(GraphError) {
            guard !x1.isEmpty, !x2.isEmpty else {
                throw node.invalid("the operands have the shapes \(x1) and \(x2), expected vectors or matrices")
            }
            first = x1.count == 1 ? [1, x1[0]] : x1
            second = x2.count == 1 ? [x2[0], 1] : x2
            transposesFirst = x1.count > 1 && Product.flag(node, "transpose_x1", "adj_x1")
            transposesSecond = x2.count > 1 && Product.flag(node, "transpose_x2", "adj_x2")
            let (left, right) = (Array(first.suffix(2)), Array(second.suffix(2)))
            let (rows, depth) = transposesFirst ? (left[1], left[0]) : (left[0], left[1])
            let (otherDepth, columns) = transposesSecond ? (right[1], right[0]) : (right[0], right[1])
            guard depth == otherDepth else {
                throw node.invalid(
                    "the inner dimensions of \(x1) and \(x2) are \(depth) and \(otherDepth), expected equal ones")
            }
            let batch = try node.broadcast(Array(first.dropLast(2)), Array(second.dropLast(2)))
            matrix = batch + [rows, columns]
            shape = batch + (x1.count > 1 ? [rows] : []) + (x2.count > 1 ? [columns] : [])
        }

        private static func flag(_ node: Inference, _ names: String...) -> Bool {
            names.contains { node.attributes.bool($0) == true }
        }
    }

    private static func matMul(_ type: String) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let x1 = try node.staticInput(0, of: types)
                let x2 = try node.staticInput(1, of: [x1.dataType])
                let product = try Product(node, x1.shape, x2.shape)
                if node.hasInput(2) {
                    let bias = try node.input(2, of: [x1.dataType])
                    guard node.broadcasts(bias.shape, to: product.shape) else {
                        throw node.invalid(
                            "the bias has the shape \(bias.shape), expected one that broadcasts to \(product.shape)")
                    }
                }
                guard !node.hasInput(3) else { throw node.invalid("input 3, offset_w, is not supported") }
                _ = try node.output(x1.dataType, product.matrix)
                return [try node.output(x1.dataType, product.shape)]
            },
            lower: { lowering in
                let (x1, x2) = (try lowering.input(0), try lowering.input(1))
                let product = try Product(lowering.inference, lowering.builder.shape(x1), lowering.builder.shape(x2))
                let bias = lowering.inputs.count > 2 ? lowering.inputs[2] : nil
                return [try apply(product, x1, x2, bias, lowering)]
            },
            fusesFollowers: true)
    }

    /// Emits the product of x1 and the transpose of x2, both with leading batch dimensions, for other operators.
    static func timesTransposed(_ x1: Value, _ x2: Value, _ lowering: Lowering) throws -> Value {
        let (first, second) = (lowering.builder.shape(x1), lowering.builder.shape(x2))
        let node = Inference(
            node: Node(name: lowering.node.name, type: lowering.node.type, attributes: ["transpose_x2": .bool(true)]),
            inputs: [], constants: [])
        let product = try Product(node, first, second)
        let step = Lowering(
            inference: lowering.inference, inputs: [x1, x2],
            outputs: [TensorDesc(lowering.builder.desc(x1).dataType, product.shape)], builder: lowering.builder)
        return try apply(product, x1, x2, nil, step)
    }

    private static func apply(
        _ product: Product, _ x1: Value, _ x2: Value, _ bias: Value?, _ lowering: Lowering
    ) throws -> Value {
        let builder = lowering.builder
        let type = lowering.outputs[0].dataType
        let first = try builder.reshape(x1, to: product.first)
        let second = try builder.reshape(x2, to: product.second)
        let depth =
            product.transposesFirst ? product.first[product.first.count - 2] : product.first[product.first.count - 1]
        if Types.reals.subtracting([.double]).contains(type), depth > 0, !product.matrix.contains(0) {
            // A row is the product's own bias; any other is added like the operators that follow.
            let isRow =
                bias.map { bias in
                    builder.shape(bias).last == product.matrix.last
                        && builder.desc(bias).elementCount == product.matrix.last
                } ?? false
            let emit = {
                try builder.matmul(
                    lowering.cast(first, to: .float), lowering.cast(second, to: .float),
                    transposeA: product.transposesFirst, transposeB: product.transposesSecond,
                    bias: isRow ? bias.map { try lowering.cast($0, to: .float) } : nil,
                    output: TensorDesc(.float, product.matrix))
            }
            let addend = isRow ? nil : bias
            let isPlain = product.matrix == product.shape && addend == nil
            let result = try isPlain ? emit() : lowering.withoutFollowers(emit)
            let shaped = try lowering.cast(builder.reshape(result, to: product.shape), to: type)
            return try addend.map { try ElementwiseBinary.apply(.add, shaped, $0, lowering) } ?? shaped
        }
        let kernel = matMulKernel(
            type, product.first, product.second, output: product.matrix, transposesFirst: product.transposesFirst,
            transposesSecond: product.transposesSecond)
        let result = try lowering.native(kernel, [first, second])[0]
        guard let bias else { return result }
        return try ElementwiseBinary.apply(.add, result, bias, lowering)
    }

    /// The rows of x, flattened from `axis` on, times the transpose of w [num_output, K] (or w itself, [K, num_output],
    /// with `transpose`), plus b.
    private static let fullyConnection = Operator(
        "FullyConnection",
        infer: { node throws(GraphError) in
            let x = try node.staticInput(0, of: types)
            let (_, _, rows, columns) = try connection(node)
            let axis = node.attributes.int("axis") ?? 1
            if node.hasInput(2) {
                let bias = try node.input(2, of: [x.dataType])
                guard bias.elementCount == columns else {
                    throw node.invalid("the bias has the shape \(bias.shape), expected \(columns) elements")
                }
            }
            guard !node.hasInput(3) else { throw node.invalid("input 3, offset_w, is not supported") }
            var shape = Array(x.shape.prefix(axis)) + [columns]
            // Files state the result of a product over feature maps with trailing dimensions of 1.
            if let stated = node.node.outputs.first?.shape, stated.count > shape.count,
                Array(stated.prefix(shape.count)) == shape,
                stated.dropFirst(shape.count).allSatisfy({ $0 == 1 })
            {
                shape = stated
            }
            _ = try node.output(x.dataType, [rows, columns])
            return [try node.output(x.dataType, shape, format: x.format)]
        },
        lower: { lowering in
            let (first, second, rows, columns) = try connection(lowering.inference)
            let node = Inference(
                node: Node(
                    name: lowering.node.name, type: lowering.node.type,
                    attributes: ["transpose_x2": .bool(lowering.attributes.bool("transpose") != true)]),
                inputs: [], constants: [])
            let product = try Product(node, first, second)
            let step = Lowering(
                inference: lowering.inference, inputs: lowering.inputs,
                outputs: [TensorDesc(lowering.outputs[0].dataType, [rows, columns])], builder: lowering.builder)
            let bias = try (lowering.inputs.count > 2 ? lowering.inputs[2] : nil)
                .map { try lowering.builder.reshape($0, to: [columns]) }
            let emit = { try apply(product, lowering.input(0), lowering.input(1), bias, step) }
            if lowering.outputs[0].shape == [rows, columns] { return [try emit()] }
            return [try lowering.builder.reshape(lowering.withoutFollowers(emit), to: lowering.outputs[0].shape)]
        })

    /// The shapes of x and w as matrices, and of the result.
    private static func connection(
        _ node: Inference
    ) throws(GraphError) -> (first: [Int], second: [Int], rows: Int, columns: Int) {
        let x = try node.input(0)
        let w = try node.staticInput(1, of: [x.dataType])
        let axis = node.attributes.int("axis") ?? 1
        guard axis == 1 || axis == 2, x.shape.count >= axis else {
            throw node.invalid("attribute axis is \(axis), expected 1 or 2 and a dimension of \(x.shape)")
        }
        guard let columns = node.attributes.int("num_output"), columns > 0, let weights = w.elementCount,
            weights % columns == 0, x.elementCount != nil
        else { throw node.invalid("attribute num_output does not divide the weights \(w.shape)") }
        let depth = weights / columns
        let rows = x.shape.prefix(axis).reduce(1, *)
        guard x.shape.dropFirst(axis).reduce(1, *) == depth else {
            throw node.invalid("input 0 has the shape \(x.shape), expected \(depth) elements from axis \(axis) on")
        }
        let isTransposed = node.attributes.bool("transpose") == true
        return ([rows, depth], isTransposed ? [depth, columns] : [columns, depth], rows, columns)
    }
}
