// SPDX-License-Identifier: Apache-2.0

import GEGraph

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
            lower: { [try $0.cast($0.input(0), to: $0.outputs[0].dataType)] })
    ]
}
