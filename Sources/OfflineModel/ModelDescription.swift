// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// What a model tells its callers about its inputs and outputs: the content of MODEL_INOUT_INFO.
public struct ModelDescription: Equatable, Sendable {
    /// The least and the greatest value of a dimension; −1 for "no upper limit".
    public struct DimensionRange: Equatable, Sendable {
        public var lower: Int
        public var upper: Int

        public init(lower: Int, upper: Int) {
            self.lower = lower
            self.upper = upper
        }
    }

    public struct Tensor: Equatable, Sendable {
        public var name: String
        public var dataType: DataType
        public var format: Format
        /// The dimensions that a caller sees; −1 for one that is chosen at run time.
        public var dims: [Int]
        /// The dimensions behind static AIPP; equal to `dims` without it.
        public var dimsV2: [Int]
        /// One entry per dimension, or empty.
        public var range: [DimensionRange]
        /// Bytes of the buffer; 0 where the model does not know.
        public var size: Int

        public init(
            name: String, dataType: DataType, format: Format, dims: [Int], dimsV2: [Int]? = nil,
            range: [DimensionRange] = [], size: Int
        ) {
            self.name = name
            self.dataType = dataType
            self.format = format
            self.dims = dims
            self.dimsV2 = dimsV2 ?? dims
            self.range = range
            self.size = size
        }
    }

    public var inputs: [Tensor]
    public var outputs: [Tensor]
    /// The batch sizes that may be chosen; empty for other models.
    public var dynamicBatch: [Int] = []
    /// The image sizes (height, width) that may be chosen.
    public var dynamicImageSize: [[Int]] = []
    /// The values of all dimensions written as −1 that may be chosen together.
    public var dynamicDims: [[Int]] = []
    /// Per gear and output: `gear,output,d0,d1,…`.
    public var dynamicOutputShapes: [String] = []
    /// Names of the inputs in the order in which the gears list their dimensions.
    public var inputOrder: [String] = []

    public init(inputs: [Tensor] = [], outputs: [Tensor] = []) {
        self.inputs = inputs
        self.outputs = outputs
    }
}
