// SPDX-License-Identifier: Apache-2.0

/// One output of one node of the same graph.
public struct TensorRef: Hashable, Sendable {
    /// Index into `Graph.nodes`.
    public var node: Int
    public var output: Int

    public init(_ node: Int, _ output: Int = 0) {
        self.node = node
        self.output = output
    }
}

/// An operator of the graph: GE's OpDef. Data, Const and NetOutput are nodes as any other.
public struct Node: Equatable, Sendable {
    /// Unique within the graph.
    public var name: String
    /// The GE operator type, such as `Conv2D`.
    public var type: String
    /// One entry per input slot, in the order of the operator's prototype; nil where an optional input is absent.
    public var inputs: [TensorRef?]
    /// The slots' names (`x`, `filter`, `x0` …), as many as `inputs`, or empty where the file has none.
    public var inputNames: [String]
    /// Nodes that must run before this one although no tensor connects them.
    public var controlInputs: [Int]
    /// Descriptors of the inputs as the file states them; empty in graphs that were built here, where the producer's
    /// output descriptor holds.
    public var inputDescs: [TensorDesc]
    public var outputs: [TensorDesc]
    /// The slots' names (`y` …), as many as `outputs`, or empty.
    public var outputNames: [String]
    public var attributes: [String: Attribute]
    /// Names of the bodies of If, Case, While and PartitionedCall.
    public var subgraphs: [String]

    public init(
        name: String, type: String, inputs: [TensorRef?] = [], inputNames: [String] = [], controlInputs: [Int] = [],
        inputDescs: [TensorDesc] = [], outputs: [TensorDesc] = [], outputNames: [String] = [],
        attributes: [String: Attribute] = [:], subgraphs: [String] = []
    ) {
        self.name = name
        self.type = type
        self.inputs = inputs
        self.inputNames = inputNames
        self.controlInputs = controlInputs
        self.inputDescs = inputDescs
        self.outputs = outputs
        self.outputNames = outputNames
        self.attributes = attributes
        self.subgraphs = subgraphs
    }

    /// The value of a Const or Constant node.
    public var constant: Constant? {
        if case .tensor(let value)? = attributes["value"], type == "Const" || type == "Constant" { value } else { nil }
    }
}
