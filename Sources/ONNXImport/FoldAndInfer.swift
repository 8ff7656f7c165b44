// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph
import Operators
import SaturatingArithmetic

/// What is known of a node's results at conversion.
enum Knowledge {
    /// Types and shapes. Where executions decide about sizes, stand-ins for these, and the values that follow from them.
    case outputs([TensorDesc], isDynamic: Bool, standIns: [Constant]?)
    /// The values of all results.
    case constants([Constant])
    /// There is no operator of this type.
    case missingOperator
}

extension GraphDraft {
    /// Infers the outputs of `node`, and their values if the inputs are constant and the budget allows it.
    mutating func infer(_ node: Node) throws(ConversionError) -> Knowledge {
        let isDynamic = node.inputs.contains { $0.map { self.isDynamic($0) } ?? false }
        let constants = node.inputs.map { isDynamic ? standIn($0) : constant($0) }
        let wanted = WantedValues()
        do {
            let inferred = try infer(node, constants, wanted)
            switch inferred {
            case .outputs(let descs): return .outputs(descs, isDynamic: isDynamic, standIns: nil)
            case .counted(let descs, let axes): return .outputs(counted(descs, axes), isDynamic: true, standIns: nil)
            case .constants(let values):
                return isDynamic
                    ? .outputs(values.map(\.desc), isDynamic: true, standIns: values) : .constants(values)
            case .missingOperator: return .missingOperator
            }
        } catch let error as GraphError {
            if let descs = guess(node, constants, wanted.slots) {
                return .outputs(descs, isDynamic: true, standIns: nil)
            }
            throw ConversionError(
                "E13014", "Node [\(node.name)] of type [\(node.type)] cannot be used: \(error)",
                cause: "The inputs or attributes of the operator do not fit together.",
                solution: "Check the model and the shapes given with --input_shape.")
        } catch {
            throw ConversionError("E13014", "Node [\(node.name)] of type [\(node.type)] cannot be folded: \(error)")
        }
    }

    private mutating func infer(_ node: Node, _ constants: [Constant?], _ wanted: WantedValues) throws -> Inferred {
        try NodeFolding.infer(
            node, inputs: node.inputs.map { ref in ref.map { desc($0) } }, constants: constants, budget: &budget,
            wanted: wanted)
    }

    /// Types and shapes of a node that asks for integers which only executions know, as if each was a stand-in.
    private mutating func guess(_ node: Node, _ constants: [Constant?], _ slots: Set<Int>) -> [TensorDesc]? {
        var constants = constants
        for slot in slots {
            guard let desc = node.inputs[slot].map({ self.desc($0) }), [.int32, .int64].contains(desc.dataType),
                let count = desc.elementCount, count <= TensorDesc.rankLimit
            else { return nil }
            constants[slot] = Constant(
                ints: [Int](repeating: standIns.count(atMost: .max), count: count), shape: desc.shape,
                dataType: desc.dataType)
        }
        guard !slots.isEmpty, let inferred = try? infer(node, constants, WantedValues()) else { return nil }
        hasUnlimitedSizes = true
        return switch inferred {
        case .outputs(let descs): descs
        case .counted(let descs, let axes): counted(descs, axes)
        case .constants(let values): values.map { TensorDesc($0.desc.dataType, $0.desc.shape) }
        case .missingOperator: nil
        }
    }

    /// Descriptors with stand-ins for what is counted.
    private func counted(_ descs: [TensorDesc], _ axes: [Int?]) -> [TensorDesc] {
        zip(descs, axes).map { desc, axis in
            guard let axis else { return desc }
            var desc = desc
            desc.shape[axis] = standIns.count(atMost: desc.shape[axis])
            return desc
        }
    }
}
