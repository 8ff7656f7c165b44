// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph

@testable import ONNXImport

/// Builds small graphs for tests and computes them node by node.
struct DraftBuilder {
    var draft = GraphDraft()
    private var random = SplitMix(state: 7)

    mutating func data(_ shape: [Int], _ name: String = "x") -> TensorRef {
        TensorRef(
            draft.append(Node(name: name, type: "Data", outputs: [TensorDesc(.float, shape)], outputNames: ["y"])))
    }

    mutating func constant(_ values: [Float], _ shape: [Int]? = nil) -> TensorRef {
        draft.addConstant(Constant(packing: values, shape: shape ?? [values.count]), name: "constant")
    }

    mutating func constant(ints values: [Int]) -> TensorRef {
        draft.addConstant(Constant(ints: values, dataType: .int32), name: "constant")
    }

    mutating func scalar(_ value: Float) -> TensorRef { constant([value], []) }

    /// A constant of numbers between `low` and `high`, the same ones each time.
    mutating func randomConstant(_ shape: [Int], _ low: Float = -1, _ high: Float = 1) -> TensorRef {
        constant(randomValues(shape.reduce(1, *), low, high), shape)
    }

    mutating func randomValues(_ count: Int, _ low: Float = -1, _ high: Float = 1) -> [Float] {
        (0..<count).map { _ in low + (high - low) * random.unit() }
    }

    /// A node with its outputs inferred.
    mutating func node(
        _ type: String, _ inputs: [TensorRef?], _ attributes: [String: Attribute] = [:]
    ) throws -> TensorRef {
        var node = Node(
            name: "\(type)_\(draft.nodes.count)", type: type, inputs: inputs, outputNames: ["y"], attributes: attributes
        )
        guard case .outputs(let descs, _, _) = try draft.infer(node) else { throw UnexpectedConstant(type: type) }
        node.outputs = Array(descs.prefix(1))
        return TensorRef(draft.append(node))
    }

    mutating func output(_ refs: TensorRef...) {
        draft.append(Node(name: "Node_Output", type: "NetOutput", inputs: refs))
    }

    /// The types of the nodes that compute something, sorted.
    var types: [String] {
        draft.liveNodes.map { draft.nodes[$0].type }.filter { !["Data", "Const", "NetOutput"].contains($0) }.sorted()
    }

    /// The first output of the graph for the inputs in the order of the Data nodes.
    func compute(_ inputs: [[Float]]) throws -> [Float] {
        var values: [TensorRef: Constant] = [:]
        var next = inputs.makeIterator()
        for node in draft.liveNodes where draft.nodes[node].type == "Data" {
            values[TensorRef(node)] = Constant(packing: next.next() ?? [], shape: draft.nodes[node].outputs[0].shape)
        }
        for node in draft.topologicalOrder() {
            let current = draft.nodes[node]
            switch current.type {
            case "Data": continue
            case "Const": values[TensorRef(node)] = current.constant
            case "NetOutput": return current.inputs[0].flatMap { values[$0]?.floats } ?? []
            default:
                let operands = current.inputs.map { ref in ref.flatMap { values[$0] } }
                for (output, value) in try Evaluation.evaluate(current, inputs: operands).enumerated() {
                    values[TensorRef(node, output)] = value
                }
            }
        }
        return []
    }
}

/// A node that a test meant to stay was folded.
struct UnexpectedConstant: Error { let type: String }

/// Small seeded generator.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number from 0 up to 1.
    mutating func unit() -> Float { Float(next() >> 40) / Float(1 << 24) }
}

/// Whether two results agree relative to the range of the first.
func agree(_ left: [Float], _ right: [Float], _ tolerance: Float = 1e-5) -> Bool {
    guard left.count == right.count, let low = left.min(), let high = left.max() else { return false }
    let range = max(high - low, 1e-3)
    return zip(left, right).allSatisfy { abs($0 - $1) <= tolerance * range }
}

/// Runs `pass` on a copy of the graph and checks that it changes the nodes to `types` but not the result.
func check(
    _ builder: DraftBuilder, _ pass: Pass, becomes types: [String], inputs: [[Float]]
) throws -> (changed: Bool, sameResult: Bool, sameTypes: Bool) {
    var after = builder
    let changed = try pass(&after.draft)
    after.draft.removeUnused()
    let sameResult = agree(try builder.compute(inputs), try after.compute(inputs))
    return (changed, sameResult, after.types == types.sorted())
}
