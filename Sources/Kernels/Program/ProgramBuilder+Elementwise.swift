// SPDX-License-Identifier: Apache-2.0

public import GEGraph
internal import VectorFunctions

extension ProgramBuilder {
    /// Applies a function to each element of a float tensor, in whatever layout it has; nil for other types, and functions
    /// that the vector kernels do not have.
    public func unary(_ function: UnaryFunction, _ x: Value) throws -> Value? {
        guard desc(x).dataType == .float, desc(x).elementCount != 0 else { return nil }
        return try vectorUnary(function, x)
    }

    /// Combines two float tensors element by element with numpy's broadcasting; nil for other types, and functions that the
    /// vector kernels do not have.
    public func binary(_ function: BinaryFunction, _ a: Value, _ b: Value, output: TensorDesc) throws -> Value? {
        guard desc(a).dataType == .float, desc(b).dataType == .float, output.elementCount != 0,
            let function = function.combiningFunction
        else { return nil }
        let (isFull, isOtherFull) = (shape(a) == output.shape, shape(b) == output.shape)
        // Of two layouts keep the one with the channels innermost: what comes next is more likely to want it.
        let isOtherBetter = !isFull || isConstant(a) || isPlain(a) && !isPlain(b)
        if isOtherFull, isOtherBetter, let exchanged = function.exchanged {
            if let result = try vectorBinary(exchanged, b, a) { return result }
        } else if isFull, let result = try vectorBinary(function, a, b) {
            return result
        }
        return function.exchanged == nil ? nil : try broadcast(function, a, b, output: output)
    }

    /// Applies what no kernel took over, as much at once as goes together.
    package func applyFollowers(to value: Value) throws -> Value {
        var result = value
        while !followers.isEmpty {
            let next: Value?
            switch followers.removeFirst() {
            case .unary(let function): next = try unary(function, result)
            case .binary(let function, let operand):
                next = try binary(function, result, operand, output: desc(result))
            }
            // Tensors without elements stay as they are.
            guard let next else { continue }
            result = next
        }
        return result
    }

    /// A function of two tensors that repeat over the result in any way.
    private func broadcast(
        _ function: CombiningFunction, _ a: Value, _ b: Value, output: TensorDesc
    ) throws -> Value {
        let rank = output.shape.count
        let operands = try [a, b].map { value in
            try reshape(value, to: [Int](repeating: 1, count: rank - shape(value).count) + shape(value))
        }
        let large = operands.max { (desc($0).elementCount ?? 0) < (desc($1).elementCount ?? 0) } ?? a
        let isChannelsLast = layout(of: large).isChannelsLast
        let layout: Layout = isChannelsLast ? .channelsLast(output.shape) : Layout(output.shape)
        var inputs = try operands.map { value in
            try operandBuffer(value, isChannelsLast ? .channelsLast(shape(value)) : nil)
        }
        let order = isChannelsLast ? Layout.channelsLastOrder(rank: rank) : Array(0..<rank)
        let shapes = operands.map { value in order.map { shape(value)[$0] } }
        var steps: [EpilogueStep] = []
        var target = StepTarget(shape: output.shape, layout: layout)
        try takeSteps(&steps, &inputs, &target)
        let kernel = VectorBinaryKernel(
            function, BinaryShapes(shapes[0], shapes[1], output: order.map { output.shape[$0] }), steps)
        return emit(kernel, inputs: inputs, output: output, layout: layout)
    }
}
