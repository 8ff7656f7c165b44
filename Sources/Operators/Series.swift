// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Numbers at equal distances. Start, limit and distance must be known, as they make the shape of the result.
enum Series {
    static let operators: [Operator] = [
        series("Range") { node throws(GraphError) in
            try node.checkSameType([0, 1, 2])
            var bounds: [Double] = []
            for slot in 0..<3 {
                guard let numbers = node.constant(slot)?.numbers, numbers.count == 1
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
        @Sendable func numbers(_ node: Inference) throws(GraphError) -> (
            start: Double, delta: Double, count: Int, DataType
        ) {
            let (bounds, dataType) = try bounds(node)
            let (start, limit, delta) = (bounds[0], bounds[1], bounds[2])
            guard delta != 0, bounds.allSatisfy(\.isFinite) else {
                throw node.invalid("a range from \(start) to \(limit) in steps of \(delta) has no end")
            }
            let steps = (limit - start) / delta
            let count = node.attributes.bool("is_closed") == true ? steps.rounded(.down) + 1 : steps.rounded(.up)
            guard count <= Double(Inference.largestConstant / 8) else {
                throw node.invalid("a range from \(start) to \(limit) in steps of \(delta) is too long")
            }
            let whole = Int(saturating: max(0, count))
            // Whether the first and the last number are of the type says so of all between.
            for place in [0, whole - 1] where whole > 0 {
                guard Constant(number: start + Double(place) * delta, dataType: dataType) != nil else {
                    throw node.invalid(
                        "a range from \(start) to \(limit) in steps of \(delta) does not consist of numbers "
                            + "of type \(dataType)")
                }
            }
            return (start, delta, whole, dataType)
        }
        return Operator(
            type,
            infer: { node throws(GraphError) in
                let series = try numbers(node)
                return [try node.output(series.3, [series.count])]
            },
            lower: { lowering in
                let series = try numbers(lowering.inference)
                let values = (0..<series.count).map { series.start + Double($0) * series.delta }
                guard let constant = Constant(numbers: values, dataType: series.3) else {
                    throw lowering.inference.invalid("a number of the range is none of type \(series.3)")
                }
                return [lowering.builder.constant(constant)]
            })
    }
}
