// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels

/// Cast: attribute `dst_type`, the number of a `ge::DataType`.
enum Cast {
    static let operators: [Operator] = [
        Operator(
            "Cast",
            infer: { node throws(GraphError) in
                let x = try node.input(0, of: Types.all)
                guard let type = node.attributes.dataType("dst_type") else {
                    throw node.invalid("attribute dst_type is missing or is no data type")
                }
                guard Types.all.contains(type) else { throw node.invalid("a cast to \(type) is not supported") }
                return [try node.output(type, x.shape, format: x.format)]
            },
            lower: { [try $0.cast($0.input(0), to: $0.outputs[0].dataType)] }),
        roundToShort,
    ]

    /// float32 rounded to the values of the short type `dst_type`: what graphs in such a type become to be computed in
    /// float32. Not in files.
    private static let roundToShort = Operator(
        "RoundToShort",
        infer: { node throws(GraphError) in
            let x = try node.staticInput(0, of: [.float])
            guard let type = node.attributes.dataType("dst_type"), type == .float16 || type == .bfloat16 else {
                throw node.invalid("attribute dst_type is no float of 16 bits")
            }
            return [try node.output(.float, x.shape, format: x.format)]
        },
        lower: { lowering in
            let x = try lowering.input(0)
            let kernel = RoundToShortKernel(
                count: lowering.outputs[0].elementCount ?? 0, type: lowering.attributes.dataType("dst_type") ?? .float16
            )
            return try lowering.builder.roundToShort(x, kernel)
        })
}
