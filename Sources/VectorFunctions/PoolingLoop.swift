// SPDX-License-Identifier: Apache-2.0

/// A two-dimensional pooling of a float tensor with the channels innermost.
public struct PoolingLoop: Sendable {
    public var isMaximum: Bool
    /// Of a mean: whether it is over the elements in the image only. Else over the window's in the padded image.
    public var excludesPadding: Bool
    public var batch: Int
    public var height, width, channels: Int
    public var outHeight, outWidth: Int
    public var windowHeight, windowWidth: Int
    public var strideY, strideX: Int
    public var dilationY, dilationX: Int
    public var padTop, padLeft, padBottom, padRight: Int

    public init(
        isMaximum: Bool, excludesPadding: Bool, batch: Int, image: (height: Int, width: Int, channels: Int),
        output: (height: Int, width: Int), window: (height: Int, width: Int), strides: (y: Int, x: Int),
        dilations: (y: Int, x: Int), pads: (top: Int, left: Int, bottom: Int, right: Int)
    ) {
        self.isMaximum = isMaximum
        self.excludesPadding = excludesPadding
        self.batch = batch
        (height, width, channels) = image
        (outHeight, outWidth) = output
        (windowHeight, windowWidth) = window
        (strideY, strideX) = strides
        (dilationY, dilationX) = dilations
        (padTop, padLeft, padBottom, padRight) = pads
    }

    /// One part is one row of the output.
    public var rows: Int { batch * outHeight }
}
