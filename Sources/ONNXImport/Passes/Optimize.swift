// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// A rewrite of the graph; returns whether it changed anything.
typealias Pass = @Sendable (inout GraphDraft) throws(ConversionError) -> Bool

/// The passes, in the order in which they run; the whole list runs again until nothing changes.
private let passes: [Pass] = [
    removeNoOps, shareEqualNodes, mergeReshapes, mergeTransposes, fuseHardSigmoid, fuseHardSwish, fuseSwish, fuseGelu,
    fuseLayerNorm, foldAffine,
]

/// Simplifies a graph without changing what it computes.
func optimize(_ draft: inout GraphDraft) throws(ConversionError) {
    draft.removeUnused()
    var changed = true
    var rounds = 0
    // Real models need a few rounds; each takes time in proportion to the graph.
    while changed, rounds < 64 {
        changed = false
        rounds += 1
        for pass in passes {
            if try pass(&draft) { changed = true }
        }
        draft.removeUnused()
    }
}
