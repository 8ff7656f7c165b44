// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

extension GraphDraft {
    /// Adds a constant whose name begins with `name`.
    mutating func addConstant(_ value: Constant, name: String) -> TensorRef {
        TensorRef(append(Node(constant: value, name: "\(name)_\(nodes.count)")))
    }

    /// Adds a node in place of `old`: infers its output and takes over the name and the users.
    mutating func replace(_ old: Int, with node: Node) throws(ConversionError) {
        var node = node
        node.name = nodes[old].name
        var known: (isDynamic: Bool, standIns: [Constant]?) = (false, nil)
        switch try infer(node) {
        case .outputs(let descs, let isDynamic, let standIns):
            node.outputs = Array(descs.prefix(max(1, node.outputNames.count)))
            known = (isDynamic, standIns)
        case .constants(let values): node = Node(constant: values[0], name: node.name)
        case .missingOperator:
            throw ConversionError("E10501", "No IR is registered for operator type [\(node.type)].")
        }
        setName("\(node.name)_replaced_\(nodes.count)", of: old)
        let new = append(node, isDynamic: known.isDynamic, standIns: known.standIns)
        replaceUses(of: TensorRef(old), with: TensorRef(new))
        removeIfUnused(old)
    }

    /// Lets the users of the one output of `node` read `ref` instead, and removes the node.
    mutating func bypass(_ node: Int, to ref: TensorRef) {
        replaceUses(of: TensorRef(node), with: ref)
        removeIfUnused(node)
    }

    /// Whether `node` is still there and of one of `types`.
    func isLiveType(_ node: Int, _ types: Set<String>) -> Bool { isLive(node) && types.contains(nodes[node].type) }

    /// The producer of input `slot` if it is of one of `types`.
    func producer(of node: Int, slot: Int, _ types: Set<String>) -> Int? {
        guard slot < nodes[node].inputs.count, let ref = nodes[node].inputs[slot], ref.output == 0,
            types.contains(nodes[ref.node].type)
        else { return nil }
        return ref.node
    }

    private static let longestUniform = 1 << 16

    /// The one number that every element of the constant `ref` equals.
    func uniformValue(_ ref: TensorRef?) -> Double? {
        guard let constant = constant(ref), constant.desc.dataType.isFloatingPoint else { return nil }
        if let scalar = constant.scalar { return scalar }
        // Many nodes may ask about one large constant; one that is uniform is rare.
        guard constant.desc.elementCount ?? 0 <= Self.longestUniform, let floats = constant.floats,
            let first = floats.first, floats.allSatisfy({ $0 == first })
        else { return nil }
        return Double(first)
    }

    /// For an operator of two inputs where the order does not matter: the input that is no constant, and the number
    /// that the other one is.
    func operandAndNumber(_ node: Int) -> (operand: TensorRef, number: Double)? {
        let inputs = nodes[node].inputs
        guard inputs.count == 2, let left = inputs[0], let right = inputs[1] else { return nil }
        if let number = uniformValue(right), keepsShape(node, of: left) { return (left, number) }
        if let number = uniformValue(left), keepsShape(node, of: right) { return (right, number) }
        return nil
    }

    /// Whether the first output has the shape of `ref`, so that the other operand only broadcasts to it.
    func keepsShape(_ node: Int, of ref: TensorRef) -> Bool {
        guard nodes[node].outputs.first?.shape == desc(ref).shape, desc(ref).isStatic else { return false }
        // Stand-ins may be equal by chance: then only what broadcasts to any shape will do.
        return !isDynamic(ref)
            || Self.broadcastingTypes.contains(nodes[node].type)
                && nodes[node].inputs.allSatisfy { other in
                    other == ref || other.map { desc($0).elementCount == 1 && !isDynamic($0) } ?? true
                }
    }

    private static let broadcastingTypes: Set<String> = ["Add", "Mul", "Sub", "RealDiv", "Pow"]
}

/// Whether two numbers agree to float precision.
func nearlyEqual(_ left: Double, _ right: Double) -> Bool { abs(left - right) <= 1e-5 * max(abs(left), abs(right)) }
