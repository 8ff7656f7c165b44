// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// Where batch, channels and spatial dimensions are.
struct ImageLayout {
    let channelsLast: Bool
    /// 2 or 3.
    let spatialRank: Int

    /// Reads the attribute `data_format`, else the input's own format, else takes `fallback`.
    init(_ node: Inference, _ x: TensorDesc, spatialRank: Int, fallback: String) throws(GraphError) {
        let formats: [Format: String] = [.nchw: "NCHW", .nhwc: "NHWC", .ncdhw: "NCDHW", .ndhwc: "NDHWC"]
        let name = node.attributes.string("data_format") ?? formats[x.format] ?? fallback
        switch (name, spatialRank) {
        case ("NCHW", 2), ("NCDHW", 3), ("NCHW", 3): channelsLast = false
        case ("NHWC", 2), ("NDHWC", 3): channelsLast = true
        default: throw node.invalid("attribute data_format is \(name), expected \(fallback) or its counterpart")
        }
        self.spatialRank = spatialRank
        guard x.shape.count == spatialRank + 2 else {
            throw node.invalid("the input has the shape \(x.shape), expected \(spatialRank + 2) dimensions (\(name))")
        }
    }

    /// `shape` in the order batch, channels, spatial.
    func channelsFirst(_ shape: [Int]) -> [Int] {
        channelsLast ? [shape[0], shape[shape.count - 1]] + shape[1..<shape.count - 1] : shape
    }

    /// `shape`, given as batch, channels, spatial, in this layout's order.
    func own(_ shape: [Int]) -> [Int] { channelsLast ? [shape[0]] + shape[2...] + [shape[1]] : shape }

    func channelsFirst(_ value: Value, _ builder: ProgramBuilder) throws -> Value {
        channelsLast ? try builder.transpose(value, [0, spatialRank + 1] + Array(1...spatialRank)) : value
    }

    /// The result of `body`, which computes batch, channels, spatial, in this layout's order. Followers are
    /// applied before, with their operands in the order of `body`.
    func own(_ builder: ProgramBuilder, _ body: () throws -> Value) throws -> Value {
        guard channelsLast else { return try body() }
        builder.followers = try builder.followers.map { follower in
            guard case .binary(let function, let operand) = follower else { return follower }
            let shape = builder.shape(operand)
            let full = try builder.reshape(
                operand, to: Array(repeating: 1, count: spatialRank + 2 - shape.count) + shape)
            return .binary(function, try channelsFirst(full, builder))
        }
        let result = try builder.applyFollowers(to: body())
        return try builder.transpose(result, [0] + Array(2..<spatialRank + 2) + [1])
    }
}

/// How a window moves over an image; one number per spatial dimension.
struct Window {
    var kernel: [Int]
    var strides: [Int]
    var dilations: [Int]
    var padsBegin: [Int]
    var padsEnd: [Int]

    /// Reads strides, dilations and pads, each with one number per dimension, or one per spatial dimension, or one.
    init(
        _ node: Inference, _ layout: ImageLayout, kernel: [Int], input: [Int], strides: String = "strides",
        dilations: String = "dilations"
    ) throws(GraphError) {
        self.kernel = kernel
        self.strides = try Window.spatial(node, strides, layout) ?? kernel.map { _ in 1 }
        self.dilations = try Window.spatial(node, dilations, layout) ?? kernel.map { _ in 1 }
        padsBegin = kernel.map { _ in 0 }
        padsEnd = padsBegin
        // Below int32 no sum here can overflow.
        for number in kernel + self.strides + self.dilations {
            guard (1...Int(Int32.max)).contains(number) else {
                throw node.invalid(
                    "kernel \(kernel), strides \(self.strides) and dilations \(self.dilations) must be positive")
            }
        }
        guard input.allSatisfy({ $0 <= Int(Int32.max) }) else { throw node.invalid("the image \(input) is too large") }
        let mode =
            node.attributes.string("auto_pad") ?? node.attributes.string("padding_mode")
            ?? node.attributes.string("padding") ?? "CALCULATED"
        switch mode {
        case "NOTSET", "CALCULATED", "EXPLICIT":
            let pads = node.attributes.ints("pads") ?? []
            guard pads.isEmpty || pads.count == kernel.count * 2, pads.allSatisfy({ (0...Int(Int32.max)).contains($0) })
            else { throw node.invalid("attribute pads is \(pads), expected \(kernel.count * 2) numbers of at least 0") }
            for dimension in kernel.indices where !pads.isEmpty {
                padsBegin[dimension] = pads[dimension * 2]
                padsEnd[dimension] = pads[dimension * 2 + 1]
            }
        case "VALID": break
        case "SAME", "SAME_UPPER", "SAME_LOWER":
            for dimension in kernel.indices {
                let size = input[dimension]
                let count = (size + self.strides[dimension] - 1) / self.strides[dimension]
                let total = max(0, (count - 1) * self.strides[dimension] + reach(dimension) - size)
                padsBegin[dimension] = mode == "SAME_LOWER" ? (total + 1) / 2 : total / 2
                padsEnd[dimension] = total - padsBegin[dimension]
            }
        default: throw node.invalid("the padding mode is \(mode), expected SAME, VALID or explicit pads")
        }
    }

    /// The numbers of an attribute that belong to the spatial dimensions.
    static func spatial(_ node: Inference, _ name: String, _ layout: ImageLayout) throws(GraphError) -> [Int]? {
        guard let values = node.attributes.ints(name), !values.isEmpty else { return nil }
        switch values.count {
        case layout.spatialRank + 2: return Array(layout.channelsFirst(values)[2...])
        case layout.spatialRank: return values
        case 1: return Array(repeating: values[0], count: layout.spatialRank)
        default: throw node.invalid("attribute \(name) is \(values), expected \(layout.spatialRank + 2) numbers")
        }
    }

    /// Elements that the window spans.
    func reach(_ dimension: Int) -> Int { (kernel[dimension] - 1) * dilations[dimension] + 1 }

    /// How many windows there are in each dimension; with `ceil` a last one may reach beyond the padding, if it begins
    /// before it.
    func outputSizes(_ node: Inference, input: [Int], ceil: Bool = false) throws(GraphError) -> [Int] {
        var sizes: [Int] = []
        for dimension in kernel.indices {
            let room = input[dimension] + padsBegin[dimension] + padsEnd[dimension] - reach(dimension)
            guard room >= 0 else {
                throw node.invalid(
                    "the window spans \(reach(dimension)) elements, but the padded image \(input) has only "
                        + "\(room + reach(dimension))")
            }
            let step = strides[dimension]
            var count = (ceil ? room + step - 1 : room) / step + 1
            if ceil, (count - 1) * step >= input[dimension] + padsBegin[dimension] { count -= 1 }
            sizes.append(count)
        }
        return sizes
    }
}
