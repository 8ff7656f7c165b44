// SPDX-License-Identifier: Apache-2.0

public import VectorFunctions

public let vectorFunctions = VectorFunctions(
    convolve: { convolve($0.pointee, $1, $2, $3) },
    convolveByRow: { convolveByRow($0, $1, $2, $3) },
    convolveByChannel: { convolveByChannel($0.pointee, $1, $2, $3) },
    convolveByTiles: { convolveByTiles($0.pointee, $1, $2, $3, $4) },
    multiply: { multiply($0.pointee, $1, $2, $3, $4) },
    pack: { pack($0.pointee, $1, $2, $3) },
    pool: { pool($0.pointee, $1, $2, $3) },
    poolRows: { poolRows($0.pointee, $1, $2, $3, $4) },
    resize: { resize($0.pointee, $1, $2, $3, $4) },
    softmax: { softmax($0.pointee, $1, $2, $3) },
    fold: { fold($0.pointee, $1, $2, $3) },
    findArgument: { findArgument($0.pointee, $1, $2, $3) },
    convert: { convert($0, $1, $2, $3) },
    normalize: { normalize($0.pointee, $1, $2, $3) },
    transpose: { transpose($0.pointee, $1, $2) },
    recur: { recur($0.pointee, $1, $2, $3, $4) },
    applySteps: { applySteps($0, $1, $2, $3, $4, rowLength: $5) },
    combine: { combine($0, $1, $2, isOne: $3, $4, $5) })
