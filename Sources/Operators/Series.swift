// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels

/// Numbers at equal distances. Start, limit and distance must be known, as they make the shape of the result.
enum Series {
    static let operators: [Operator] = [
        series("Range") { node throws(GraphError) in
            try node.checkSameType([0, 1, 2])
            var bounds: [Double] = []
            for slot in 0..<3 {
                guard slot < node.constants.count, let numbers = node.constants[slot]?.numbers, numbers.count == 1
                else {
                    throw node.invalid("input \(slot) must be a constant with one number")
                }
                bounds.append(numbers[0])
            }
            return (bounds, try node.input(0).dataType)
        },
        series("RangeD") { node throws(GraphError) in
            var bounds: [Double] = []
            for name in ["start", "limit", "delta"] {
                guard let value = node.attributes.float(name) else {
                    throw node.invalid("attribute \(name) is missing, expected a number")
                }
                bounds.append(Double(value))
            }
            return (bounds, try node.input(0).dataType)
        },
    ]

    /// - bounds: start, limit, distance, and the type of the result.
    private static func series(
        _ type: String, bounds: @escaping @Sendable (Inference) throws(GraphError) -> ([Double], DataType)
    ) -> Operator {
        @Sendable func result(_ node: Inference) throws(GraphError) -> Constant {
            let (bounds, dataType) = try bounds(node)
            let (start, limit, delta) = (bounds[0], bounds[1], bounds[2])
            guard delta != 0, bounds.allSatisfy(\.isFinite) else {
                throw node.invalid("a range from \(start) to \(limit) in steps of \(delta) has no end")
            }
            let steps = (limit - start) / delta
            let count = node.attributes.bool("is_closed") == true ? steps.rounded(.down) + 1 : steps.rounded(.up)
            guard count <= Double(Inference.largestConstant / 16) else {
                throw node.invalid("a range from \(start) to \(limit) in steps of \(delta) is too long")
            }
            let numbers = (0..<Int(max(0, count))).map { start + Double($0) * delta }
            guard let constant = Constant(numbers: numbers, dataType: dataType) else {
                throw node.invalid(
                    "a range from \(start) to \(limit) in steps of \(delta) does not consist of numbers "
                        + "of type \(dataType)"
                )
            }
            return constant
        }
        return Operator(
            type, infer: { node throws(GraphError) in [try result(node).desc] },
            lower: { lowering in [lowering.builder.constant(try result(lowering.inference))] })
    }
}
