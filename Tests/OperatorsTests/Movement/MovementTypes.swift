// SPDX-License-Identifier: Apache-2.0

/// The operators that the tests of this folder compare with a reference of their own.
let movementTypes: Set<String> = [
    // ReshapeTests.swift
    "Reshape", "Squeeze", "SqueezeV2", "SqueezeV3", "Unsqueeze", "UnsqueezeV2", "UnsqueezeV3", "ExpandDims",
    "Flatten", "FlattenV2", "Identity", "TensorMove", "StopGradient", "PlaceholderWithDefault", "Dropout",
    "IdentityN", "TransData", "Shape", "ShapeN", "Size", "Rank",
    // TransposeTests.swift
    "Transpose", "TransposeD", "Permute",
    // SlicingTests.swift
    "StridedSlice", "StridedSliceD", "StridedSliceV2", "StridedSliceV3", "Slice", "SliceD", "SliceDV2",
    // GatherTests.swift
    "Gather", "GatherV2", "GatherV2D", "GatherElements", "GatherNd",
    // JoiningTests.swift
    "Concat", "ConcatD", "ConcatV2", "ConcatV2D", "Pack", "Split", "SplitD", "SplitV", "SplitVD", "Unpack",
    // PadTests.swift
    "Pad", "PadD", "PadV2", "PadV2D", "PadV3", "PadV3D", "MirrorPad",
    // RepeatingTests.swift
    "Expand", "ExpandD", "BroadcastTo", "BroadcastToD", "Tile", "TileD", "Fill", "FillD", "OnesLike", "ZerosLike",
    "Range", "RangeD",
    // SelectTests.swift
    "Select", "SelectV2", "NonZero", "Where", "OneHot", "OneHotD", "DepthToSpace", "SpaceToDepth",
    // ScatterTests.swift
    "ScatterElements", "ScatterNd", "ScatterNdUpdate", "ScatterNdAdd", "ScatterNdSub", "ScatterNdMul",
    "ScatterNdMax", "ScatterNdMin", "TensorScatterUpdate", "TensorScatterAdd", "TensorScatterSub",
    "TensorScatterMul", "TensorScatterMax", "TensorScatterMin", "ScatterUpdate", "ScatterAdd", "ScatterSub",
    "ScatterMul", "ScatterMax", "ScatterMin",
    // OrderTests.swift
    "ReverseV2", "ReverseV2D", "ReverseSequence", "Trilu", "Triu", "Tril", "MatrixDiag",
]
