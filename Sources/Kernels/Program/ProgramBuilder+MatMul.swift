// SPDX-License-Identifier: Apache-2.0

public import GEGraph

extension ProgramBuilder {
    /// Matrix product over the last two dimensions of float tensors; leading dimensions broadcast as numpy's do.
    ///
    /// - a: [batch…, M, K], or [batch…, K, M] with `transposeA`. - b: [batch…, K, N], or [batch…, N, K].
    /// - bias: added to the product; [N] or any shape that broadcasts to the product.
    /// - output: descriptor of the product [batch…, M, N].
    public func matmul(
        _ a: Value, _ b: Value, transposeA: Bool, transposeB: Bool, bias: Value?, output: TensorDesc
    ) throws -> Value {
        if shape(b).dropLast(2).allSatisfy({ $0 == 1 }) {
            // One matrix for the whole batch: the batch's rows are rows of one tall matrix.
            let left = transposeA ? try transpose(a, swappingLast(shape(a).count)) : a
            let matrix = try reshape(b, to: Array(shape(b).suffix(2)))
            let right = transposeB ? try transpose(matrix, [1, 0]) : matrix
            let depth = shape(left)[shape(left).count - 1]
            return try vectorProduct(
                reshape(left, to: [output.shape.dropLast().reduce(1, *), depth]), right, bias: bias, output: output)
        }
        if let bias { followers.insert(.binary(.add, bias), at: 0) }
        let kernel = matMulKernel(
            .float, shape(a), shape(b), output: output.shape, transposesFirst: transposeA, transposesSecond: transposeB)
        guard let kernel else {
            throw GraphError.invalidNode(node: nodeName, type: nodeType, reason: "there is no kernel for its type")
        }
        return try native(kernel, inputs: [a, b], outputs: [output])[0]
    }

    private func swappingLast(_ rank: Int) -> [Int] {
        var permutation = Array(0..<rank)
        permutation.swapAt(rank - 1, rank - 2)
        return permutation
    }
}
