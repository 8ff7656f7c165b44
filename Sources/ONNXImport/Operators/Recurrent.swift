// SPDX-License-Identifier: Apache-2.0

import GEGraph

let recurrentRules: [String: Rule] = ["LSTM": importLSTM, "GRU": importGRU]

/// Attributes that every recurrent operator has.
private func recurrentAttributes(_ op: NodeContext) throws(ConversionError) -> [String: Attribute] {
    guard !op.flag("layout", false) else { throw op.unsupported("layout 1.") }
    var attributes: [String: Attribute] = [
        "hidden_size": .int(Int64(try op.requiredInt("hidden_size"))),
        "direction": .string(op.string("direction", "forward")),
        "clip": .float(op.float("clip", -1)),
    ]
    if let names = op.strings("activations") { attributes["activations"] = .strings(names) }
    if let values = op.floats("activation_alpha") { attributes["activation_alpha"] = .floats(values) }
    if let values = op.floats("activation_beta") { attributes["activation_beta"] = .floats(values) }
    return attributes
}

private func importLSTM(_ op: NodeContext) throws(ConversionError) {
    var attributes = try recurrentAttributes(op)
    attributes["input_forget"] = .int(Int64(op.int("input_forget", 0)))
    let results = try op.emit(
        "CommonLSTM",
        [
            "x": op.input(0), "w": op.input(1), "r": op.input(2), "b": op.optionalInput(3),
            "sequence_lens": op.optionalInput(4), "initial_h": op.optionalInput(5), "initial_c": op.optionalInput(6),
            "p": op.optionalInput(7),
        ], attributes, outputs: ["y", "y_h", "y_c"])
    for (index, result) in results.enumerated() {
        op.set(index, result)
    }
}

private func importGRU(_ op: NodeContext) throws(ConversionError) {
    var attributes = try recurrentAttributes(op)
    attributes["linear_before_reset"] = .int(Int64(op.int("linear_before_reset", 0)))
    let results = try op.emit(
        "CommonGRU",
        [
            "x": op.input(0), "w": op.input(1), "r": op.input(2), "b": op.optionalInput(3),
            "sequence_lens": op.optionalInput(4), "initial_h": op.optionalInput(5),
        ], attributes, outputs: ["y", "y_h"])
    for (index, result) in results.enumerated() {
        op.set(index, result)
    }
}
