// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels
import SaturatingArithmetic

/// LSTM and GRU over a sequence, as ONNX defines them.
///
/// Inputs: x [T, N, I], w [D, gates · H, I], r [D, gates · H, H], b? [D, 2 · gates · H], sequence_lens? [N],
/// initial_h? [D, N, H], and of the LSTM initial_c? [D, N, H] and p? [D, 3 · H]. Outputs: y [T, D, N, H],
/// y_h [D, N, H], and of the LSTM y_c [D, N, H].
enum Recurrent {
    static let operators: [Operator] = [recurrent("CommonLSTM", .lstm), recurrent("CommonGRU", .gru)]

    private static func recurrent(_ type: String, _ cell: RecurrentCell) -> Operator {
        Operator(
            type,
            infer: { node throws(GraphError) in
                let plan = try makePlan(node, cell)
                let type = try node.input(0).dataType
                let sequence = try node.output(type, [plan.steps, plan.directions, plan.batch, plan.hidden])
                let state = try node.output(type, [plan.directions, plan.batch, plan.hidden])
                return Array([sequence, state, state].prefix(node.outputCount(of: cell.outputs)))
            },
            lower: { lowering in
                let plan = try makePlan(lowering.inference, cell)
                let builder = lowering.builder
                let type = lowering.outputs[0].dataType
                let working: DataType = type == .double ? .double : .float
                func input(_ slot: Int) throws -> Value? {
                    guard slot < lowering.inputs.count, let value = lowering.inputs[slot] else { return nil }
                    return try slot == lengthsSlot ? value : lowering.cast(value, to: working)
                }
                guard let x = try input(0), let w = try input(1), let r = try input(2) else {
                    throw lowering.inference.invalid("an input is missing")
                }
                // What the inputs contribute to the gates, for all steps and directions at once.
                let rows = try builder.reshape(x, to: [1, plan.steps * plan.batch, builder.shape(x)[2]])
                let share = try MatMul.timesTransposed(rows, w, lowering)
                let options = try (3..<3 + cell.optionalInputs).compactMap { try input($0) }
                let state = [plan.directions, plan.batch, plan.hidden]
                let descs =
                    [TensorDesc(working, [plan.steps] + state)]
                    + Array(repeating: TensorDesc(working, state), count: cell.outputs - 1)
                var results = try builder.recurrent(plan, share: share, weights: r, options: options, outputs: descs)
                if results == nil, let kernel = recurrentKernel(working, plan) {
                    let weights = try builder.transpose(r, [0, 2, 1])
                    results = try builder.native(kernel, inputs: [share, weights] + options, outputs: descs)
                }
                guard let results else { throw lowering.inference.invalid("there is no kernel for type \(type)") }
                return try results.prefix(lowering.outputs.count).map { try lowering.cast($0, to: type) }
            })
    }

    private static let lengthsSlot = RecurrentPlan.lengthsInput

    private static func makePlan(_ node: Inference, _ cell: RecurrentCell) throws(GraphError) -> RecurrentPlan {
        let x = try node.staticInput(0, of: Types.reals)
        let w = try node.staticInput(1, of: [x.dataType])
        let r = try node.staticInput(2, of: [x.dataType])
        let direction = node.attributes.string("direction") ?? "forward"
        guard ["forward", "reverse", "bidirectional"].contains(direction) else {
            throw node.invalid("attribute direction is \(direction), expected forward, reverse or bidirectional")
        }
        let directions = direction == "bidirectional" ? 2 : 1
        guard x.shape.count == 3, w.shape.count == 3, r.shape.count == 3 else {
            throw node.invalid(
                "x, w and r have the shapes \(x.shape), \(w.shape) and \(r.shape), expected 3 dimensions each")
        }
        let hidden = node.attributes.int("hidden_size") ?? r.shape[2]
        guard hidden > 0, hidden == r.shape[2] else {
            throw node.invalid("attribute hidden_size is \(hidden), but r has the shape \(r.shape)")
        }
        let (width, batch) = (cell.gates * hidden, x.shape[1])
        try check(node, 1, [directions, width, x.shape[2]])
        try check(node, 2, [directions, width, hidden])
        try check(node, 3, [directions, 2 * width])
        try check(node, lengthsSlot, [batch])
        try check(node, 5, [directions, batch, hidden])
        if cell == .lstm {
            try check(node, 6, [directions, batch, hidden])
            try check(node, 7, [directions, 3 * hidden])
        }
        for slot in 3..<3 + cell.optionalInputs where node.hasInput(slot) && slot != lengthsSlot {
            _ = try node.input(slot, of: [x.dataType])
        }
        if node.hasInput(lengthsSlot) { _ = try node.input(lengthsSlot, of: [.int32]) }
        _ = try node.output(x.dataType, [directions, x.shape[0], batch, width])
        return RecurrentPlan(
            cell: cell, steps: x.shape[0], batch: batch, hidden: hidden, directions: directions,
            startsReversed: direction == "reverse",
            activations: try activations(node, cell, directions), clip: node.attributes.float("clip") ?? -1,
            inputForget: node.attributes.int("input_forget") ?? 0 != 0,
            linearBeforeReset: node.attributes.int("linear_before_reset") ?? 0 != 0,
            present: (3..<3 + cell.optionalInputs).map { node.hasInput($0) })
    }

    private static func check(_ node: Inference, _ slot: Int, _ expected: [Int]) throws(GraphError) {
        guard node.hasInput(slot) else { return }
        let found = try node.input(slot).shape
        guard found == expected else {
            throw node.invalid("input \(slot) has the shape \(found), expected \(expected)")
        }
    }

    /// The functions of each direction, with their parameters taken in turn from the lists of the node.
    private static func activations(
        _ node: Inference, _ cell: RecurrentCell, _ directions: Int
    ) throws(GraphError) -> [RecurrentActivation] {
        let standard = cell == .lstm ? ["Sigmoid", "Tanh", "Tanh"] : ["Sigmoid", "Tanh"]
        var names = node.attributes.strings("activations") ?? []
        if names.isEmpty { names = Array(repeating: standard, count: directions).flatMap { $0 } }
        guard names.count == standard.count * directions else {
            throw node.invalid("attribute activations is \(names), expected \(standard.count * directions) names")
        }
        var alphas = (node.attributes.floats("activation_alpha") ?? [])[...]
        var betas = (node.attributes.floats("activation_beta") ?? [])[...]
        var result: [RecurrentActivation] = []
        for name in names {
            switch name.lowercased() {
            case "sigmoid": result.append(.sigmoid)
            case "tanh": result.append(.tanh)
            case "relu": result.append(.relu)
            case "softsign": result.append(.softsign)
            case "softplus": result.append(.softplus)
            case "affine": result.append(.affine(alpha: alphas.popFirst() ?? 1, beta: betas.popFirst() ?? 0))
            case "leakyrelu": result.append(.leakyRelu(alphas.popFirst() ?? 0.01))
            case "thresholdedrelu": result.append(.thresholdedRelu(alphas.popFirst() ?? 1))
            case "scaledtanh": result.append(.scaledTanh(alpha: alphas.popFirst() ?? 1, beta: betas.popFirst() ?? 1))
            case "hardsigmoid":
                result.append(.hardSigmoid(alpha: alphas.popFirst() ?? 0.2, beta: betas.popFirst() ?? 0.5))
            case "elu": result.append(.elu(alphas.popFirst() ?? 1))
            default: throw node.invalid("attribute activations names \(name), which is not known")
            }
        }
        return result
    }
}
