// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

let convolutionRules: [String: Rule] = ["Conv": importConv, "ConvTranspose": importConvTranspose]

/// The window of a convolution or a pooling over the spatial dimensions.
struct Window {
    var kernel: [Int]
    var strides: [Int]
    var dilations: [Int]
    /// Begin and end of each spatial dimension in turn.
    var pads: [Int]

    /// Reads the attributes; `auto_pad` becomes numbers, for which the spatial size of the input must be known.
    init(_ op: NodeContext, kernel: [Int], input: [Int], ceilMode: Bool = false) throws(ConversionError) {
        let rank = kernel.count
        self.kernel = kernel
        strides = op.ints("strides") ?? [Int](repeating: 1, count: rank)
        dilations = op.ints("dilations") ?? [Int](repeating: 1, count: rank)
        guard strides.count == rank, dilations.count == rank, strides.allSatisfy({ $0 > 0 }),
            dilations.allSatisfy({ $0 > 0 }), kernel.allSatisfy({ $0 > 0 })
        else {
            throw op.invalid("strides, dilations and kernel must be positive and have \(rank) numbers each.")
        }
        let autoPad = op.string("auto_pad", "NOTSET")
        switch autoPad {
        case "NOTSET":
            // ONNX lists all begins, then all ends.
            let given = op.ints("pads") ?? [Int](repeating: 0, count: rank * 2)
            guard given.count == rank * 2 else { throw op.invalid("pads must have \(rank * 2) numbers.") }
            pads = (0..<rank).flatMap { [given[$0], given[$0 + rank]] }
        case "VALID": pads = [Int](repeating: 0, count: rank * 2)
        case "SAME_UPPER", "SAME_LOWER":
            guard input.allSatisfy({ $0 > 0 }) else {
                throw op.unsupported("auto_pad [\(autoPad)] with an input of unknown size.")
            }
            pads = []
            for axis in 0..<rank {
                let output = (input[axis] + strides[axis] - 1) / strides[axis]
                let reach = (output - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] + 1
                let total = max(0, reach - input[axis])
                let small = total / 2
                pads += autoPad == "SAME_UPPER" ? [small, total - small] : [total - small, small]
            }
        default: throw op.invalid("auto_pad [\(autoPad)].")
        }
    }

    /// Widens a window over one dimension to two, the first of size 1, as GE has no one-dimensional operators.
    mutating func widen() {
        kernel.insert(1, at: 0)
        strides.insert(1, at: 0)
        dilations.insert(1, at: 0)
        pads.insert(contentsOf: [0, 0], at: 0)
    }

    /// GE's attribute form, with the batch and channel dimensions in front.
    static func full(_ values: [Int], lead: Int64 = 1) -> Attribute { .ints([lead, lead] + values.map { Int64($0) }) }
    var padsAttribute: Attribute { .ints(pads.map { Int64($0) }) }
}

/// What Conv and ConvTranspose share: input, filter and bias, spread to two dimensions where the model has one.
private struct ConvolutionParts {
    var x: TensorRef
    var filter: TensorRef
    let bias: TensorRef?
    let isOneDimensional: Bool
    let spatialRank: Int

    init(_ op: NodeContext) throws(ConversionError) {
        x = try op.input(0)
        filter = try op.input(1)
        bias = op.optionalInput(2)
        spatialRank = try op.rank(x) - 2
        isOneDimensional = spatialRank == 1
        guard (1...3).contains(spatialRank), try op.rank(filter) == spatialRank + 2 else {
            throw op.unsupported("a convolution over \(spatialRank) dimensions.")
        }
    }

    /// Sizes of the kernel: the filter's, which must be known.
    func kernel(_ op: NodeContext) throws(ConversionError) -> [Int] {
        let kernel = Array(op.desc(filter).shape.dropFirst(2))
        guard kernel.allSatisfy({ $0 > 0 }) else { throw op.unsupported("a filter of unknown size.") }
        if let given = op.ints("kernel_shape"), given != kernel {
            throw op.invalid("kernel_shape \(given) differs from the filter's \(kernel).")
        }
        return kernel
    }

