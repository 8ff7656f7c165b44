// SPDX-License-Identifier: Apache-2.0

internal import COneDNN
internal import CThreadTeam
internal import GEGraph

extension ProgramBuilder {
    /// What a primitive computes besides its post-operations.
    struct Leader {
        /// See `Program.Step.alarms`; only generated code raises them reliably.
        var alarms: Int = 0
        /// See `Eltwise.isWrongInCompiledCode`.
        var needsGeneratedCode = false
        /// See `PostOperation.dividesPadding`.
        var dividesPadding = false
        /// Post-operations that belong to it.
        var own: [PostOperation<Value>] = []
        var canRunInPlace = false
        /// Whether post-operations may have an operand with one number for each channel.
        var combinesChannels = true
    }

    /// Emits a primitive with as many of the pending post-operations as oneDNN executes well; the rest stays pending.
    ///
    /// - output: descriptor of the result; the primitive's own destination may merge its leading dimensions.
    /// - shape: the destination's shape as the primitive sees it.
    /// - make: creates the primitive descriptor for the given attributes.
    /// - operands: the primitive's own arguments, given the chosen descriptor.
    /// - Returns: nil where oneDNN would lose NaN, and that is not allowed or would not be noticed.
    func emitLeader(
        _ leader: Leader, output: TensorDesc, shape: [Int],
        _ make: (Attributes) throws(OneDNNError) -> PrimitiveDescriptor,
        operands: (PrimitiveDescriptor) throws -> [(argument: Int32, operand: Program.Operand)]
    ) throws -> Value? {
        if keepsNaN, leader.alarms != 0 { return nil }
        for count in fusableCounts(leader) {
            let operations = leader.own + postOperations.prefix(count)
            let isWatched = leader.alarms != 0 || operations.contains(where: \.losesNaN)
            let needsGenerated =
                isWatched || leader.needsGeneratedCode || operations.contains(where: \.isWrongInCompiledCode)
            guard let (descriptor, fused) = try choose(operations, leader, output: output, shape: shape, make),
                !needsGenerated || descriptor.isGenerated
            else { continue }
            postOperations.removeFirst(count)
            var arguments = try operands(descriptor)
            for (index, operation) in fused.enumerated() {
                guard let value = operation.operand else { continue }
                let argument = Int32(DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE) * Int32(index + 1) | DNNL_ARG_SRC_1
                arguments.append((argument, try operand(value, descriptor.argument(argument))))
            }
            return emit(
                descriptor, arguments, result: DNNL_ARG_DST, output: output, layout: try descriptor.destination(),
                canRunInPlace: leader.canRunInPlace, alarms: isWatched ? leader.alarms | TEAM_INVALID : 0)
        }
        return nil
    }

    /// The same for a leader that keeps NaN itself.
    func emitWithPostOperations(
        output: TensorDesc, shape: [Int],
        _ make: (Attributes) throws(OneDNNError) -> PrimitiveDescriptor,
        operands: (PrimitiveDescriptor) throws -> [(argument: Int32, operand: Program.Operand)]
    ) throws -> Value {
        guard let value = try emitLeader(Leader(), output: output, shape: shape, make, operands: operands) else {
            throw OneDNNError(function: "\(nodeType) without post-operations", status: dnnl_unimplemented.rawValue)
        }
        return value
    }

    /// How many of the pending post-operations to try, most first: all that may stand in one kernel, those before the
    /// first that loses NaN, none.
    private func fusableCounts(_ leader: Leader) -> [Int] {
        let harmless = postOperations.prefix { !$0.losesNaN }.count
        if keepsNaN { return harmless > 0 ? [harmless, 0] : [0] }
        var (loses, divides) = (leader.alarms != 0, leader.dividesPadding)
        let together = postOperations.prefix { operation in
            loses = loses || operation.losesNaN
            divides = divides || operation.dividesPadding
            return !(loses && divides)
        }.count
        return [together] + [harmless, 0].filter { $0 < together }
    }

    /// The descriptor with these post-operations, in the rank of its destination; nil if oneDNN has no good one.
    private func choose(
        _ operations: [PostOperation<Value>], _ leader: Leader, output: TensorDesc, shape: [Int],
        _ make: (Attributes) throws(OneDNNError) -> PrimitiveDescriptor
    ) throws -> (PrimitiveDescriptor, [PostOperation<Value>])? {
        if operations.isEmpty { return (try make(try Attributes()), []) }
        guard let aligned = try align(operations, output: output.shape, to: shape),
            leader.combinesChannels || !aligned.contains(where: { $0.hasChannelOperand(self, result: shape) })
        else { return nil }
        let attributes = try Attributes(aligned.map { try $0.descriptor(self, result: shape) })
        guard let descriptor = try? make(attributes), !descriptor.isReference else { return nil }
        return (descriptor, aligned)
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
