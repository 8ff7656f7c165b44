// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// A weight that lies in a file of its own: GE's FileConstant, which `atc --external_weight` writes.
struct ExternalConstant: Sendable {
    /// The sub-graph that holds the node; nil for the root.
    let subgraph: Int?
    let node: Int
    let nodeName: String
    /// The file's name, without any folder.
    let file: String
    let offset: Int
    let desc: TensorDesc
    let byteCount: Int

    static let type = "FileConstant"

    /// Where the bytes are: several nodes may have the same.
    struct Place: Hashable {
        let file: String
        let offset: Int
        let byteCount: Int
    }

    var place: Place { Place(file: file, offset: offset, byteCount: byteCount) }

    /// Throws 500002 for a node that names no file within the folder of weights, or a range that makes no sense.
    init(_ node: Node, index: Int, subgraph: Int?) throws(Failure) {
        func refuse(_ reason: String) -> Failure {
            .engine(ErrorCode.geFailure, "The FileConstant '\(node.name)' cannot be loaded: \(reason).")
        }
        let attributes = node.attributes
        let location = attributes.string("location") ?? ""
        let path = location.isEmpty ? attributes.string("file_path") ?? "" : location
        guard !path.isEmpty else {
            let id = attributes.string("file_id") ?? ""
            throw refuse(
                id.isEmpty ? "it names no file" : "its file_id '\(id)' stands for a file that only options of GE name")
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.contains(".."), let name = parts.last, !name.isEmpty, name != ".", !path.utf8.contains(0) else {
            throw refuse("its file '\(path)' lies outside of the folder of weights")
        }
        guard let desc = Self.desc(node), let needed = desc.byteCount, desc.isWithinLimits else {
            throw refuse("its type and shape are not known")
        }
        let offset = location.isEmpty ? 0 : attributes.int("offset") ?? 0
        let length = location.isEmpty ? 0 : attributes.int("length") ?? 0
        guard offset >= 0, length == 0 || length >= needed, offset <= .max - needed else {
            throw refuse("offset \(offset) and length \(length) do not fit its \(needed) bytes")
        }
        self.subgraph = subgraph
        self.node = index
        nodeName = node.name
        file = String(name)
        self.offset = offset
        self.desc = desc
        byteCount = needed
    }

    private static func desc(_ node: Node) -> TensorDesc? {
        if let stated = node.outputs.first, stated.isStatic, stated.dataType != .undefined { return stated }
        guard let shape = node.attributes.ints("shape"), let type = node.attributes.dataType("dtype") else {
            return nil
        }
        return TensorDesc(type, shape)
    }

    /// The external weights of a model, in its order.
    static func list(in model: Model) throws(Failure) -> [ExternalConstant] {
        var constants = try list(in: model.graph, subgraph: nil)
        for (number, graph) in model.subgraphs.enumerated() { constants += try list(in: graph, subgraph: number) }
        return constants
    }

    private static func list(in graph: Graph, subgraph: Int?) throws(Failure) -> [ExternalConstant] {
        var constants: [ExternalConstant] = []
        for (index, node) in graph.nodes.enumerated() where node.type == type {
            constants.append(try ExternalConstant(node, index: index, subgraph: subgraph))
        }
        return constants
    }
}
