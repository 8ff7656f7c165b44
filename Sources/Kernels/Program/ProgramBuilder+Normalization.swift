// SPDX-License-Identifier: Apache-2.0

internal import COneDNN
public import GEGraph
internal import VectorFunctions

extension ProgramBuilder {
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

    /// Normalises rows of a float tensor [rows, length], then multiplies each by a number and adds another: row i takes
    /// numbers i modulo their count.
    public func rowNormalization(_ x: Value, factors: Value, terms: Value, epsilon: Float, output: TensorDesc) throws
        -> Value
    {
        let kernel = VectorNormalizationKernel(
            NormalizationLoop(
                rows: shape(x)[0], length: shape(x)[1], period: desc(factors).elementCount ?? 1, epsilon: epsilon))
        return try native(kernel, inputs: [x, factors, terms], outputs: [output])[0]
    }
}
