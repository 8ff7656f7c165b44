// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Operators
import Testing

/// A branch that cannot be executed says why.
@Suite struct RefusedBranchTests {
    static let types: Set<String> = ["RefusedBranch"]

    @Test func theReasonIsInTheError() throws {
        let definition = try #require(Catalogue[type: "RefusedBranch"])
        let node = Node(name: "branch", type: "RefusedBranch", attributes: ["reason": .string("5 does not fit 3.")])
        let error = #expect(throws: GraphError.self) {
            try definition.infer(Inference(node: node, inputs: [], constants: []))
        }
        #expect(error?.description.contains("'branch'") == true)
        #expect(error?.description.contains("5 does not fit 3.") == true)
    }
}
