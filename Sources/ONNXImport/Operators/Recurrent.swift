// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

let recurrentRules: [String: Rule] = ["LSTM": importLSTM, "GRU": importGRU]

private func importLSTM(_ op: NodeContext) throws(ConversionError) {
    let layer = try RecurrentLayer(op)
    var attributes = layer.attributes
    attributes["input_forget"] = .int(Int64(op.int("input_forget", 0)))
    try layer.finish(
        op,
        try op.emit(
            "CommonLSTM",
            [
                "x": layer.x, "w": op.input(1), "r": op.input(2), "b": op.optionalInput(3),
                "sequence_lens": op.optionalInput(4), "initial_h": layer.state(op, 5),
                "initial_c": layer.state(op, 6), "p": op.optionalInput(7),
            ], attributes, outputs: ["y", "y_h", "y_c"]))
}

private func importGRU(_ op: NodeContext) throws(ConversionError) {
    let layer = try RecurrentLayer(op)
    var attributes = layer.attributes
    attributes["linear_before_reset"] = .int(Int64(op.int("linear_before_reset", 0)))
    try layer.finish(
        op,
        try op.emit(
            "CommonGRU",
            [
                "x": layer.x, "w": op.input(1), "r": op.input(2), "b": op.optionalInput(3),
                "sequence_lens": op.optionalInput(4), "initial_h": layer.state(op, 5),
            ], attributes, outputs: ["y", "y_h"]))
}

/// What the recurrent operators share. With layout 1 the batch comes first in every tensor but the weights; GE knows
/// only layout 0, so those tensors are turned.
private struct RecurrentLayer {
    let x: TensorRef
    let attributes: [String: Attribute]
    private let isBatchFirst: Bool

    init(_ op: NodeContext) throws(ConversionError) {
        isBatchFirst = op.flag("layout", false)
        x = isBatchFirst ? try op.transpose(try op.input(0), [1, 0, 2]) : try op.input(0)
        var attributes: [String: Attribute] = [
            "hidden_size": .int(Int64(try op.requiredInt("hidden_size"))),
            "direction": .string(op.string("direction", "forward")), "clip": .float(op.float("clip", -1)),
        ]
        if let names = op.strings("activations") { attributes["activations"] = .strings(names) }
        if let values = op.floats("activation_alpha") { attributes["activation_alpha"] = .floats(values) }
        if let values = op.floats("activation_beta") { attributes["activation_beta"] = .floats(values) }
        self.attributes = attributes
    }

    /// An initial state.
    func state(_ op: NodeContext, _ index: Int) throws(ConversionError) -> TensorRef? {
        guard isBatchFirst, let state = op.optionalInput(index) else { return op.optionalInput(index) }
        return try op.transpose(state, [1, 0, 2])
    }

    /// Sets the outputs: all steps, then the last states.
    func finish(_ op: NodeContext, _ results: [TensorRef]) throws(ConversionError) {
        for (index, result) in results.enumerated() where op.wants(index) {
            guard isBatchFirst else {
                op.set(index, result)
                continue
            }
            op.set(index, try op.transpose(result, index == 0 ? [2, 0, 1, 3] : [1, 0, 2]))
        }
    }
}
