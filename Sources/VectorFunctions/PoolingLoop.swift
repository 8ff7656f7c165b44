// SPDX-License-Identifier: Apache-2.0

/// A pooling of a float tensor over three dimensions; those that it lacks have size 1.
public struct PoolingLoop: Sendable {
    /// Numbers for the depth, the height and the width.
    public typealias Sizes = (depth: Int, height: Int, width: Int)

    public var isMaximum: Bool
    /// Of a mean: whether it is over the elements in the image only. Else over the window's in the padded image.
    public var excludesPadding: Bool
    /// Of a mean: takes the place of the number of elements unless it is 0.
    public var divisor: Int
    public var batch, channels: Int
    public var image, output, window, strides, dilations, padsBegin, padsEnd: Sizes
    /// How many parts the work of `VectorFunctions.poolRows` is cut into.
    public var parts = 1

    public init(
        isMaximum: Bool, excludesPadding: Bool, divisor: Int, batch: Int, channels: Int, image: Sizes, output: Sizes,
        window: Sizes, strides: Sizes, dilations: Sizes, padsBegin: Sizes, padsEnd: Sizes
    ) {
        self.isMaximum = isMaximum
        self.excludesPadding = excludesPadding
        self.divisor = divisor
        self.batch = batch
        self.channels = channels
        self.image = image
        self.output = output
        self.window = window
        self.strides = strides
        self.dilations = dilations
        self.padsBegin = padsBegin
        self.padsEnd = padsEnd
    }

    /// Rows of the output of one image, or one channel.
    public var rowsOfImage: Int { output.depth * output.height }

    /// Elements of a row of the image with the padding, and what whole vectors read behind it.
    public var lineLength: Int {
        let read = (output.width + 16) * strides.width + window.width * dilations.width + 16
        return (max(padsBegin.width + image.width, read) + 15) / 16 * 16
    }
}
