// SPDX-License-Identifier: Apache-2.0

internal import COneDNN
internal import CThreadTeam
public import GEGraph

extension ProgramBuilder {
    /// Applies an element-wise function to a float tensor, in whatever layout it has.
    public func eltwise(_ x: Value, _ function: Eltwise) throws -> Value {
        if let result = try vectorEltwise(x, function) { return result }
        let engine = try Engine.shared()
        let source = try layout(of: x)
        let leader = Leader(
            alarms: function.losesNaN ? TEAM_INVALID : 0, needsGeneratedCode: function.isWrongInCompiledCode,
            canRunInPlace: true)
        let emitted = try emitLeader(
            leader, output: desc(x), shape: source.shape
        ) { attributes throws(OneDNNError) in
            try unsafe PrimitiveDescriptor("dnnl_eltwise_forward_primitive_desc_create") {
                unsafe dnnl_eltwise_forward_primitive_desc_create(
                    &$0, engine.handle, dnnl_forward_inference, function.algorithm.dnnl, source.handle, source.handle,
                    function.alpha, function.beta, attributes.handle)
            }
        } operands: { _ in
            [(DNNL_ARG_SRC, try operand(x, source))]
        }
        let own = function.ownFunction?.kernel(.float, count: desc(x).elementCount ?? 0)
        return try emitted ?? native(own, [x], output: desc(x))
    }

    private func native(_ kernel: (any NativeKernel)?, _ inputs: [Value], output: TensorDesc) throws -> Value {
        guard let kernel else {
            throw GraphError.invalidNode(node: nodeName, type: nodeType, reason: "there is no kernel that keeps NaN")
        }
        return try native(kernel, inputs: inputs, outputs: [output])[0]
    }

    /// Combines two float tensors element by element with numpy's broadcasting. Returns nil where neither operand has
    /// the result's shape or the operands cannot be exchanged: the caller then uses a kernel of its own.
    public func binary(
        _ algorithm: BinaryAlgorithm, _ a: Value, _ b: Value, output: TensorDesc
    ) throws -> Value? {
        guard desc(a).dataType == .float, !output.shape.isEmpty else { return nil }
        if shape(a) == output.shape, !(isConstant(a) && shape(b) == output.shape && algorithm.commutes) {
            return try binaryPrimitive(algorithm, a, b, output: output)
        }
        guard shape(b) == output.shape, algorithm.commutes else { return nil }
        return try binaryPrimitive(algorithm, b, a, output: output)
    }

    /// `a` has the result's shape, `b` broadcasts to it.
    func binaryPrimitive(
        _ algorithm: BinaryAlgorithm, _ a: Value, _ b: Value, output: TensorDesc
    ) throws -> Value {
        let engine = try Engine.shared()
        var first = a
        let missing = max(output.shape.count, 1) - shape(b).count
        let second = try reshape(b, to: [Int](repeating: 1, count: max(missing, 0)) + shape(b))
        let isFull = shape(second) == output.shape
        // Of two layouts keep the blocked one: what comes next is more likely to want it.
        if isFull, isPlain(a), !isPlain(b), algorithm.commutes {
            return try binaryPrimitive(algorithm, b, a, output: output)
        }
        if let result = try vectorBinary(algorithm, a, second, output: output) { return result }
        if shape(first).isEmpty { first = try reshape(first, to: [1]) }
        let source = try layout(of: first)
        let other = isFull ? source : try broadcast(second, in: source)
        let own = algorithm.ownFunction
        let leader = Leader(
            alarms: own == nil ? 0 : TEAM_INVALID, dividesPadding: algorithm == .divide, canRunInPlace: true,
            combinesChannels: try source.hasUnmistakableChannels())
        let emitted = try emitLeader(leader, output: output, shape: source.shape) { attributes throws(OneDNNError) in
            try unsafe PrimitiveDescriptor("dnnl_binary_primitive_desc_create") {
                unsafe dnnl_binary_primitive_desc_create(
                    &$0, engine.handle, algorithm.dnnl, source.handle, other.handle, source.handle, attributes.handle)
            }
        } operands: { _ in
            [(DNNL_ARG_SRC_0, try operand(first, source)), (DNNL_ARG_SRC_1, try operand(second, other))]
        }
        let shapes = BinaryShapes(shape(first), shape(second), output: source.shape)
        return try emitted ?? native(own?.kernel(.float, shapes), [first, second], output: output)
    }
}

extension ProgramBuilder {
    /// The descriptor that an operand should have which broadcasts to a tensor in the layout `full`.
    func broadcast(_ value: Value, in full: MemoryDescriptor) throws(OneDNNError) -> MemoryDescriptor {
        if let descriptor = try full.like(desc(value).dataType, shape(value)) { return descriptor }
        return try MemoryDescriptor(desc(value).dataType, shape(value))
    }
}

extension BinaryAlgorithm {
    /// Whether the operands may be exchanged.
    var commutes: Bool {
        switch self {
        case .add, .multiply, .maximum, .minimum: true
        case .subtract, .divide: false
        }
    }
}
