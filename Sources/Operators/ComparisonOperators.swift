// SPDX-License-Identifier: Apache-2.0

import Kernels

/// Comparisons, and the logic of booleans.
enum Comparison {
    static let operators: [Operator] = [
        ElementwiseBinary.binary("Equal", Types.all, .equal),
        ElementwiseBinary.binary("NotEqual", Types.all, .notEqual),
        ElementwiseBinary.binary("Greater", Types.numbers, .greater),
        ElementwiseBinary.binary("GreaterEqual", Types.numbers, .greaterEqual),
        ElementwiseBinary.binary("Less", Types.numbers, .less),
        ElementwiseBinary.binary("LessEqual", Types.numbers, .lessEqual),
        ElementwiseBinary.binary("LogicalAnd", Types.bool, .logicalAnd),
        ElementwiseBinary.binary("LogicalOr", Types.bool, .logicalOr),
        ElementwiseBinary.binary("LogicalXor", Types.bool, .logicalXor),
    ]
}
