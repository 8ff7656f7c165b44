// SPDX-License-Identifier: Apache-2.0

/// All ONNX operators that can be imported, by type. Each family's file lists its rules.
enum ONNXCatalogue {
    private static let families: [[String: Rule]] = [
        activationRules, controlFlowRules, convolutionRules, elementwiseRules, generationRules, indexingRules,
        matMulRules, normalizationRules, poolingRules, quantizationRules, recurrentRules, reductionRules, resizeRules,
        scanRules,
        shapeRules,
        visionRules,
    ]

    private static let rules: [String: Rule] = families.reduce(into: [:]) { all, family in
        all.merge(family) { first, _ in first }
    }

    /// Domains whose operators are those of ONNX itself.
    private static let domains: Set<String> = ["", "ai.onnx"]

    static subscript(node: ONNXNodeProto) -> Rule? {
        domains.contains(node.domain) ? rules[node.opType] : nil
    }

    /// The operators that can be imported.
    static var types: [String] { rules.keys.sorted() }
}
