// SPDX-License-Identifier: Apache-2.0

internal import COneDNN
public import GEGraph

/// How a window moves over the spatial dimensions; one entry per spatial dimension.
public struct ConvolutionGeometry: Equatable, Sendable {
    public var strides: [Int]
    /// 1 is a dense window.
    public var dilations: [Int]
    public var padsBegin: [Int]
    public var padsEnd: [Int]
    public var groups: Int

    public init(strides: [Int], dilations: [Int], padsBegin: [Int], padsEnd: [Int], groups: Int) {
        self.strides = strides
        self.dilations = dilations
        self.padsBegin = padsBegin
        self.padsEnd = padsEnd
        self.groups = groups
    }
}

extension ProgramBuilder {
    /// Cross-correlation of `x` [N, C, spatial…] with `filter` [O, C / groups, window…], plus `bias` [O].
    public func convolution(
        _ x: Value, filter: Value, bias: Value?, _ geometry: ConvolutionGeometry, output: TensorDesc
    ) throws -> Value {
        if let result = try vectorConvolution(x, filter: filter, bias: bias, geometry, output: output) { return result }
        if let turned = try convolveAlongWidth(x, filter: filter, bias: bias, geometry, output: output) {
            return turned
        }
        var filterShape = shape(filter)
        if geometry.groups > 1 {
            filterShape = [geometry.groups, filterShape[0] / geometry.groups] + filterShape[1...]
        }
        return try unsafe convolve(x, filter: reshape(filter, to: filterShape), bias: bias, geometry, output: output) {
            unsafe dnnl_convolution_forward_primitive_desc_create(
                &$0, $1, dnnl_forward_inference, dnnl_convolution_direct, $2.source.handle, $2.filter.handle,
                $2.bias?.handle, $2.destination.handle, $3.strides, $3.dilations, $3.padsBegin, $3.padsEnd, $4.handle)
        }
    }

    /// A convolution over the height of images one pixel wide, turned: kernels are written for long rows. Nil for others.
    private func convolveAlongWidth(
        _ x: Value, filter: Value, bias: Value?, _ geometry: ConvolutionGeometry, output: TensorDesc
    ) throws -> Value? {
        let (image, window, result) = (shape(x), shape(filter), output.shape)
        guard image.count == 4, image[2] > 1, image[3] == 1, window[3] == 1, result[3] == 1, postOperations.isEmpty
        else { return nil }
        var turned = geometry
        turned.strides.swapAt(0, 1)
        turned.dilations.swapAt(0, 1)
        turned.padsBegin.swapAt(0, 1)
        turned.padsEnd.swapAt(0, 1)
        let row = try convolution(
            reshape(x, to: [image[0], image[1], 1, image[2]]),
            filter: reshape(filter, to: [window[0], window[1], 1, window[2]]), bias: bias, turned,
            output: TensorDesc(output.dataType, [result[0], result[1], 1, result[2]]))
        return try reshape(row, to: result)
    }

    /// The transpose of a convolution: `x` [N, C, spatial…], `filter` [C, O / groups, window…], `bias` [O].
    public func deconvolution(
        _ x: Value, filter: Value, bias: Value?, _ geometry: ConvolutionGeometry, output: TensorDesc
    ) throws -> Value {
        // oneDNN wants [groups,] O, I; ONNX and GE have I, O.
        let filterShape = shape(filter)
        let groups = geometry.groups
        let split = try reshape(filter, to: [groups, filterShape[0] / groups] + filterShape[1...])
        let swapped = try transpose(split, [0, 2, 1] + Array(3..<filterShape.count + 1))
        let oriented = groups > 1 ? swapped : try reshape(swapped, to: Array(shape(swapped)[1...]))
        return try unsafe convolve(x, filter: oriented, bias: bias, geometry, output: output) {
            unsafe dnnl_deconvolution_forward_primitive_desc_create(
                &$0, $1, dnnl_forward_inference, dnnl_deconvolution_direct, $2.source.handle, $2.filter.handle,
                $2.bias?.handle, $2.destination.handle, $3.strides, $3.dilations, $3.padsBegin, $3.padsEnd, $4.handle)
        }
    }

    private typealias Tensors = (
        source: MemoryDescriptor, filter: MemoryDescriptor, bias: MemoryDescriptor?, destination: MemoryDescriptor
    )
    private typealias Window = (strides: [Int64], dilations: [Int64], padsBegin: [Int64], padsEnd: [Int64])

    private func convolve(
        _ x: Value, filter: Value, bias: Value?, _ geometry: ConvolutionGeometry, output: TensorDesc,
        _ create: (inout dnnl_primitive_desc_t?, dnnl_engine_t, Tensors, Window, Attributes) -> dnnl_status_t
    ) throws -> Value {
        do {
            return try unsafe convolve(
                x, filter: filter, bias: bias, geometry, output: output, channelsLast: Engine.prefersChannelsLast,
                create)
        } catch let error as OneDNNError where error.isUnimplemented {
            return try unsafe convolve(
                x, filter: filter, bias: bias, geometry, output: output, channelsLast: !Engine.prefersChannelsLast,
                create)
        }
    }

    private func convolve(
        _ x: Value, filter: Value, bias: Value?, _ geometry: ConvolutionGeometry, output: TensorDesc,
        channelsLast: Bool,
        _ create: (inout dnnl_primitive_desc_t?, dnnl_engine_t, Tensors, Window, Attributes) -> dnnl_status_t
    ) throws -> Value {
        let type = desc(x).dataType
        let engine = try Engine.shared()
        let tensors: Tensors = (
            channelsLast ? try .channelsLast(type, shape(x)) : try .any(type, shape(x)), try .any(type, shape(filter)),
            try bias.map { try MemoryDescriptor(type, [shape($0).reduce(1, *)]) },
            channelsLast ? try .channelsLast(type, output.shape) : try .any(type, output.shape)
        )
        let window: Window = (
            geometry.strides.map { Int64($0) }, geometry.dilations.map { Int64($0 - 1) },
            geometry.padsBegin.map { Int64($0) }, geometry.padsEnd.map { Int64($0) }
        )
        return try emitWithPostOperations(output: output, shape: output.shape) { attributes throws(OneDNNError) in
            try unsafe PrimitiveDescriptor("dnnl_convolution_forward_primitive_desc_create") {
                unsafe create(&$0, engine.handle, tensors, window, attributes)
            }
        } operands: { descriptor in
            var operands = [
                (DNNL_ARG_SRC, try operand(x, descriptor.source())),
                (DNNL_ARG_WEIGHTS, try operand(filter, descriptor.weights())),
            ]
            if let bias, let layout = tensors.bias { operands.append((DNNL_ARG_BIAS, try operand(bias, layout))) }
            return operands
        }
    }
}