    mutating func widen(_ op: NodeContext) throws(ConversionError) {
        x = try op.unsqueeze(x, [2])
        filter = try op.unsqueeze(filter, [2])
    }
}

private func importConv(_ op: NodeContext) throws(ConversionError) {
    var parts = try ConvolutionParts(op)
    var window = try Window(op, kernel: parts.kernel(op), input: Array(op.desc(parts.x).shape.dropFirst(2)))
    if parts.isOneDimensional {
        window.widen()
        try parts.widen(op)
    }
    let isVolume = parts.spatialRank == 3
    let result = try op.emit(
        isVolume ? "Conv3D" : "Conv2D", ["x": parts.x, "filter": parts.filter, "bias": parts.bias],
        [
            "strides": Window.full(window.strides), "pads": window.padsAttribute,
            "dilations": Window.full(window.dilations), "groups": .int(Int64(op.int("group", 1))),
            "data_format": .string(isVolume ? "NCDHW" : "NCHW"), "offset_x": .int(0),
        ])
    op.set(0, parts.isOneDimensional ? try op.squeeze(result, [2]) : result)
}

private func importConvTranspose(_ op: NodeContext) throws(ConversionError) {
    var parts = try ConvolutionParts(op)
    let spatial = Array(op.desc(parts.x).shape.dropFirst(2))
    let rank = parts.spatialRank
    let kernel = try parts.kernel(op)
    // SAME_UPPER and SAME_LOWER speak of the output here; they are resolved below.
    var window = try Window(op, kernel: kernel, input: spatial)
    var outputPadding = op.ints("output_padding") ?? [Int](repeating: 0, count: rank)
    guard outputPadding.count == rank else { throw op.invalid("output_padding must have \(rank) numbers.") }
    let autoPad = op.string("auto_pad", "NOTSET")
    let isSame = autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER"
    if let wanted = op.ints("output_shape") ?? (isSame ? zip(spatial, window.strides).map { $0 * $1 } : nil) {
        let sizes = Array(wanted.suffix(rank))
        guard sizes.count == rank, spatial.allSatisfy({ $0 > 0 }) else {
            throw op.unsupported("output_shape with an input of unknown size.")
        }
        window.pads = []
        for axis in 0..<rank {
            let reach = window.strides[axis] * (spatial[axis] - 1) + (kernel[axis] - 1) * window.dilations[axis] + 1
            // A negative total means that the output is larger than the windows reach.
            let total = reach + outputPadding[axis] - sizes[axis]
            outputPadding[axis] += max(0, -total)
            let padding = max(0, total)
            let small = padding / 2
            window.pads += autoPad == "SAME_UPPER" ? [small, padding - small] : [padding - small, small]
        }
    }
    if parts.isOneDimensional {
        window.widen()
        outputPadding.insert(0, at: 0)
        try parts.widen(op)
    }
    let isVolume = rank == 3
    // Zeros: the size of the output follows from the other attributes.
    let inputSize = op.constant(ints: [Int](repeating: 0, count: isVolume ? 5 : 4))
    let result = try op.emit(
        isVolume ? "Conv3DTranspose" : "Conv2DTranspose",
        ["input_size": inputSize, "x": parts.x, "filter": parts.filter, "bias": parts.bias],
        [
            "strides": Window.full(window.strides), "pads": window.padsAttribute,
            "dilations": Window.full(window.dilations), "groups": .int(Int64(op.int("group", 1))),
            "data_format": .string(isVolume ? "NCDHW" : "NCHW"),
            "output_padding": Window.full(outputPadding, lead: 0), "offset_x": .int(0),
        ])
    op.set(0, parts.isOneDimensional ? try op.squeeze(result, [2]) : result)
}
