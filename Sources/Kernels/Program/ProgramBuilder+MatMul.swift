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
        let left = transposeA ? try transpose(a, swappingLast(shape(a).count)) : a
        let right = transposeB ? try transpose(b, swappingLast(shape(b).count)) : b
        if isConstant(b), shape(b).dropLast(2).allSatisfy({ $0 == 1 }) {
            // One matrix for the whole batch: the batch's rows are rows of one tall matrix.
            let rows = [output.shape.dropLast().reduce(1, *), shape(left)[shape(left).count - 1]]
            return try constantProduct(
                reshape(left, to: rows), reshape(right, to: Array(shape(right).suffix(2))), bias: bias, output: output)
        }
        if let bias { followers.insert(.binary(.add, bias), at: 0) }
        return try product(left, right, output: output)
    }

    private func swappingLast(_ rank: Int) -> [Int] {
        var permutation = Array(0..<rank)
        permutation.swapAt(rank - 1, rank - 2)
        return permutation
    }
}
