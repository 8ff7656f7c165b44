// SPDX-License-Identifier: Apache-2.0

public import GEGraph
internal import VectorFunctions

extension ProgramBuilder {
    /// Normalises rows of a float tensor [rows, length], then multiplies them by factors and adds terms.
    ///
    /// - parameters: the factors, one for each element of a row, or for each row, which takes number i modulo their
    ///   count, and as many terms; nil for neither.
    public func rowNormalization(
        _ x: Value, parameters: (factors: Value, terms: Value)?, _ placement: RowParameters, epsilon: Float,
        output: TensorDesc
    ) throws -> Value {
        var loop = NormalizationLoop(rows: shape(x)[0], length: shape(x)[1], epsilon: epsilon, parameters: .none)
        if parameters != nil {
            switch placement {
            case .perElement: loop.parameters = .ofElement
            case .perRow(let period): loop.parameters = .ofRow(period: period)
            }
        }
        let operands = parameters.map { [$0.factors, $0.terms] } ?? []
        return try native(VectorNormalizationKernel(loop), inputs: [x] + operands, outputs: [output])[0]
    }
}
