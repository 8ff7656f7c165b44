// SPDX-License-Identifier: Apache-2.0

internal import COneDNN
internal import GEGraph

extension ProgramBuilder {
    /// Emits a primitive with as many of the pending post-operations as oneDNN executes well, and applies the rest after
    /// it.
    ///
    /// - output: descriptor of the result; the primitive's own destination may merge its leading dimensions.
    /// - shape: the destination's shape as the primitive sees it.
    /// - combinesChannels: whether post-operations may have an operand with one number for each channel.
    /// - make: creates the primitive descriptor for the given attributes.
    /// - operands: the primitive's own arguments, given the chosen descriptor.
    func emitWithPostOperations(
        output: TensorDesc, shape: [Int], canRunInPlace: Bool = false, combinesChannels: Bool = true,
        _ make: (Attributes) throws(OneDNNError) -> PrimitiveDescriptor,
        operands: (PrimitiveDescriptor) throws -> [(argument: Int32, operand: Program.Operand)]
    ) throws -> Value {
        let pending = postOperations
        var fused: (descriptor: PrimitiveDescriptor, values: [Value?])?
        if !pending.isEmpty, let aligned = try align(pending, output: output.shape, to: shape),
            combinesChannels || !aligned.contains(where: { $0.hasChannelOperand(self, result: shape) })
        {
            let attributes = try Attributes(aligned.map { try $0.descriptor(self, result: shape) })
            if let descriptor = try? make(attributes), !descriptor.isReference {
                fused = (descriptor, aligned.map(\.operand))
            }
        }
        if let fused {
            postOperations = []
            var arguments = try operands(fused.descriptor)
            for (index, value) in fused.values.enumerated() {
                guard let value else { continue }
                let argument = Int32(DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE) * Int32(index + 1) | DNNL_ARG_SRC_1
                arguments.append((argument, try operand(value, fused.descriptor.argument(argument))))
            }
            return emit(
                fused.descriptor, arguments, result: DNNL_ARG_DST, output: output,
                layout: try fused.descriptor.destination(), canRunInPlace: canRunInPlace)
        }
        let descriptor = try make(try Attributes())
        return emit(
            descriptor, try operands(descriptor), result: DNNL_ARG_DST, output: output,
            layout: try descriptor.destination(), canRunInPlace: canRunInPlace)
    }

    /// Applies what no kernel took over, one step each.
    package func applyPostOperations(to value: Value) throws -> Value {
        var result = value
        let pending = postOperations
        postOperations = []
        for operation in pending {
            switch operation {
            case .eltwise(let function): result = try eltwise(result, function)
            case .binary(let algorithm, let other):
                result = try binaryPrimitive(algorithm, result, other, output: desc(result))
            }
        }
        return result
    }

    /// The post-operations with their operands in the rank of the primitive's destination; nil if one does not fit.
    private func align(
        _ pending: [PostOperation<Value>], output: [Int], to shape: [Int]
    ) throws -> [PostOperation<Value>]? {
        var aligned: [PostOperation<Value>] = []
        for operation in pending {
            guard case .binary(let algorithm, let value) = operation else {
                aligned.append(operation)
                continue
            }
            guard let operand = alignedShape(self.shape(value), output: output, to: shape) else { return nil }
            aligned.append(.binary(algorithm, try reshape(value, to: operand)))
        }
        return aligned
    }

    /// The shape under which an operand that broadcasts to `output` broadcasts to `shape`, where `shape` is `output` with
    /// leading dimensions merged; nil if there is none.
    private func alignedShape(_ operand: [Int], output: [Int], to shape: [Int]) -> [Int]? {
        guard operand.count <= output.count else { return nil }
        let full = [Int](repeating: 1, count: output.count - operand.count) + operand
        if output == shape { return full }
        let merged = output.count - shape.count + 1
        guard merged >= 1 else { return nil }
        let leading = full[..<merged]
        if leading.allSatisfy({ $0 == 1 }) { return [1] + full[merged...] }
        if leading.elementsEqual(output[..<merged]) { return [shape[0]] + full[merged...] }
        return nil
    }
}

extension PostOperation where Operand == Value {
    fileprivate var operand: Value? { if case .binary(_, let value) = self { value } else { nil } }

    /// Whether the operand has one number for each channel, and the result is more than its channels.
    fileprivate func hasChannelOperand(_ builder: ProgramBuilder, result: [Int]) -> Bool {
        guard let operand, result.count > 1 else { return false }
        let shape = builder.shape(operand)
        return shape != result && shape[1] > 1 && shape.reduce(1, *) == shape[1]
    }

    /// For oneDNN: an operand of the result's own shape takes the result's layout, a broadcast one is row-major.
    fileprivate func descriptor(
        _ builder: ProgramBuilder, result: [Int]
    ) throws(OneDNNError) -> PostOperation<MemoryDescriptor> {
        switch self {
        case .eltwise(let function): return .eltwise(function)
        case .binary(let algorithm, let value):
            let desc = builder.desc(value)
            return .binary(
                algorithm,
                desc.shape == result
                    ? try .any(desc.dataType, desc.shape) : try MemoryDescriptor(desc.dataType, desc.shape))
        }
    }
}
