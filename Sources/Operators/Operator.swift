// SPDX-License-Identifier: Apache-2.0

public import GEGraph
public import Kernels

/// One GE operator: its type, how the shapes of its outputs follow from its inputs, and how it becomes kernels.
public struct Operator: Sendable {
    /// The GE type, such as `Conv2D`.
    public let type: String
    /// What `infer` asks; only there, so that no shape goes past the limits.
    private let rule: @Sendable (Inference) throws(GraphError) -> [TensorDesc]
    /// Emits kernels and returns one value per output. `infer` has accepted the node before.
    public let lower: @Sendable (Lowering) throws -> [Value]
    /// Whether what `lower` emits takes following element-wise operators along (see `ProgramBuilder.followers`).
    public let fusesFollowers: Bool
    /// How this operator is expressed as a function that follows in the kernel that produces input `slot`; nil if it cannot be.
    /// The operand of a binary one is the number of the input slot that holds it.
    public let asFollower: (@Sendable (Inference, _ slot: Int) -> FollowingFunction<Int>?)?
    /// Per output the dimension whose size only an execution finds out; nil where all shapes are known before. `infer` then
    /// gives the largest size that it can have.
    public let countedAxes: (@Sendable (Inference) -> [Int?]?)?

    public init(
        _ type: String, infer: @escaping @Sendable (Inference) throws(GraphError) -> [TensorDesc],
        lower: @escaping @Sendable (Lowering) throws -> [Value], fusesFollowers: Bool = false,
        asFollower: (@Sendable (Inference, _ slot: Int) -> FollowingFunction<Int>?)? = nil,
        countedAxes: (@Sendable (Inference) -> [Int?]?)? = nil
    ) {
        self.type = type
        rule = infer
        self.lower = lower
        self.fusesFollowers = fusesFollowers
        self.asFollower = asFollower
        self.countedAxes = countedAxes
    }

    /// Descriptors of the outputs; throws `GraphError.invalidNode` for inputs or attributes that the operator refuses, and
    /// for tensors beyond the limits of `TensorDesc`.
    public func infer(_ node: Inference) throws(GraphError) -> [TensorDesc] {
        for case let desc? in node.inputs where !desc.isWithinLimits {
            throw node.invalid("an input of type \(desc.dataType) and shape \(desc.shape) is too large")
        }
        let outputs = try rule(node)
        for desc in outputs where !desc.isWithinLimits {
            throw node.invalid("the output shape \(desc.shape) of type \(desc.dataType) is too large")
        }
        return outputs
    }
}

/// What an operator sees of its node when shapes are inferred.
public struct Inference {
    public let node: Node
    /// One entry per input slot; nil for an absent optional input.
    public let inputs: [TensorDesc?]
    private let constants: [Constant?]
    private let wanted: WantedValues?

    /// - constants: the values of inputs that are known now.
    /// - wanted: is told which values were asked for that are not known.
    public init(node: Node, inputs: [TensorDesc?], constants: [Constant?], wanted: WantedValues? = nil) {
        self.node = node
        self.inputs = inputs
        self.constants = constants
        self.wanted = wanted
    }

    public var attributes: [String: Attribute] { node.attributes }

    /// The descriptor of an input that must be there.
    public func input(_ slot: Int) throws(GraphError) -> TensorDesc {
        guard slot < inputs.count, let desc = inputs[slot] else { throw invalid("input \(slot) is missing") }
        return desc
    }

    public func hasInput(_ slot: Int) -> Bool { slot < inputs.count && inputs[slot] != nil }

    /// The value of an input if it is known now.
    public func constant(_ slot: Int) -> Constant? {
        if constants.indices.contains(slot), let constant = constants[slot] { return constant }
        if hasInput(slot) { wanted?.slots.insert(slot) }
        return nil
    }

    /// The elements of an integer input that must be constant, such as axes or a shape.
    public func constantInts(_ slot: Int) throws(GraphError) -> [Int] {
        guard let values = optionalConstantInts(slot) else {
            throw invalid(
                "input \(slot) must be a constant of type int32 or int64, of at most \(Self.longestList) elements")
        }
        return values
    }

    /// Nil for constants of more than a list that somebody wrote, which would have to be read again for each node.
    public func optionalConstantInts(_ slot: Int) -> [Int]? {
        guard let constant = constant(slot), constant.desc.elementCount ?? 0 <= Self.longestList else { return nil }
        return constant.ints
    }

    /// Elements of the largest input whose value may decide about a shape.
    public static let longestList = 1 << 16

    public func optionalConstantFloats(_ slot: Int) -> [Float]? {
        constant(slot)?.floats
    }

    public func invalid(_ reason: String) -> GraphError {
        .invalidNode(node: node.name, type: node.type, reason: reason)
    }
}

/// Input slots whose values an operator has asked for although they are not known yet.
public final class WantedValues {
    public fileprivate(set) var slots: Set<Int> = []

    public init() {}
}

/// What an operator sees of its node when it becomes kernels.
public struct Lowering {
    public let inference: Inference
    /// One value per input slot; nil for an absent optional input.
    public let inputs: [Value?]
    /// What `infer` returned.
    public let outputs: [TensorDesc]
    public let builder: ProgramBuilder

    public init(inference: Inference, inputs: [Value?], outputs: [TensorDesc], builder: ProgramBuilder) {
        self.inference = inference
        self.inputs = inputs
        self.outputs = outputs
        self.builder = builder
    }

    public var node: Node { inference.node }
    public var attributes: [String: Attribute] { inference.node.attributes }

    public func input(_ slot: Int) throws(GraphError) -> Value {
        guard slot < inputs.count, let value = inputs[slot] else { throw inference.invalid("input \(slot) is missing") }
        return value
    }
}
