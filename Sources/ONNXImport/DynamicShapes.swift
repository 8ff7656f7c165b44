// SPDX-License-Identifier: Apache-2.0

import GEGraph
import SaturatingArithmetic

/// Models with sizes that executions decide about: imported with different stand-ins and put together again.
enum DynamicShapes {
    typealias Attempt = (StandIns) throws(ConversionError) -> (Model, ONNXImporter)

    /// - attempt: imports the model with stand-ins.
    static func importing(_ attempt: Attempt) throws(ConversionError) -> Model {
        var firstError: ConversionError?
        for grouping in StandIns.Grouping.allCases {
            do throws(ConversionError) {
                let (first, importer) = try attempt(StandIns(.first, grouping))
                guard importer.hasDynamicNodes else { return first }
                let (second, _) = try attempt(StandIns(.second, grouping))
                let isLimited =
                    !importer.draft.hasUnlimitedSizes
                    && importer.inputRanges.values.allSatisfy { $0.allSatisfy { $0 == nil || $0?.upper != nil } }
                var merging = Merging(importer.inputRanges)
                if isLimited { merging.largest = try attempt(StandIns(.largest, grouping)).0 }
                return try merging.merged(first, second)
            } catch {
                firstError = firstError ?? error
                // Without chosen sizes nothing changes with the grouping.
                if error.code != "E13014" && error.code != "E11010" { break }
            }
        }
        throw firstError ?? ConversionError("E19999", "The model cannot be imported.")
    }

    /// Two imports of one model with different stand-ins, on their way to become one.
    private struct Merging {
        private let ranges: [String: [InputRange?]]
        /// The import with the largest sizes, where all are limited.
        var largest: Model?

        init(_ ranges: [String: [InputRange?]]) { self.ranges = ranges }

        func merged(_ first: Model, _ second: Model) throws(ConversionError) -> Model {
            guard first.subgraphs.count == second.subgraphs.count else { throw Self.differ(first.name) }
            var model = first
            model.graph = try merged(first.graph, second.graph, largest?.graph, isRoot: true)
            for index in model.subgraphs.indices {
                model.subgraphs[index] = try merged(
                    first.subgraphs[index], second.subgraphs[index],
                    largest.flatMap { $0.subgraphs.indices.contains(index) ? $0.subgraphs[index] : nil }, isRoot: false)
            }
            return model
        }

        private func merged(
            _ first: Graph, _ second: Graph, _ largest: Graph?, isRoot: Bool
        ) throws(ConversionError) -> Graph {
            guard first.nodes.count == second.nodes.count else { throw Self.differ(first.name) }
            var graph = first
            for index in graph.nodes.indices {
                let other = second.nodes[index]
                var node = graph.nodes[index]
                guard node.type == other.type, node.inputs == other.inputs, node.attributes == other.attributes,
                    node.outputs.count == other.outputs.count
                else { throw Self.differ(node.name) }
                let limit = largest.flatMap { $0.nodes.indices.contains(index) ? $0.nodes[index] : nil }
                for output in node.outputs.indices {
                    node.outputs[output] = try merged(
                        node.outputs[output], other.outputs[output],
                        limit.flatMap { $0.outputs.indices.contains(output) ? $0.outputs[output] : nil }, node.name)
                }
                if isRoot, Graph.dataTypes.contains(node.type), let ranges = ranges[node.name] {
                    set(ranges, of: &node.outputs[0])
                }
                graph.nodes[index] = node
            }
            return graph
        }

        private func merged(
            _ first: TensorDesc, _ second: TensorDesc, _ largest: TensorDesc?, _ node: String
        ) throws(ConversionError) -> TensorDesc {
            guard first.dataType == second.dataType, first.shape.count == second.shape.count else {
                throw Self.differ(node)
            }
            guard first.shape != second.shape else { return first }
            var desc = first
            var pairs: [[Int64]] = []
            for axis in first.shape.indices {
                if first.shape[axis] == second.shape[axis] {
                    pairs.append([Int64(first.shape[axis]), Int64(first.shape[axis])])
                    continue
                }
                desc.shape[axis] = -1
                let isLimited = largest?.shape.count == first.shape.count
                pairs.append([0, isLimited ? Int64(largest?.shape[axis] ?? -1) : -1])
            }
            desc.attributes["shape_range"] = .intLists(pairs)
            return desc
        }

        /// What a caller may choose of an input, also where all stand-ins happened to be one number.
        private func set(_ ranges: [InputRange?], of desc: inout TensorDesc) {
            var pairs: [[Int64]] = []
            for (axis, range) in ranges.enumerated() where desc.shape.indices.contains(axis) {
                if let range {
                    desc.shape[axis] = -1
                    pairs.append([Int64(range.lower), Int64(range.upper ?? -1)])
                } else {
                    pairs.append([Int64(desc.shape[axis]), Int64(desc.shape[axis])])
                }
            }
            desc.attributes["shape_range"] = .intLists(pairs)
        }

        private static func differ(_ name: String) -> ConversionError {
            ConversionError(
                "E13014",
                "Node [\(name)] becomes another one for another shape of the inputs, which is not supported where executions "
                    + "choose it.",
                solution: "Give the shape with --input_shape, or list the shapes with --dynamic_dims.")
        }
    }
}
