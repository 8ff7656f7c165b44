// SPDX-License-Identifier: Apache-2.0

internal import COneDNN
internal import CThreadTeam
public import GEGraph

public enum PoolingKind: Sendable {
    case max, averageIncludingPadding, averageExcludingPadding

    fileprivate var dnnl: dnnl_alg_kind_t {
        switch self {
        case .max: dnnl_pooling_max
        case .averageIncludingPadding: dnnl_pooling_avg_include_padding
        case .averageExcludingPadding: dnnl_pooling_avg_exclude_padding
        }
    }
}

public enum ReductionKind: Sendable {
    case sum, mean, max, min, product

    fileprivate var dnnl: dnnl_alg_kind_t {
        switch self {
        case .sum: dnnl_reduction_sum
        case .mean: dnnl_reduction_mean
        case .max: dnnl_reduction_max
        case .min: dnnl_reduction_min
        case .product: dnnl_reduction_mul
        }
    }
}

extension ProgramBuilder {
    /// Pools `x` [N, C, spatial…]; the arrays have one entry per spatial dimension, dilation 1 is a dense window.
    public func pooling(
        _ x: Value, _ kind: PoolingKind, kernel: [Int], strides: [Int], dilations: [Int], padsBegin: [Int],
        padsEnd: [Int], output: TensorDesc
    ) throws -> Value {
        let source = try layout(of: x)
        let isChannelsLast = try shape(x).count == 4 && source.equals(.channelsLast(.float, shape(x)))
        func vector() throws -> Value? {
            try vectorPooling(
                x, kind, kernel: kernel, strides: strides, dilations: dilations, padsBegin: padsBegin,
                padsEnd: padsEnd, output: output)
        }
        if keepsNaN || isChannelsLast, let result = try vector() { return result }
        let engine = try Engine.shared()
        let destination = try MemoryDescriptor.any(output.dataType, output.shape)
        let window = (
            strides.map { Int64($0) }, kernel.map { Int64($0) }, dilations.map { Int64($0 - 1) },
            padsBegin.map { Int64($0) }, padsEnd.map { Int64($0) }
        )
        // Its compiled kernels are slow.
        var leader = kind == .max ? Self.maximum : Leader()
        leader.needsGeneratedCode = shape(x).count == 4
        let emitted = try emitLeader(leader, output: output, shape: output.shape) { attributes throws(OneDNNError) in
            try unsafe PrimitiveDescriptor("dnnl_pooling_forward_primitive_desc_create") {
                unsafe dnnl_pooling_forward_primitive_desc_create(
                    &$0, engine.handle, dnnl_forward_inference, kind.dnnl, source.handle, destination.handle,
                    window.0, window.1, window.2, window.3, window.4, attributes.handle)
            }
        } operands: { _ in
            [(DNNL_ARG_SRC, try operand(x, source))]
        }
        if let emitted { return emitted }
        if let result = try vector() { return result }
        let geometry = PoolingGeometry(
            image: shape(x), output: output.shape, window: kernel, strides: strides, dilations: dilations,
            padsBegin: padsBegin, padsEnd: padsEnd)
        let function: PoolingFunction =
            kind == .max ? .maximum : .average(excludesPadding: kind == .averageExcludingPadding, divisor: 0)
        guard let kernel = poolingKernel(output.dataType, geometry, function) else {
            throw GraphError.invalidNode(node: nodeName, type: nodeType, reason: "there is no kernel that keeps NaN")
        }
        return try native(kernel, inputs: [x], outputs: [output])[0]
    }

    /// oneDNN 3.2 begins a maximum with the lowest finite number instead of infinity, and a minimum with the greatest.
    /// Twice that is an infinity and makes the processor raise its overflow; half of twice any other number is the number.
    private static let doubledAndHalved = [Eltwise(.linear, alpha: 2), Eltwise(.linear, alpha: 0.5)]
    private static let maximum = Leader(
        alarms: TEAM_INVALID | TEAM_OVERFLOW, own: doubledAndHalved.map { .eltwise($0) })

    /// Reduces a float tensor over `axes`; the result has `output`'s shape, the axes kept as 1 or dropped. Returns nil
    /// where neither the vector kernels nor oneDNN have a quick one: the caller then uses a kernel of its own.
    public func reduction(_ x: Value, _ kind: ReductionKind, axes: [Int], output: TensorDesc) throws -> Value? {
        if isPlain(x), let result = try vectorReduction(x, kind, axes: axes, output: output) { return result }
        let isExtreme = kind == .max || kind == .min
        if isExtreme, keepsNaN { return nil }
        var kept = shape(x)
        for axis in axes { kept[axis] = 1 }
        if kind == .mean || kind == .max, kept.count > 2, kept.count <= 5, axes.sorted() == Array(2..<kept.count) {
            let window = Array(shape(x)[2...])
            let ones = [Int](repeating: 1, count: window.count)
            let zeros = [Int](repeating: 0, count: window.count)
            let pooled = try pooling(
                x, kind == .max ? .max : .averageIncludingPadding, kernel: window, strides: ones, dilations: ones,
                padsBegin: zeros, padsEnd: zeros, output: TensorDesc(output.dataType, kept))
            return try reshape(pooled, to: output.shape)
        }
        guard desc(x).dataType == .float, let row = shape(x).last else { return nil }
        // In rows shorter than a vector oneDNN compares lanes that hold no elements, which looks like NaN.
        if isExtreme, row < 16 { return nil }
        let engine = try Engine.shared()
        let source = try layout(of: x)
        let destination = try MemoryDescriptor.any(output.dataType, kept)
        let attributes = try Attributes(isExtreme ? Self.doubledAndHalved.map { .eltwise($0) } : [])
        let descriptor = unsafe try? PrimitiveDescriptor("dnnl_reduction_primitive_desc_create") {
            unsafe dnnl_reduction_primitive_desc_create(
                &$0, engine.handle, kind.dnnl, source.handle, destination.handle, 0, 0, attributes.handle)
        }
        guard let descriptor, !descriptor.isReference, !isExtreme || descriptor.isGenerated else { return nil }
        let reduced = emit(
            descriptor, [(DNNL_ARG_SRC, try operand(x, source))], result: DNNL_ARG_DST,
            output: TensorDesc(output.dataType, kept), layout: try descriptor.destination(),
            alarms: isExtreme ? Self.maximum.alarms : 0)
        return try reshape(reduced, to: output.shape)
    }

    /// Resizes the spatial dimensions of `x` [N, C, spatial…] to `output`'s, with half-pixel centres.
    public func resampling(_ x: Value, linear: Bool, output: TensorDesc) throws -> Value {
        let engine = try Engine.shared()
        let source = try layout(of: x)
        let destination = try MemoryDescriptor.any(output.dataType, output.shape)
        return try emitWithPostOperations(output: output, shape: output.shape) { attributes throws(OneDNNError) in
            try unsafe PrimitiveDescriptor("dnnl_resampling_forward_primitive_desc_create") {
                unsafe dnnl_resampling_forward_primitive_desc_create(
                    &$0, engine.handle, dnnl_forward_inference,
                    linear ? dnnl_resampling_linear : dnnl_resampling_nearest, nil, source.handle, destination.handle,
                    attributes.handle)
            }
        } operands: { _ in
            [(DNNL_ARG_SRC, try operand(x, source))]
        }
    }
}
