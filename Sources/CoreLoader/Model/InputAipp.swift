// SPDX-License-Identifier: Apache-2.0

import GEGraph

/// How an input of a model relates to AIPP, the image preprocessing inside models.
struct InputAipp: Sendable, Equatable {
    enum Mode: Sendable, Equatable {
        case none
        case fixed
        /// Its parameters come with each execution through the input with this index; nil if the model names none.
        case dynamic(parameters: Int?)
        case parameters
        /// The model states a mode that does not exist.
        case unknown(String)
    }

    var mode: Mode
    /// The configuration of static AIPP, keys as in atc's configuration file.
    var configuration: [String: Attribute]
    /// `FORMAT:DTYPE:name:size:ndims:d0,d1,…` per gear, before and after the preprocessing.
    var sources: [String]
    var results: [String]
    /// Of the tensor behind dynamic AIPP: images, height, width, channels; empty where the model does not say.
    var shape: [Int]

    /// One entry per input of `graph`, in the caller's order.
    static func list(of graph: Graph) -> [InputAipp] {
        let inputs = graph.inputNodes.map { graph.nodes[$0] }
        let numbers = Dictionary(
            inputs.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { first, _ in first })
        return inputs.map { node in
            var configuration: [String: Attribute] = [:]
            if case .named(_, let values)? = node.attributes["aipp"] { configuration = values }
            return InputAipp(
                mode: mode(of: node, among: numbers), configuration: configuration,
                sources: node.attributes.strings("_aipp_inputs") ?? [],
                results: node.attributes.strings("_aipp_outputs") ?? [], shape: node.outputs.first?.shape ?? [])
        }
    }

    /// - inputs: the number of each input, by its name.
    private static func mode(of node: Node, among inputs: [String: Int]) -> Mode {
        switch node.attributes.string("_data_related_aipp_mode") {
        case nil: .none
        case "static_aipp"?: .fixed
        case "dynamic_aipp"?:
            .dynamic(parameters: node.attributes.string("_data_aipp_data_name_map").flatMap { inputs[$0] })
        case "dynamic_aipp_conf"?: .parameters
        case let text?: .unknown(text)
        }
    }
}
