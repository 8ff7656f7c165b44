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

    /// Types and shapes of a node that asks for integers which only executions know.
    private mutating func guess(_ node: Node, _ constants: [Constant?], _ slots: Set<Int>) -> [TensorDesc]? {
        guard !slots.isEmpty, let x = node.inputs.first.flatMap({ $0 }).map({ desc($0) }) else { return nil }
        let size = standIns.count(atMost: .max)
        let descs: [TensorDesc]?
        switch node.type {
        case "Reshape", "Expand":
            // Any shape of so many dimensions may come.
            let rank = node.inputs[1].flatMap { desc($0).elementCount } ?? 0
            let least = node.type == "Expand" ? x.shape.count : 0
            descs = [TensorDesc(x.dataType, [Int](repeating: size, count: max(rank, least)))]
        case "StridedSliceV2":
            let axes = node.inputs.count > 3 ? constant(node.inputs[3])?.ints : nil
            let cut = axes?.map { $0 < 0 ? $0 + x.shape.count : $0 } ?? Array(x.shape.indices)
            descs = [TensorDesc(x.dataType, x.shape.indices.map { cut.contains($0) ? size : x.shape[$0] })]
        default: descs = guess(node, constants, slots, size)
        }
        guard let descs, descs.allSatisfy({ $0.shape.count <= TensorDesc.rankLimit }) else { return nil }
        hasUnlimitedSizes = true
        return descs
    }

    /// The same by inference, with numbers in the place of those integers: other ones for each input, so that differences
    /// between them do not vanish.
    private mutating func guess(
        _ node: Node, _ constants: [Constant?], _ slots: Set<Int>, _ size: Int
    ) -> [TensorDesc]? {
        var constants = constants
        for slot in slots {
            guard let desc = node.inputs[slot].map({ self.desc($0) }), [.int32, .int64].contains(desc.dataType),
                let count = desc.elementCount, count <= TensorDesc.rankLimit
            else { return nil }
            constants[slot] = Constant(
                ints: [Int](repeating: size * (slot + 1), count: count), shape: desc.shape, dataType: desc.dataType)
        }
        let descs: [TensorDesc]? =
            switch try? infer(node, constants, WantedValues()) {
            case .outputs(let descs): descs
            case .counted(let descs, let axes): counted(descs, axes)
            case .constants(let values): values.map { TensorDesc($0.desc.dataType, $0.desc.shape) }
            case .missingOperator, nil: nil
            }
        // A size of 0 says that the numbers were no good ones.
        return descs?.contains { $0.shape.contains(0) } == true ? nil : descs
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
