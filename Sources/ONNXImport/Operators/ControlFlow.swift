// SPDX-License-Identifier: Apache-2.0

import GEGraph

let controlFlowRules: [String: Rule] = ["If": importIf]

/// With a condition that is known at conversion, the chosen branch takes the place of the node.
private func importIf(_ op: NodeContext) throws(ConversionError) {
    guard let value = op.constant(try op.input(0)), value.desc.elementCount == 1, let condition = value.ints?.first
    else {
        throw op.unsupported("a condition that is only known at run time.")
    }
    let branch = try op.graph(condition != 0 ? "then_branch" : "else_branch")
    try op.importer.importBranch(branch)
    for (index, output) in branch.output.enumerated() {
        guard let ref = op.importer.tensor(named: output.name) else {
            throw op.invalid("output [\(output.name)] of a branch is not produced in it.")
        }
        op.set(index, ref)
    }
}
