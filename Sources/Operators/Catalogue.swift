// SPDX-License-Identifier: Apache-2.0

/// All operators that run here, by GE type.
public enum Catalogue {
    /// One line per family; each family's file lists its operators.
    private static let families: [[Operator]] = [
        ElementwiseUnary.operators, ElementwiseBinary.operators, Activation.operators, Comparison.operators,
        Cast.operators,
        Reduction.operators, Cumulative.operators, ArgMax.operators, TopK.operators, Softmax.operators,
        Normalization.operators, BatchNormalization.operators,
        MatMul.operators, Convolution.operators, Pooling.operators, Resize.operators, Recurrent.operators,

        Reshape.operators, Identity.operators, ShapeQuery.operators, Transpose.operators, Slicing.operators,
        Gather.operators, Concat.operators, Split.operators, Pad.operators, Expand.operators, Select.operators,
        Fill.operators, Series.operators, OneHot.operators, SpaceDepth.operators, Scatter.operators,
        Reverse.operators, Triangle.operators, Aipp.operators, RefusedBranch.operators,
    ]

    private static let byType: [String: Operator] = Dictionary(
        families.joined().map { ($0.type, $0) }, uniquingKeysWith: { first, _ in first })

    public static subscript(type type: String) -> Operator? { byType[type] }

    public static var types: [String] { byType.keys.sorted() }
}
