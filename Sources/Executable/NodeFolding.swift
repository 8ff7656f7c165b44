// SPDX-License-Identifier: Apache-2.0

public import GEGraph
public import Operators
import SaturatingArithmetic

/// What becomes of a node when everything that is known of its inputs is used.
public enum Inferred {
    /// The node stays; these are its outputs.
    case outputs([TensorDesc])
    /// The node stays, and only an execution finds out the size of the dimension `axes` of each output, which is at most
    /// the one that is given; nil for outputs of which all is known.
    case counted([TensorDesc], axes: [Int?])
    /// The values of all outputs are known now.
    case constants([Constant])
    /// There is no operator of this type; nothing is known of the outputs.
    case missingOperator
}

/// Infers nodes, and computes those of which all inputs are known.
public enum NodeFolding {
    /// Types whose value follows from the shape of the input alone.
    private static let shapeQueries: Set<String> = ["Shape", "Size", "Rank"]
    /// Types that give another value each time they run.
    public static let randomTypes: Set<String> = [
        "RandomStandardNormal", "RandomUniform", "RandomUniformInt", "Multinomial", "StatelessBernoulliV2",
    ]
    /// Types whose output holds the elements of input 0 in the same order.
    private static let views: Set<String> = [
        "Identity", "Reshape", "Squeeze", "SqueezeV3", "Unsqueeze", "UnsqueezeV3", "Flatten", "ExpandDims",
    ]
    /// Types whose shape follows from the elements of a constant, which makes asking for it costly.
    private static let searches: Set<String> = ["NonZero", "Where"]

    /// Infers the outputs of `node`, and their values if the inputs are constant and the budget allows it.
    /// - inputs, constants: one entry per input slot; constants are inline.
    /// - wanted: is told which values the operator asked for that are not known.
    /// - Throws: `GraphError` for a node that cannot be, or what computing it throws.
    public static func infer(
        _ node: Node, inputs: [TensorDesc?], constants: [Constant?], budget: inout FoldingBudget,
        wanted: WantedValues? = nil
    ) throws -> Inferred {
        guard let type = Catalogue[type: node.type] else { return .missingOperator }
        if shapeQueries.contains(node.type), let desc = inputs.first ?? nil, desc.isStatic {
            return .constants([answer(node, of: desc)])
        }
        if searches.contains(node.type), let desc = inputs.first ?? nil, constants.first ?? nil != nil {
            guard budget.take((desc.elementCount ?? 0) * 16 * (1 + desc.shape.count)) else {
                throw GraphError.invalidNode(
                    node: node.name, type: node.type,
                    reason: "it searches a constant of shape \(desc.shape), which is more than may be computed ahead")
            }
        }
        let inference = Inference(node: node, inputs: inputs, constants: constants, wanted: wanted)
        let outputs = try type.infer(inference)
        if let axes = type.countedAxes?(inference) { return .counted(outputs, axes: axes) }
        let known = zip(inputs, constants).allSatisfy { $0 == nil || $1 != nil }
        guard known, !inputs.isEmpty, !randomTypes.contains(node.type), outputs.allSatisfy({ $0.isStatic }),
            budget.take(FoldingBudget.cost(of: node, inputs: inputs, outputs: outputs))
        else { return .outputs(outputs) }
        if views.contains(node.type), let value = constants[0] { return .constants([Constant(outputs[0], value.data)]) }
        return .constants(try Evaluation.evaluate(node, inputs: constants))
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
