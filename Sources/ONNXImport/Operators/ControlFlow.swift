// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

let controlFlowRules: [String: Rule] = ["If": importIf, "Loop": importLoop]

/// With a condition that is known at conversion, the chosen branch takes the place of the node; otherwise GE's If.
private func importIf(_ op: NodeContext) throws(ConversionError) {
    let condition = try op.input(0)
    if let value = op.constant(condition), value.desc.elementCount == 1, let number = value.ints?.first {
        let branch = try op.graph(number != 0 ? "then_branch" : "else_branch")
        try op.importer.importBranch(branch)
        for (index, output) in branch.output.enumerated() {
            guard let ref = op.importer.tensor(named: output.name) else {
                throw op.invalid("output [\(output.name)] of a branch is not produced in it.")
            }
            op.set(index, ref)
        }
        return
    }
    let bodies = try branches(op)
    let outputs = try mergedResults(op, bodies[0].results, bodies[1].results)
    let results = op.importer.emitControlFlow(
        "If", [condition], firstArgument: 1, bodies: bodies, outputs: outputs)
    for (index, ref) in results.enumerated() { op.set(index, ref) }
}

/// Both branches; in the place of one that does not go together with the shapes of the model, one that says so when it is
/// taken.
private func branches(_ op: NodeContext) throws(ConversionError) -> [ONNXImporter.Body] {
    var bodies: [ONNXImporter.Body?] = []
    var refusals: [ConversionError] = []
    let names = ["then_branch", "else_branch"].enumerated().map { op.uniqueGraphName("\($0)_\($1)") }
    for (name, branch) in zip(names, ["then_branch", "else_branch"]) {
        let graph = try op.graph(branch)
        do throws(ConversionError) {
            bodies.append(try op.importer.importBody(graph, name: name, inputs: [], isDynamic: []))
        } catch {
            guard error.code == "E13014" else { throw error }
            bodies.append(nil)
            refusals.append(error)
        }
    }
    if let refusal = refusals.first {
        guard refusals.count == 1, let other = bodies.compactMap({ $0 }).first else { throw refusal }
        bodies = zip(names, bodies).map { name, body in
            body ?? op.importer.refusedBody(name: name, results: other.results, reason: refusal.message)
        }
    }
    return bodies.compactMap { $0 }
}

/// What comes out of either branch; of sizes that differ one stands in for both.
private func mergedResults(
    _ op: NodeContext, _ first: [TensorDesc], _ second: [TensorDesc]
) throws(ConversionError) -> [TensorDesc] {
    guard first.count == second.count, first.count >= op.node.output.count else {
        throw op.invalid("its branches have \(first.count) and \(second.count) outputs.")
    }
    var merged: [TensorDesc] = []
    for (index, (left, right)) in zip(first, second).enumerated() {
        guard left.dataType == right.dataType else {
            throw op.invalid("output \(index) is \(left.dataType) in one branch and \(right.dataType) in the other.")
        }
        guard left.shape.count == right.shape.count else {
            throw op.unsupported(
                "output \(index) has \(left.shape.count) dimensions in one branch and \(right.shape.count) in the other."
            )
        }
        let shape =
            switch op.importer.draft.standIns.turn {
            case .first: left.shape
            case .second: right.shape
            case .largest: zip(left.shape, right.shape).map { max($0, $1) }
            }
        merged.append(TensorDesc(left.dataType, shape))
    }
    return merged
}

/// A node of ONNX's type: GE's While neither counts turns nor collects results.
func importLoop(_ op: NodeContext) throws(ConversionError) {
    let graph = try op.graph("body")
    let carriedCount = op.inputs.count - 2
    guard carriedCount >= 0, graph.input.count == op.inputs.count, graph.output.count >= 1 + carriedCount else {
        throw op.invalid("its body has \(graph.input.count) inputs for \(op.inputs.count) of the node.")
    }
    let turns = op.optionalInput(0) ?? op.constant(Constant(ints: [.max], shape: []))
    let condition = op.optionalInput(1) ?? op.constant(Constant(TensorDesc(.bool, []), .inline([1])))
    var carried: [TensorRef] = []
    for index in 0..<carriedCount { carried.append(try op.input(2 + index)) }
    let name = op.uniqueGraphName("body")
    var descs = carried.map { TensorDesc(op.desc($0).dataType, op.desc($0).shape) }
    var isDynamic = carried.map { op.isDynamic($0) }
    var body: ONNXImporter.Body
    var attempts = 0
    repeat {
        body = try op.importer.importBody(
            graph, name: name,
            inputs: [TensorDesc(.int64, []), TensorDesc(.bool, [])] + descs, isDynamic: [false, false] + isDynamic)
        attempts += 1
    } while try widen(op, &descs, &isDynamic, to: Array(body.results[1..<1 + carriedCount])) && attempts < 8
    op.importer.draft.hasUnlimitedSizes = true
    let count = op.importer.draft.standIns.count(atMost: op.constant(turns)?.ints?.first ?? 1 << 20)
    let collected = body.results[(1 + carriedCount)...].map { TensorDesc($0.dataType, [count] + $0.shape) }
    let results = op.importer.emitControlFlow(
        "Loop", [turns, condition] + carried, firstArgument: 0, bodies: [body],
        attributes: ["carried": .int(Int64(carriedCount))], outputs: descs + collected)
    for (index, ref) in results.enumerated() { op.set(index, ref) }
}

/// Lets stand-ins stand for sizes that a turn changes; returns whether there are new ones.
private func widen(
    _ op: NodeContext, _ descs: inout [TensorDesc], _ isDynamic: inout [Bool], to results: [TensorDesc]
) throws(ConversionError) -> Bool {
    var isWider = false
    for (index, result) in results.enumerated() where result.shape != descs[index].shape {
        guard result.shape.count == descs[index].shape.count, result.dataType == descs[index].dataType else {
            throw op.unsupported(
                "its body turns what it carries from \(descs[index].dataType) \(descs[index].shape) into "
                    + "\(result.dataType) \(result.shape).")
        }
        if isDynamic[index], descs[index].shape.contains(op.importer.draft.standIns.count(atMost: 1 << 20)) { continue }
        for axis in result.shape.indices where result.shape[axis] != descs[index].shape[axis] {
            descs[index].shape[axis] = op.importer.draft.standIns.count(atMost: 1 << 20)
        }
        isDynamic[index] = true
        isWider = true
    }
    return isWider
}
