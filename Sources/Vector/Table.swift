// SPDX-License-Identifier: Apache-2.0

public import VectorFunctions

public let vectorFunctions = VectorFunctions(
    convolve: { convolve($0.pointee, $1, $2, $3) },
    convolveByTiles: { convolveByTiles($0.pointee, $1, $2, $3, $4) },
    pool: { pool($0.pointee, $1, $2, $3) },
    softmax: { softmax($0.pointee, $1, $2, $3) },
    reduceRows: { reduceRows($0.pointee, $1, $2, $3) },
    applySteps: { applySteps($0, $1, $2, $3, $4, rowLength: $5) })
