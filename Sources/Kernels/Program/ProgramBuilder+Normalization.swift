// SPDX-License-Identifier: Apache-2.0

internal import COneDNN
internal import CThreadTeam
public import GEGraph

extension ProgramBuilder {
    /// Softmax of a float tensor along `axis`, or its logarithm.
    public func softmax(_ x: Value, axis: Int, logarithm: Bool) throws -> Value {
        if keepsNaN {
            let (shape, function) = (shape(x), logarithm ? SoftmaxFunction.logSoftmax : .softmax)
            let kernel = function.kernel(
                .float, shape[..<axis].reduce(1, *), shape[axis], shape[(axis + 1)...].reduce(1, *))
            if let kernel { return try native(kernel, inputs: [x], outputs: [desc(x)])[0] }
        }
        // oneDNN is quick along the innermost dimension of a dense tensor.
        let isInnermost = axis == shape(x).count - 1
        let value = isInnermost ? try plain(x) : x
        let engine = try Engine.shared()
        let source = try layout(of: value)
        let attributes = try Attributes()
        let descriptor = try unsafe PrimitiveDescriptor("dnnl_softmax_forward_primitive_desc_create") {
            unsafe dnnl_softmax_forward_primitive_desc_create(
                &$0, engine.handle, dnnl_forward_inference, logarithm ? dnnl_softmax_log : dnnl_softmax_accurate,
                source.handle, source.handle, Int32(axis), attributes.handle)
        }
        return emit(
            descriptor, [(DNNL_ARG_SRC, try operand(value, source))], result: DNNL_ARG_DST, output: desc(x),
            layout: source, canRunInPlace: true, alarms: descriptor.isGenerated ? TEAM_INVALID : 0)
    }

    /// Normalises a float tensor over its last dimension, then multiplies by `scale` and adds `shift`, both of that
    /// dimension's length.
    public func layerNormalization(
        _ x: Value, scale: Value?, shift: Value?, epsilon: Float, output: TensorDesc
    ) throws -> Value {
        let value = try plain(x)
        let engine = try Engine.shared()
        let source = try layout(of: value)
        let length = shape(x)[shape(x).count - 1]
        let vector = try MemoryDescriptor(.float, [length])
        let attributes = try Attributes()
        var flags: UInt32 = 0
        if scale != nil { flags |= dnnl_use_scale.rawValue }
        if shift != nil { flags |= dnnl_use_shift.rawValue }
        let descriptor = try unsafe PrimitiveDescriptor("dnnl_layer_normalization_forward_primitive_desc_create") {
            unsafe dnnl_layer_normalization_forward_primitive_desc_create(
                &$0, engine.handle, dnnl_forward_inference, source.handle, source.handle, nil, epsilon, flags,
                attributes.handle)
        }
        var operands = [(DNNL_ARG_SRC, try operand(value, source))]
        if let scale { operands.append((DNNL_ARG_SCALE, try operand(try reshape(scale, to: [length]), vector))) }
        if let shift { operands.append((DNNL_ARG_SHIFT, try operand(try reshape(shift, to: [length]), vector))) }
        return emit(
            descriptor, operands, result: DNNL_ARG_DST, output: output, layout: source, canRunInPlace: true)
    }
}
