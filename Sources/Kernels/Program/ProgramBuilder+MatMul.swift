// SPDX-License-Identifier: Apache-2.0

internal import COneDNN
public import GEGraph

extension ProgramBuilder {
    /// Matrix product over the last two dimensions; leading dimensions broadcast as numpy's do.
    ///
    /// - a: [batch…, M, K], or [batch…, K, M] with `transposeA`. - b: [batch…, K, N], or [batch…, N, K].
    /// - bias: added to the product; [N] or any shape that broadcasts to the product.
    /// - output: descriptor of the product [batch…, M, N].
    public func matmul(
        _ a: Value, _ b: Value, transposeA: Bool, transposeB: Bool, bias: Value?, output: TensorDesc
    ) throws -> Value {
        var left = transposeA ? try transpose(a, swappingLast(shape(a).count)) : a
        var right = transposeB ? try transpose(b, swappingLast(shape(b).count)) : b
        let isMatrix = shape(right).dropLast(2).allSatisfy { $0 == 1 } && output.shape.count > 2
        var product = output.shape
        if isMatrix {
            // One matrix for the whole batch: the batch's rows are rows of one tall matrix.
            let rows = output.shape.dropLast().reduce(1, *)
            product = [rows, output.shape[output.shape.count - 1]]
            left = try reshape(left, to: [rows, shape(left)[shape(left).count - 1]])
            right = try reshape(right, to: Array(shape(right).suffix(2)))
        } else {
            left = try prepend(left, rank: product.count)
            right = try prepend(right, rank: product.count)
        }
        var biasValue: Value?
        if let bias {
            if shape(bias).reduce(1, *) == product[product.count - 1] {
                biasValue = try reshape(
                    bias, to: [Int](repeating: 1, count: product.count - 1) + [product[product.count - 1]])
            } else {
                postOperations.insert(.binary(.add, bias), at: 0)
            }
        }
        if isMatrix || product.count == 2, isConstant(right) {
            if let result = try vectorProduct(left, right, bias: biasValue, output: output) { return result }
            return try innerProduct(left, right, bias: biasValue, product: product, output: output)
        }
        do {
            return try emitMatMul(left, right, bias: biasValue, product: product, output: output)
        } catch let error as OneDNNError where error.isUnimplemented {
            // A transposed view that no implementation reads: give it the memory order that it claims.
            return try emitMatMul(plain(left), plain(right), bias: biasValue, product: product, output: output)
        }
    }

    /// A product with a constant matrix `b` [K, N], which oneDNN packs once: quicker than its general matrix product.
    private func innerProduct(
        _ a: Value, _ b: Value, bias: Value?, product: [Int], output: TensorDesc
    ) throws -> Value {
        let type = desc(a).dataType
        let engine = try Engine.shared()
        let rows = try plain(a)
        let columns = try transpose(b, [1, 0])
        let source = try layout(of: rows)
        let weights = try MemoryDescriptor.any(type, shape(columns))
        let biasLayout = try bias.map { _ in try MemoryDescriptor(type, [product[1]]) }
        let destination = try MemoryDescriptor(type, product)
        return try emitWithPostOperations(output: output, shape: product) { attributes throws(OneDNNError) in
            try unsafe PrimitiveDescriptor("dnnl_inner_product_forward_primitive_desc_create") {
                unsafe dnnl_inner_product_forward_primitive_desc_create(
                    &$0, engine.handle, dnnl_forward_inference, source.handle, weights.handle, biasLayout?.handle,
                    destination.handle, attributes.handle)
            }
        } operands: { descriptor in
            var operands = [
                (DNNL_ARG_SRC, try operand(rows, source)),
                (DNNL_ARG_WEIGHTS, try operand(columns, descriptor.weights())),
            ]
            if let bias, let biasLayout { operands.append((DNNL_ARG_BIAS, try operand(bias, biasLayout))) }
            return operands
        }
    }

    private func emitMatMul(
        _ a: Value, _ b: Value, bias: Value?, product: [Int], output: TensorDesc
    ) throws -> Value {
        let type = desc(a).dataType
        let engine = try Engine.shared()
        let source = try layout(of: a)
        let weights = isConstant(b) ? try MemoryDescriptor.any(type, shape(b)) : try layout(of: b)
        let biasLayout = try bias.map { try MemoryDescriptor(type, shape($0)) }
        let destination = try MemoryDescriptor(type, product)
        return try emitWithPostOperations(output: output, shape: product) { attributes throws(OneDNNError) in
            try unsafe PrimitiveDescriptor("dnnl_matmul_primitive_desc_create") {
                unsafe dnnl_matmul_primitive_desc_create(
                    &$0, engine.handle, source.handle, weights.handle, biasLayout?.handle, destination.handle,
                    attributes.handle)
            }
        } operands: { descriptor in
            var operands = [
                (DNNL_ARG_SRC, try operand(a, source)), (DNNL_ARG_WEIGHTS, try operand(b, descriptor.weights())),
            ]
            if let bias, let biasLayout { operands.append((DNNL_ARG_BIAS, try operand(bias, biasLayout))) }
            return operands
        }
    }

    private func swappingLast(_ rank: Int) -> [Int] {
        var permutation = Array(0..<rank)
        permutation.swapAt(rank - 1, rank - 2)
        return permutation
    }

    private func prepend(_ value: Value, rank: Int) throws -> Value {
        let missing = rank - shape(value).count
        return missing > 0 ? try reshape(value, to: [Int](repeating: 1, count: missing) + shape(value)) : value
    }
}
