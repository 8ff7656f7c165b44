// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Kernels

/// One gear of a model, or the whole of a model without gears: its program, and where everything lies.
struct PreparedBranch {
    /// Exact bytes of each input and output, in the model's order.
    let inputBytes: [Int]
    let outputBytes: [Int]
    let outputDescs: [TensorDesc]
    let program: Program
    let placement: Placement
    /// Offset of each of the program's constants from the aligned start of the weight area.
    let weightOffsets: [Int]
}
