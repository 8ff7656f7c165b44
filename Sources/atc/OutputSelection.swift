// SPDX-License-Identifier: Apache-2.0

import GEGraph
import ONNXImport

/// What `--out_nodes` and `--output_type` choose.
struct OutputSelection {
    var tensors: [String] = []
    var nodes: [(node: String, output: Int)] = []
    var type: DataType?
    var nodeTypes: [(node: String, output: Int, type: DataType)] = []

    private static let types: [String: DataType] = [
        "FP32": .float, "FP16": .float16, "UINT8": .uint8, "INT8": .int8,
    ]

    init(nodes outNodes: String, types outputType: String) throws(ConversionError) {
        let parts = outNodes.split(separator: ";").map { String($0) }
        // A name of a tensor may hold colons too; the form `node:0` is meant when all parts end in a number.
        let split = parts.map { Self.splitLast($0) }
        if split.allSatisfy({ $0 != nil }) {
            nodes = split.compactMap { $0 }.map { (node: $0.node, output: $0.output) }
        } else if split.allSatisfy({ $0 == nil }) {
            tensors = parts
        } else {
            throw .invalidValue(
                outNodes, of: "--out_nodes", "Either all outputs are written as node:index, or all are tensor names.")
        }
        guard !outputType.isEmpty else { return }
        if let type = Self.types[outputType] {
            self.type = type
            return
        }
        for part in outputType.split(separator: ";").map({ String($0) }) {
            nodeTypes.append(try nodeType(part))
        }
    }

    /// `node:0:FP16`, which must be one of the chosen outputs.
    private func nodeType(_ part: String) throws(ConversionError) -> (node: String, output: Int, type: DataType) {
        guard let colon = part.lastIndex(of: ":"), let type = Self.types[String(part[part.index(after: colon)...])],
            let (node, output) = Self.splitLast(String(part[..<colon]))
        else {
            throw .invalidValue(
                part, of: "--output_type",
                "The value must be FP32, FP16, UINT8 or INT8, or \"node:index:type\" for single outputs.")
        }
        guard nodes.contains(where: { $0 == (node, output) }) else {
            throw .invalidValue(part, of: "--output_type", "[\(node):\(output)] is not in --out_nodes.")
        }
        return (node, output, type)
    }

    private static func splitLast(_ text: String) -> (node: String, output: Int)? {
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
            let output = Int(text[text.index(after: colon)...]), output >= 0
        else { return nil }
        return (String(text[..<colon]), output)
    }
}
