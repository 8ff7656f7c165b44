// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph
import Operators
import SaturatingArithmetic

/// What becomes of a node when everything that is known of its inputs is used.
enum Inferred {
    /// The node stays; these are its outputs.
    case outputs([TensorDesc])
    /// The values of all outputs are known now.
    case constants([Constant])
    /// The runtime has no operator of this type; nothing is known of the outputs.
    case missingOperator
}

extension GraphDraft {
    /// Types whose value follows from the shape of the input alone.
    private static let shapeQueries: Set<String> = ["Shape", "Size", "Rank"]
    /// Types that give another value each time they run.
    static let randomTypes: Set<String> = [
        "RandomStandardNormal", "RandomUniform", "RandomUniformInt", "Multinomial", "StatelessBernoulliV2",
    ]

    /// Types whose output holds the elements of input 0 in the same order.
    static let views: Set<String> = [
        "Identity", "Reshape", "Squeeze", "SqueezeV3", "Unsqueeze", "UnsqueezeV3", "Flatten", "ExpandDims",
    ]

    /// Types whose shape follows from the elements of a constant, which makes asking for it costly.
    private static let searches: Set<String> = ["NonZero", "Where"]

    /// Infers the outputs of `node`, and their values if the inputs are constant and the budget allows it.
    mutating func infer(_ node: Node) throws(ConversionError) -> Inferred {
        guard let type = Catalogue[type: node.type] else { return .missingOperator }
        let inputs = node.inputs.map { ref in ref.map { desc($0) } }
        let constants = node.inputs.map { constant($0) }
        if Self.shapeQueries.contains(node.type), let desc = inputs.first ?? nil, desc.isStatic {
            return .constants([Self.answer(node, of: desc)])
        }
        if Self.searches.contains(node.type), let desc = inputs.first ?? nil {
            guard budget.take((desc.elementCount ?? 0) * 16 * (1 + desc.shape.count)) else {
                throw ConversionError(
                    "E13014",
                    "Node [\(node.name)] of type [\(node.type)] searches a constant of shape \(desc.shape), which is more than "
                        + "may be computed at conversion.", solution: "Pass the constant as an input.")
            }
        }
        do {
            let outputs = try type.infer(Inference(node: node, inputs: inputs, constants: constants))
            let known = zip(node.inputs, constants).allSatisfy { $0 == nil || $1 != nil }
            guard known, !node.inputs.isEmpty, !Self.randomTypes.contains(node.type),
                outputs.allSatisfy({ $0.isStatic }),
                budget.take(FoldingBudget.cost(of: node, inputs: inputs, outputs: outputs))
            else { return .outputs(outputs) }
            if Self.views.contains(node.type), let value = constants[0] {
                return .constants([Constant(outputs[0], value.data)])
            }
            return .constants(try Evaluation.evaluate(node, inputs: constants))
        } catch let error as GraphError {
            throw ConversionError(
                "E13014", "Node [\(node.name)] of type [\(node.type)] cannot be used: \(error)",
                cause: "The inputs or attributes of the operator do not fit together.",
                solution: "Check the model and the shapes given with --input_shape.")
        } catch {
            throw ConversionError("E13014", "Node [\(node.name)] of type [\(node.type)] cannot be folded: \(error)")
        }
    }

    private static func answer(_ node: Node, of desc: TensorDesc) -> Constant {
        let type: DataType = node.attributes.dataType("dtype") == .int64 ? .int64 : .int32
        return switch node.type {
        case "Shape": Constant(ints: desc.shape, dataType: type)
        case "Size": Constant(ints: [desc.shape.reduce(1, *)], shape: [], dataType: type)
        default: Constant(ints: [desc.shape.count], shape: [], dataType: .int32)
        }
    }
}
