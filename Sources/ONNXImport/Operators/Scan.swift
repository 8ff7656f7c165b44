// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic
import SwiftProtobuf

let scanRules: [String: Rule] = ["Scan": importScan]

/// A loop with as many turns as the scanned inputs have slices, which each turn takes one of.
private func importScan(_ op: NodeContext) throws(ConversionError) {
    guard op.opset >= 9 else { throw op.unsupported("opset \(op.opset), of which the scan has batches.") }
    let body = try op.graph("body")
    let scanned = try op.requiredInt("num_scan_inputs")
    let carried = op.inputs.count - scanned
    guard scanned > 0, carried >= 0, body.input.count == op.inputs.count else {
        throw op.invalid("its body has \(body.input.count) inputs for \(op.inputs.count) of the node.")
    }
    guard (op.ints("scan_output_axes") ?? []).allSatisfy({ $0 == 0 }),
        (op.ints("scan_output_directions") ?? []).allSatisfy({ $0 == 0 })
    else { throw op.unsupported("results along another axis than the first, or in reverse.") }

    let prefix = op.uniqueGraphName("scan")
    let (turn, goes) = ("\(prefix)_turn", "\(prefix)_goes")
    var loopBody = ONNXGraphProto()
    loopBody.name = body.name
    loopBody.initializer = body.initializer
    loopBody.input = [ONNXValueInfoProto.with { $0.name = turn }, ONNXValueInfoProto.with { $0.name = goes }]
    loopBody.input += body.input.prefix(carried)
    for index in 0..<scanned {
        loopBody.node += try slices(op, body.input[carried + index].name, number: index, input: carried + index, turn)
    }
    loopBody.node += body.node
    loopBody.node.append(node("Identity", [goes], "\(prefix)_goes_on"))
    loopBody.output = [ONNXValueInfoProto.with { $0.name = "\(prefix)_goes_on" }] + body.output

    var loop = op.node
    loop.opType = "Loop"
    loop.input = ["\(prefix)_turns", ""] + op.node.input.prefix(carried)
    loop.attribute = [
        ONNXAttributeProto.with {
            $0.name = "body"
            $0.g = loopBody
        }
    ]
    let turns = try length(op, input: carried, axis: axis(op, number: 0, input: carried))
    try importLoop(NodeContext(importer: op.importer, node: loop, inputs: [turns, nil] + op.inputs.prefix(carried)))
}

private func axis(_ op: NodeContext, number: Int, input: Int) throws(ConversionError) -> Int {
    let stated = op.ints("scan_input_axes") ?? []
    return try op.axis(stated.indices.contains(number) ? stated[number] : 0, rank: op.rank(op.input(input)))
}

/// The size of an input along an axis, as a scalar.
private func length(_ op: NodeContext, input: Int, axis: Int) throws(ConversionError) -> TensorRef {
    let x = try op.input(input)
    if !op.isDynamic(x) { return op.constant(Constant(ints: [op.desc(x).shape[axis]], shape: [])) }
    let shape = try op.emit("Shape", ["x": x], ["dtype": .int(Int64(DataType.int64.rawValue))])
    return try op.emit(
        "GatherV2",
        [
            "x": shape, "indices": op.constant(Constant(ints: [axis], shape: [])),
            "axis": op.constant(Constant(ints: [0], shape: [], dataType: .int32)),
        ])
}

/// The nodes that take the slice of a turn out of a scanned input, under the name that the body knows it by.
private func slices(
    _ op: NodeContext, _ name: String, number: Int, input: Int, _ turn: String
) throws(ConversionError) -> [ONNXNodeProto] {
    let directions = op.ints("scan_input_directions") ?? []
    let axis = try axis(op, number: number, input: input)
    var nodes: [ONNXNodeProto] = []
    var index = turn
    if directions.indices.contains(number), directions[number] == 1 {
        // -1 is the last slice.
        let (next, negative) = ("\(name)_next", "\(name)_from_the_end")
        let one = op.uniqueGraphName("one")
        op.importer.bind(one, to: op.constant(Constant(ints: [1], shape: [])))
        nodes = [node("Add", [turn, one], next), node("Neg", [next], negative)]
        index = negative
    }
    var gather = node("Gather", [op.node.input[input], index], name)
    gather.attribute = [
        ONNXAttributeProto.with {
            $0.name = "axis"
            $0.i = Int64(axis)
        }
    ]
    return nodes + [gather]
}

private func node(_ type: String, _ inputs: [String], _ output: String) -> ONNXNodeProto {
    ONNXNodeProto.with {
        $0.opType = type
        $0.name = "\(output)_\(type)"
        $0.input = inputs
        $0.output = [output]
    }
}
